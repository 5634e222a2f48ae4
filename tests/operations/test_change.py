"""One change by a command: tried again when another program was quicker, logged once, and not at all in a dry run."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from berkeleydb import db

from sasldb import syslog
from sasldb.errors import Conflict, NoSuchUser, NotFound
from sasldb.operations import change as changes
from sasldb.operations.change import Deed, Target, change, write
from sasldb.policy.ownership import OwnershipOptions
from sasldb.store.editing import Editor
from tests.operations.databases import ALICE, content, make

USERS = {"alice@example.org": {"userPassword": b"old"}}


class Log:
    """A system log of the test's own; `lines` takes what has arrived."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def lines(self) -> list[str]:
        """Return each line from the program's name on."""
        found = []
        try:
            while True:
                found.append(self._socket.recv(4096).decode().partition(" sasldb: ")[2])
        except BlockingIOError:
            return found

    def close(self) -> None:
        """Take nothing more."""
        self._socket.close()


@pytest.fixture
def log(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Yield a log at another address than the system's."""
    path = tmp_path_factory.mktemp("log") / "log"
    received = Log(path)
    monkeypatch.setattr(syslog, "ADDRESS", str(path))
    yield received
    received.close()


def put(path: str, value: bytes) -> None:
    """Write a record without taking a lock, as a Cyrus tool does."""
    database = db.DB()
    database.open(path, None, db.DB_HASH, 0)
    database.put(b"bob\0x\0userPassword", value)
    database.close()


class Meddled:
    """Work that sets alice's password to what it finds bob's to be, while another program changes bob's `times` times."""

    def __init__(self, path: str, times: int) -> None:
        self.calls = 0
        self._path = path
        self._times = times

    def __call__(self, editor: Editor) -> list[Deed]:
        """Read, let the other program write, change."""
        self.calls += 1
        value = dict(editor.records()).get(b"bob\0x\0userPassword", b"none")
        if self.calls <= self._times:
            put(self._path, b"%d" % self.calls)
        write(editor, ALICE, {b"userPassword": value})
        return [Deed("set password of", ALICE)]


def test_tried_again(tmp_path: Path, log: Log) -> None:
    """Where another program changes what the work has read, the work is done again on what is there then, and logged once."""
    path = make(tmp_path / "db", USERS)
    work = Meddled(path, 2)
    change(Target(path), "set a password", work)
    assert work.calls == 3
    assert content(path) == {"alice@example.org": {"userPassword": b"2"}, "bob@x": {"userPassword": b"2"}}
    assert log.lines() == [f"set password of alice@example.org in {path} by {syslog.caller()}"]


def test_not_for_ever(tmp_path: Path, log: Log) -> None:
    """If that goes on, it fails with nothing changed, and the log has the reason."""
    path = make(tmp_path / "db", USERS)
    with pytest.raises(Conflict):
        change(Target(path), "set a password", Meddled(path, 1000))
    assert content(path)["alice@example.org"] == {"userPassword": b"old"}
    assert [line.startswith(f"cannot set a password: {path}: ") for line in log.lines()] == [True]


def test_failure(tmp_path: Path, log: Log) -> None:
    """An error of the work leaves the file alone, is logged, and gives the lock back."""
    path = make(tmp_path / "db", USERS)

    def fail(editor: Editor) -> list[Deed]:
        write(editor, ALICE, {b"userPassword": None})
        raise NoSuchUser("bob@x", "no such user")

    with pytest.raises(NoSuchUser):
        change(Target(path), "do harm", fail)
    assert content(path) == USERS
    assert log.lines() == ["cannot do harm: bob@x: no such user"]
    assert change(Target(path), "do nothing", lambda _: []).deeds == []


def test_dry_run(tmp_path: Path, log: Log) -> None:
    """A dry run does the work and keeps nothing of it; neither it nor its failure is logged."""
    path = make(tmp_path / "db", USERS)
    work = Meddled(path, 0)
    report = change(Target(path, dry_run=True), "set a password", work)
    assert work.calls == 1 and report.dry_run
    assert [deed.told(report.dry_run) for deed in report.deeds] == ["would set password of alice@example.org"]
    with pytest.raises(NotFound):
        change(Target(str(tmp_path / "absent"), dry_run=True), "set a password", work)
    assert content(path) == USERS and log.lines() == []


@pytest.mark.parametrize("dry_run, told", [(False, "made"), (True, "would make")])
def test_new_database(tmp_path: Path, dry_run: bool, told: str) -> None:
    """A database that is made is told; in a dry run it is not made."""
    path = str(tmp_path / "db")
    report = change(Target(path, dry_run=dry_run), "add", Meddled(path, 0), create=True)
    assert report.sentences == [f"{told} {path}"]
    assert os.path.exists(path) != dry_run


def test_owner_and_mode(tmp_path: Path) -> None:
    """The wishes for owner and mode are carried out, and what that changed is told."""
    path = make(tmp_path / "db", USERS)
    os.chmod(path, 0o640)
    report = change(Target(path, OwnershipOptions(mode=0o600)), "set a password", Meddled(path, 0))
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert len(report.sentences) == 1 and report.sentences[0].endswith(" 0600")


def test_many_deeds(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many users the log names the first ones and counts the rest; details stay out of it."""
    monkeypatch.setattr(changes, "LOGGED", 3)
    path = make(tmp_path / "db", USERS)
    deeds = [Deed("delete", f"user{number}@x", ": not for the log") for number in range(5)]
    change(Target(path), "delete", lambda _: deeds)
    where = f"in {path} by {syslog.caller()}"
    assert log.lines() == [*(f"deleted user{number}@x {where}" for number in range(3)), f"and 2 more {where}"]
