"""What an exclusive user of a file may count on: reading, waiting, and giving everything back once."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from sasldb.errors import DatabaseError, WriteFailed
from sasldb.files.deadline import Deadline
from sasldb.files.exclusive import Exclusive
from sasldb.files.ownership import Wishes


def exclusive(path: Path, wait: float = 1) -> Exclusive:
    """Lock a file, which need not exist."""
    return Exclusive(str(path), Wishes(), True, Deadline(wait))


def test_closing_twice(tmp_path: Path) -> None:
    """Closing again does nothing: the descriptor may be another file's by then."""
    (tmp_path / "db").write_bytes(b"content")
    held = exclusive(tmp_path / "db")
    held.close()
    with open(os.devnull, "rb") as first, open(os.devnull, "rb") as second:
        held.close()
        assert os.fstat(first.fileno()) and os.fstat(second.fileno())
    assert (held.fd, held.size, held.read(0, 10), held.stamp(), held.settles()) == (None, 0, b"", None, False)


def test_no_file(tmp_path: Path) -> None:
    """While there is no file it has no size, no content and no stamp, and owner and mode need no change."""
    held = exclusive(tmp_path / "db")
    held.adjust()
    assert (held.fd, held.size, held.read(0, 10), held.stamp(), held.notes) == (None, 0, b"", None, [])
    held.close()
    assert os.listdir(tmp_path) == []


def test_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any part can be read; what the system refuses is an error of this package."""
    (tmp_path / "db").write_bytes(b"content")
    held = exclusive(tmp_path / "db")
    assert (held.size, held.read(0, 100), held.read(3, 2)) == (7, b"content", b"te")

    def refuse(fd: int, size: int, offset: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", refuse)
        with pytest.raises(WriteFailed, match="cannot be read"):
            held.read(0, 1)
    held.close()


def test_a_file_that_cannot_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that the system refuses (ESTALE, on NFS) is an error of this package."""
    (tmp_path / "db").write_bytes(b"content")
    held = exclusive(tmp_path / "db")

    def refuse(fd: int) -> os.stat_result:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", refuse)
        with pytest.raises(DatabaseError, match="cannot be looked at"):
            held.status()
    held.close()


def test_settling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was written to just now is waited for, until the deadline is over; an old one is not."""
    path = tmp_path / "db"
    path.write_bytes(b"content")
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    held = exclusive(path)
    assert held.settles() and len(pauses) == 1 and pauses[0] > 0
    held.deadline = Deadline(0)
    assert not held.settles() and len(pauses) == 1
    held.deadline = Deadline(1)
    os.utime(path, (1, 1))
    assert not held.settles() and len(pauses) == 1
    held.close()
