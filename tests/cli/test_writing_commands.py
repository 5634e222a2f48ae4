"""What holds for every command that changes a database, whatever it changes: one table of them, and one list of promises.

WRITING is also what other tests of safety run over (`tests/faults`). A command with --dry-run that is not in it fails the first test.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

import click
import pytest

import sasldb as library
from sasldb.cli.commands import MODULES
from sasldb.cli.main import sasldb as program
from sasldb.secrets import scram
from tests.cli.conftest import Done, make_database
from tests.conftest import Commands, Require
from tests.real.namespace import PrivateEtc
from tests.test_syslog import RECEIVER

PASSWORD = b"pass-word"  # what the receiver of the log hands over on standard input too
RECORDS = {
    b"alice\0example.com\0userPassword": b"wonderland",
    b"alice\0example.com\0homeDirectory": b"/home/alice",
    b"bob\0example.com\0userPassword": b"builder",
    b"bob\0example.com\0authPassword": scram.make(b"builder"),
    b"carol\0example.org\0userPassword": b"christmas",
}
SECRETS = (PASSWORD, *(value for key, value in RECORDS.items() if not key.endswith(b"homeDirectory")))
STATE = {
    "users": [
        {"name": "alice@example.com", "password": PASSWORD.decode()},
        {"name": "bob@example.com", "state": "absent"},
    ]
}
BAD_STATE = {"users": [{"name": "alice@example.com", "password": ""}]}


@dataclass
class Writing:
    """One call of a writing command that changes a database of RECORDS, and one that is refused.

    Attributes:
        arguments: what stands behind the command and `-f FILE`. refused: the same, of a call that ends with 3; None where
            only the file can be a reason.
        fresh: whether the database is one that does not exist yet; then the refused call is made on one of RECORDS.
        files: name -> content, of what must lie in the current directory.
        users: users that the log names. dry_status: exit status of a dry run.
    """

    arguments: list[str]
    refused: Optional[list[str]]
    users: list[str] = field(default_factory=list)
    fresh: bool = False
    files: Mapping[str, bytes] = field(default_factory=dict)
    dry_status: int = 0


ASK = "--password-stdin"
WRITING = {
    "add": Writing([ASK, "dave@example.com"], [ASK, "alice@example.com"], ["dave@example.com"]),
    "passwd": Writing([ASK, "alice@example.com"], [ASK, "dave@example.com"], ["alice@example.com"]),
    "delete": Writing(["alice@example.com"], ["alice@example.com", "dave@example.com"], ["alice@example.com"]),
    "rename": Writing(
        ["alice@example.com", "ally"], ["alice@example.com", "bob"], ["alice@example.com", "ally@example.com"]
    ),
    "rename-realm": Writing(["example.com", "example.net"], ["absent", "example.net"]),
    "copy-realm": Writing(["example.com", "example.net"], ["absent", "example.net"]),
    "harden": Writing(["--all"], ["dave@example.com"], ["alice@example.com", "bob@example.com"]),
    "apply": Writing(
        ["state.json"],
        ["bad.json"],
        ["alice@example.com", "bob@example.com"],
        files={"state.json": json.dumps(STATE).encode(), "bad.json": json.dumps(BAD_STATE).encode()},
    ),
    "audit": Writing(["--fix", "--local-domain", "example.com"], None, ["bob@example.com"], dry_status=1),
    "init": Writing([], [], fresh=True),
}
each_command = pytest.mark.parametrize("name", WRITING)


def lay_out(name: str, directory: Path) -> Path:
    """Make what a call of the command needs in `directory`, the database `db` of RECORDS at least, and return its path."""
    for file, content in WRITING[name].files.items():
        (directory / file).touch(0o600)
        (directory / file).write_bytes(content)
    make_database(directory / "db", RECORDS)
    return directory / "new" if WRITING[name].fresh else directory / "db"


def argv_of(commands: Commands, name: str, path: Path) -> list[str]:
    """Return the call of the table on the database `path` that `lay_out` gave, fit for any current directory."""
    writing = WRITING[name]
    arguments = [str(path.with_name(word)) if word in writing.files else word for word in writing.arguments]
    return [commands.sasldb, name, "-f", str(path), *arguments]


def call(commands: Commands, name: str, path: Path, arguments: list[str], small: bool = False) -> Done:
    """Call the command on the database `path`; `small` lets no file grow beyond a page."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    argv = [commands.sasldb, name, "-f", path.name, *arguments]
    return subprocess.run(
        argv,
        input=PASSWORD + b"\n",
        capture_output=True,
        cwd=path.parent,
        env={"PATH": "/usr/bin:/bin"},
        timeout=30,
        preexec_fn=limit if small else None,
        check=False,
    )


def state(directory: Path) -> dict[str, tuple[object, ...]]:
    """Return all that a change of a file in `directory` would change."""
    found = {path.name: (path.read_bytes(), path.stat()) for path in directory.iterdir()}
    return {
        name: (content, status.st_ino, status.st_mtime_ns, status.st_mode) for name, (content, status) in found.items()
    }


def records(path: Path) -> dict[bytes, bytes]:
    """Return all records of a database."""
    with library.open(str(path)) as database:
        return dict(database.records())


def options(name: str) -> set[str]:
    """Return the options of a command as they are typed; the name may be of two words."""
    command: click.Command = program
    for word in name.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    return {word for option in command.params for word in option.opts}


def test_every_writing_command_is_here() -> None:
    """The table has each command that offers a dry run, and each of them can be told which file, owner and mode."""
    assert set(WRITING) == {name for name in MODULES if "--dry-run" in options(name)}
    for name in WRITING:
        assert {"-f", "-a", "--owner", "--group", "--mode"} <= options(name)


@each_command
def test_it_changes_something(commands: Commands, tmp_path: Path, name: str) -> None:
    """The call of the table succeeds and leaves other records and no other file; no secret is printed."""
    path = lay_out(name, tmp_path)
    before = set(os.listdir(tmp_path)) | {path.name}
    done = call(commands, name, path, WRITING[name].arguments)
    assert done.returncode == 0, done.stderr
    assert set(os.listdir(tmp_path)) == before
    assert records(path) != (None if WRITING[name].fresh else RECORDS)
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)


@each_command
def test_dry_run(commands: Commands, tmp_path: Path, name: str) -> None:
    """A dry run says what would be done and touches nothing."""
    path = lay_out(name, tmp_path)
    before = state(tmp_path)
    done = call(commands, name, path, [*WRITING[name].arguments, "--dry-run"])
    assert done.returncode == WRITING[name].dry_status and b"would" in done.stdout
    assert state(tmp_path) == before


@pytest.mark.parametrize("name", [name for name, writing in WRITING.items() if writing.refused is not None])
def test_refused(commands: Commands, tmp_path: Path, name: str) -> None:
    """A call that is refused ends with 3, says why, and touches nothing."""
    path = lay_out(name, tmp_path).with_name("db")
    before = state(tmp_path)
    done = call(commands, name, path, WRITING[name].refused or [])
    assert (done.returncode, done.stdout) == (3, b"") and done.stderr.startswith(b"sasldb: ")
    assert state(tmp_path) == before
    assert not any(secret in done.stderr for secret in SECRETS)


@each_command
def test_no_room(commands: Commands, tmp_path: Path, name: str) -> None:
    """Where the new file cannot be written, the old one stands, and nothing else lies there."""
    path = lay_out(name, tmp_path)
    before = state(tmp_path)
    done = call(commands, name, path, WRITING[name].arguments, small=True)
    assert (done.returncode, done.stdout) == (3, b""), done.stderr
    assert state(tmp_path) == before


BAD = {"empty": b"", "text": b"alice: secret\n" * 400, "damaged": b""}


@pytest.mark.parametrize("kind", BAD)
@each_command
def test_no_database(commands: Commands, tmp_path: Path, name: str, kind: str) -> None:
    """A file that is no sound database is not touched by a command that does not make one."""
    path = lay_out(name, tmp_path).with_name("db")
    sound = path.read_bytes()
    path.write_bytes(sound[: 4096 + 20] + b"\xff" * 4076 + sound[8192:] if kind == "damaged" else BAD[kind])
    os.utime(path, (0, 0))  # else it might be a file that somebody is writing just now, and is waited for
    before = state(tmp_path)
    done = call(commands, name, path, WRITING[name].arguments)
    if WRITING[name].fresh and kind == "empty":  # the one command that may make a database of it
        assert done.returncode == 0 and records(path) == {}
    else:
        assert (done.returncode, done.stdout) == (3, b""), done.stderr
        assert done.stderr.splitlines()[-1].startswith(b"sasldb: db: ") and state(tmp_path) == before


@each_command
def test_system_log(private_etc: PrivateEtc, commands: Commands, tmp_path: Path, name: str) -> None:
    """A change is logged, with the users whom it concerned, the file and who did it; and without a secret."""
    path = lay_out(name, tmp_path)
    argv = argv_of(commands, name, path)
    done = private_etc.run("unshare", "--mount", sys.executable, "-c", RECEIVER, "datagram", *argv)
    status, _, lines, _ = json.loads(done.stdout)
    assert status == 0 and lines
    assert all("sasldb: " in line and f"{path} by uid=" in line for line in lines)
    assert all(any(user in line for line in lines) for user in WRITING[name].users)
    assert not any(secret.decode() in line for secret in SECRETS for line in lines)


LAY_CHROOT = """
mkdir -p /etc/postfix /etc/chroot/etc/sasldb2
echo "queue_directory = /etc/chroot" >/etc/postfix/main.cf
ln -sf "$1" /etc/sasldb2
"""


@each_command
def test_a_copy_that_cannot_be_written(private_etc: PrivateEtc, commands: Commands, tmp_path: Path, name: str) -> None:
    """Where the copy in Postfix's chroot cannot be written the change stands, and the command says which copy is old and ends with 1."""
    path = lay_out(name, tmp_path)
    assert private_etc.run("sh", "-c", LAY_CHROOT, "sh", str(path)).returncode == 0
    done = private_etc.run(*argv_of(commands, name, path), stdin=PASSWORD + b"\n")
    assert done.returncode == 1
    assert f"sasldb: /etc/chroot/etc/sasldb2: {path} was changed, this copy of it was not: ".encode() in done.stderr
    assert records(path) != (None if WRITING[name].fresh else RECORDS)


@each_command
def test_no_secret_in_arguments(require: Require, commands: Commands, tmp_path: Path, name: str) -> None:
    """No program that is started has a password among its arguments or in its environment."""
    (strace,) = require("strace", "strace")
    path = lay_out(name, tmp_path)
    trace = tmp_path / "trace"
    argv = [strace, "-f", "-v", "-s", "9999", "-e", "trace=execve", "-o", str(trace)]
    argv += [commands.sasldb, name, "-f", path.name, *WRITING[name].arguments]
    done = subprocess.run(
        argv,
        input=PASSWORD + b"\n",
        capture_output=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    started = trace.read_bytes()
    assert b"execve" in started and not any(secret in started for secret in SECRETS)
