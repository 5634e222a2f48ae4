"""Crowds: processes that write to one database, or read it, all at the same time."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.sharedctypes import SynchronizedArray
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

import sasldb
from sasldb.errors import SasldbError
from tests.faults import bulk_create
from tests.faults.databases import REALM, Records, key

ENOUGH = 20
_FORK = multiprocessing.get_context("fork")
_LONGEST = 600.0  # seconds; the slowest crowd takes a tenth of it, a whole campaign on a busy machine half

# $1 = the command, $2 = the database, $3 = the users' name, $4 = how many, $5 = what the command runs under
_CREATE = """
i=0
while [ "$i" -lt "$4" ]; do
    printf 'password-%d' "$i" | $5 "$1" -p -c -f "$2" -u example.com "$3-$i"
    echo "$? $3-$i"
    i=$((i + 1))
done
"""

Shell = subprocess.Popen[bytes]


def by_command(program: str, path: Path, name: str, count: int, under: str = "") -> Shell:
    """Start a shell that creates `count` users, one call of `program` each, run under the command `under`."""
    argv = ["sh", "-c", _CREATE, "sh", program, str(path), name, str(count), under]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def by_edits(path: Path, name: str, count: int) -> Shell:
    """Start a process that creates `count` users, one edit of the library each."""
    argv = [sys.executable, "-I", bulk_create.__file__, str(path), name, str(count)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def statuses(shells: list[Shell]) -> dict[str, int]:
    """Wait for all and return user -> exit status of the call that created the user."""
    try:
        said = [shell.communicate(timeout=_LONGEST)[0] for shell in shells]
    finally:
        for shell in shells:
            shell.kill()
    words = [line.split() for text in said for line in text.decode().splitlines()]
    return {user: int(status) for status, user in words}


def lost(done: dict[str, int], found: Records) -> list[str]:
    """Return the users whose creation ended with 0 and who are not there with their password."""

    def password(user: str) -> bytes:
        return b"password-" + user.rpartition("-")[2].encode()

    return [user for user, status in done.items() if status == 0 and found.get(key(user)) != password(user)]


class Holder:
    """A process that holds the lock of a database until it is killed or the block ends. Attribute: `pid`."""

    def __init__(self, path: Path) -> None:
        ready, told = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            fd = os.open(path, os.O_RDWR)
            fcntl.flock(fd, fcntl.LOCK_EX)
            os.write(told, b".")
            time.sleep(_LONGEST)
            os._exit(0)
        os.read(ready, 1)
        os.close(ready)
        os.close(told)

    def kill(self) -> None:
        """Kill it; the lock is free then."""
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def __enter__(self) -> Holder:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()


def make_at_once(directory: Path, makers: int, rounds: int) -> list[str]:
    """Let `makers` processes make the same missing database at the same moment, again and again; return what went wrong."""
    barrier = _FORK.Barrier(makers)
    complaints = _FORK.SimpleQueue()
    crowd = [
        _FORK.Process(target=_make, args=(directory, who, rounds, barrier, complaints.put)) for who in range(makers)
    ]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(_LONGEST)
    heard = []
    while not complaints.empty():
        heard.append(complaints.get())
    return heard + [f"a maker ended with {process.exitcode}" for process in crowd if process.exitcode != 0]


def _make(directory: Path, who: int, rounds: int, barrier: Barrier, complain: Callable[[str], None]) -> None:
    path = directory / "db"
    for number in range(rounds):
        barrier.wait(_LONGEST)
        try:
            with sasldb.edit(str(path)) as db:
                db.set_password(f"user{who}@{REALM}", b"password")
        except Exception as error:
            complain(f"round {number}, maker {who}: {error!r}")
        barrier.wait(_LONGEST)
        if who == 0:
            found = _what_is_there(directory)
            if found != f"{barrier.parties} records, mode 640, ['db']":
                complain(f"round {number}: {found}")
            for entry in directory.iterdir():
                entry.unlink()
        barrier.wait(_LONGEST)


def _what_is_there(directory: Path) -> str:
    path = directory / "db"
    try:
        with sasldb.open(str(path)) as db:
            count = len(list(db.records()))
    except SasldbError as error:
        return str(error)
    return f"{count} records, mode {path.stat().st_mode & 0o777:o}, {sorted(os.listdir(directory))}"


def read_while_written(path: Path, seconds: float, readers: int = 3) -> tuple[int, int, list[str]]:
    """Change two users together, all the time, while others read; return (writes, reads, what readers saw that cannot be).

    That takes `seconds`, and longer on a machine so busy that there were fewer than ENOUGH of either.
    """
    stop = _FORK.Event()
    done = _FORK.Array("i", 2)  # writes, reads
    results = _FORK.SimpleQueue()
    with sasldb.open(str(path)) as db:
        others = len(list(db.records()))
    _change_both(path, 0)
    crowd = [_FORK.Process(target=_write, args=(path, stop, done, results.put))]
    crowd += [_FORK.Process(target=_read, args=(path, others + 2, stop, done, results.put)) for _ in range(readers)]
    for process in crowd:
        process.start()
    begun = time.monotonic()
    while time.monotonic() - begun < _LONGEST:
        time.sleep(seconds)
        if done[0] >= ENOUGH and done[1] >= ENOUGH:
            break
    stop.set()
    heard = [results.get() for _ in crowd]
    for process in crowd:
        process.join(_LONGEST)
    counts = {"write": 0, "read": 0}
    for kind, count, _ in heard:
        counts[kind] += count
    return counts["write"], counts["read"], [complaint for _, _, complaints in heard for complaint in complaints]


def _change_both(path: Path, number: int) -> None:
    password = b"%d" % number * (1 + number % 40)  # of changing length, so that records move about
    with sasldb.edit(str(path)) as db:
        db.set_password(f"left@{REALM}", password)
        db.set_password(f"right@{REALM}", password)


def _write(
    path: Path, stop: Event, done: SynchronizedArray[int], tell: Callable[[tuple[str, int, list[str]]], None]
) -> None:
    number = 0
    complaints = []
    while not stop.is_set():
        number += 1
        try:
            _change_both(path, number)
        except Exception as error:
            complaints.append(f"write {number}: {error!r}")
        done[0] += 1
    tell(("write", number, complaints[:5]))


def _read(
    path: Path,
    records: int,
    stop: Event,
    done: SynchronizedArray[int],
    tell: Callable[[tuple[str, int, list[str]]], None],
) -> None:
    number = 0
    complaints = []
    while not stop.is_set():
        number += 1
        try:
            with sasldb.open(str(path)) as db:
                found = dict(db.records())
            if found[key("left")] != found[key("right")] or len(found) != records:
                complaints.append(f"read {number}: half a change, or {len(found)} records instead of {records}")
        except Exception as error:
            complaints.append(f"read {number}: {error!r}")
        with done.get_lock():
            done[1] += 1
    tell(("read", number, complaints[:5]))
