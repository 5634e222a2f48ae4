"""Waiting for the lock: in growing pauses, and not at all where the system knows no lock."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import time
from pathlib import Path

import pytest

from sasldb.errors import DatabaseError, Locked
from sasldb.files.deadline import Deadline
from sasldb.files.lock import lock
from sasldb.files.place import Place


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file."""
    (tmp_path / "db").write_bytes(b"content")
    return tmp_path / "db"


def test_pauses(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first pauses are short and each is twice the one before, up to a fiftieth of a second; then the lock is ours."""
    pauses: list[float] = []
    with path.open("rb") as holder, Place(str(path)) as place:
        fcntl.flock(holder, fcntl.LOCK_EX)

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 10:
                fcntl.flock(holder, fcntl.LOCK_UN)

        monkeypatch.setattr(time, "sleep", sleep)
        fd = lock(place, Deadline(60))
        with pytest.raises(BlockingIOError):
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(fd)
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert pauses[0] < 0.001 and pauses == [min(pauses[0] * 2**number, 0.02) for number in range(10)]


def test_a_lease(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a lease on the file (a file server, its owner) is waited for until the deadline, and then told of."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # by which the system asks for the lease
    try:
        with path.open("rb") as holder, Place(str(path)) as place:
            fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            with pytest.raises(Locked, match="lease"):
                lock(place, Deadline(0.05))
            monkeypatch.setattr(time, "sleep", lambda seconds: fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_UNLCK))
            os.close(lock(place, Deadline(60)))
    finally:
        signal.signal(signal.SIGIO, before)


def test_replaced_all_the_time(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is replaced whenever it is locked ends in an error that says so, when the time is over."""
    original = fcntl.flock

    def replace(fd: int, how: int) -> None:
        original(fd, how)
        (tmp_path / "new").write_bytes(b"content")
        (tmp_path / "new").replace(path)

    monkeypatch.setattr(fcntl, "flock", replace)
    with Place(str(path)) as place, pytest.raises(Locked, match="replaced all the time for 0.05 s"):
        lock(place, Deadline(0.05))


def test_interrupted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal in between is no refusal."""
    numbers = [errno.EINTR, errno.EACCES, errno.EAGAIN]
    original = fcntl.flock

    def refuse(fd: int, how: int) -> None:
        if numbers:
            raise OSError(numbers[0], os.strerror(numbers.pop(0)))
        original(fd, how)

    monkeypatch.setattr(fcntl, "flock", refuse)
    with Place(str(path)) as place:
        os.close(lock(place, Deadline(60)))
    assert numbers == []


def test_no_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system has no locks that is told at once, and the file is not kept open."""

    def refuse(fd: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with Place(str(path)) as place:
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(DatabaseError, match="cannot be locked: No locks available"):
            lock(place, Deadline(60))
        assert len(os.listdir("/proc/self/fd")) == before
