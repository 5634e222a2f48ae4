"""Every public function of the library and every kind of command, as a call on one database whose result is checked.

The database holds user0 ... with the passwords of `databases.build`. A call raises AssertionError where the result is wrong.
"""

from __future__ import annotations

import os
import pkgutil
import sys
from collections.abc import Callable
from importlib import import_module

import sasldb
from sasldb.cli.compat import saslpasswd2, sasldblistusers2
from sasldb.cli.main import main
from tests.faults.databases import Records, key

USERS = 12
OLD = {key(f"user{number}"): b"%016d" % number for number in range(USERS)}
PASSWORD = b"n" * 3000  # makes the file grow
NEW = {**OLD, key("new"): PASSWORD}
GONE = {name: value for name, value in OLD.items() if name != key("user5")}
EMPTY: Records = {}

Call = Callable[[str], object]


def preload() -> None:
    """Load every module of the package, and what those load only when they are called: imports are no work of theirs."""
    for module in pkgutil.walk_packages(sasldb.__path__, "sasldb."):
        import_module(module.name)
    for name in (
        "berkeleydb.db",
        "hashlib",
        "secrets",
        "struct",
        "json",
        "grp",
        "pwd",
        "syslog",
        "socket",
        "unicodedata",
        "resource",
        "termios",
    ):
        import_module(name)


def open_it(path: str) -> None:
    """Open and close."""
    with sasldb.open(path):
        pass


def iterate(path: str) -> None:
    """Read every account, record and key, in a database that is looked at page by page."""
    with sasldb.open(path, checked=False) as db:
        assert dict(db.records()) == OLD, "other records"
        assert sum(1 for _ in db) == USERS, "other accounts"
        assert {name for batch in db.key_batches() for name in batch} == set(OLD), "other keys"


def verify(path: str) -> None:
    """Check a right and a wrong password."""
    with sasldb.open(path) as db:
        assert db.verify("user3@example.com", b"%016d" % 3).outcome.name == "OK", "a right password is not right"
        assert db.verify("user3@example.com", b"wrong").outcome.name == "MISMATCH", "a wrong password is not wrong"


def look_in_edit(path: str) -> None:
    """Read in an edit that changes nothing."""
    with sasldb.edit(path, create=False) as db:
        assert dict(db.records()) == OLD, "other records"
        assert db.value(key("user1")) == OLD[key("user1")], "another value"


def set_password(path: str) -> None:
    """Make a user."""
    with sasldb.edit(path) as db:
        db.set_password("new@example.com", PASSWORD)


def delete(path: str) -> None:
    """Delete a user."""
    with sasldb.edit(path) as db:
        db.delete("user5@example.com")


def put_and_commit(path: str) -> None:
    """Store a record, and say so before the block ends."""
    with sasldb.edit(path) as db:
        db.put(key("new"), PASSWORD)
        db.commit()


def give_up(path: str) -> None:
    """Change something and then leave the block by an exception of one's own: nothing is changed."""
    try:
        with sasldb.edit(path) as db:
            db.set_password("new@example.com", PASSWORD)
            raise KeyError("the caller's own")
    except KeyError:
        pass


class Command:
    """A call of a command, DATABASE in its arguments for the path; it returns the exit status.

    AssertionError where a failure is not told in a line on standard error, or (the drop-ins) two.
    """

    def __init__(self, run: Callable[[list[str]], int], *arguments: str) -> None:
        self._run = run
        self._arguments = arguments

    def prepare(self) -> None:
        """Give this process standard streams of its own, the password on standard input."""
        reading, writing = os.pipe()
        os.write(writing, PASSWORD + b"\n")
        os.close(writing)
        for fd, own in enumerate((reading, os.memfd_create("output"), os.memfd_create("errors"))):
            os.dup2(own, fd)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")

    def __call__(self, path: str) -> int:
        status = self._run([path if word == "DATABASE" else word for word in self._arguments])
        sys.stderr.flush()
        os.getppid()  # here ends what `watching` counts
        said = os.pread(2, 1 << 20, 0)
        lines = said.decode(errors="replace").splitlines()
        told = 1 <= len(lines) <= 2 and "Traceback" not in lines[0]
        assert told or status == 0, f"status {status}, and on standard error: {said!r}"
        return status


def command(*arguments: str) -> Command:
    """Return a call of `sasldb`."""
    return Command(main, *arguments)


def drop_in(tool: Callable[[list[bytes]], int], *arguments: str) -> Command:
    """Return a call of a drop-in."""
    return Command(lambda words: tool([os.fsencode(word) for word in ("tool", *words)]), *arguments)


# Name: the call; of those that may write, also the records after it.
READING: dict[str, Call] = {"open": open_it, "iterate": iterate, "verify": verify}
WRITING: dict[str, tuple[Call, Records]] = {
    "look in edit": (look_in_edit, OLD),
    "set_password": (set_password, NEW),
    "delete": (delete, GONE),
    "commit": (put_and_commit, NEW),
    "give up": (give_up, OLD),
}
COMMANDS: dict[str, tuple[Call, Records]] = {
    "list": (command("list", "-f", "DATABASE"), OLD),
    "add": (command("add", "--password-stdin", "-f", "DATABASE", "new@example.com"), NEW),
    "del": (command("delete", "-f", "DATABASE", "user5@example.com"), GONE),
    "saslpasswd2": (drop_in(saslpasswd2.main, "-p", "-c", "-f", "DATABASE", "-u", "example.com", "new"), NEW),
    "saslpasswd2 -d": (drop_in(saslpasswd2.main, "-d", "-f", "DATABASE", "-u", "example.com", "user5"), GONE),
    "sasldblistusers2": (drop_in(sasldblistusers2.main, "-f", "DATABASE"), OLD),
}
MISSING: dict[str, tuple[Call, Records]] = {
    "set_password": (set_password, {key("new"): PASSWORD}),
    "commit": (put_and_commit, {key("new"): PASSWORD}),
    "init": (command("init", "-f", "DATABASE"), EMPTY),
    "add": (command("add", "--password-stdin", "-f", "DATABASE", "new@example.com"), {key("new"): PASSWORD}),
}
