"""What an exclusive user of a file may count on: reading, waiting, and giving everything back once."""

from __future__ import annotations

import errno
import gc
import os
import time
from pathlib import Path

import pytest
from berkeleydb import db as libdb

import sasldb
from sasldb.errors import DatabaseError, SasldbError, WriteFailed
from sasldb.files import snapshot
from sasldb.files.deadline import Deadline
from sasldb.files.exclusive import Exclusive
from sasldb.policy.ownership import OwnershipOptions
from tests.formats.hashfiles import Shape, make


def exclusive(path: Path, wait: float = 1) -> Exclusive:
    """Lock a file, which need not exist."""
    return Exclusive(str(path), OwnershipOptions(), True, Deadline(wait))


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


def descriptors() -> set[str]:
    """Return the descriptors of this process, and what they lead to."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
        except OSError:
            pass  # that of the list itself
    return found


@pytest.mark.parametrize(
    "kind", ["sound", "two names", "absent", "empty", "text", "link", "dangling", "directory", "loop", "torn", "tree"]
)
def test_nothing_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Whatever the file is, and whether reading and editing it come to an end or an error, no descriptor is kept."""
    monkeypatch.setattr(snapshot, "_IN_MEMORY", 1)  # of larger ones a descriptor is kept
    path = tmp_path / "db"
    with sasldb.edit(str(tmp_path / "sound")) as db:
        db.set_password("alice@example.com", b"x")
    if kind in ("sound", "two names"):
        (tmp_path / "sound").rename(path)
    if kind == "two names":
        os.link(path, tmp_path / "other")
    elif kind == "empty":
        path.touch()
    elif kind == "torn":
        content = (tmp_path / "sound").read_bytes()
        path.write_bytes(content[: 4096 + 25] + b"\xee" + content[4096 + 26 :])
        os.utime(path, (1, 1))
    elif kind == "tree":
        make(path, Shape(512, flags=libdb.DB_DUP), [(b"key", b"%d" % number) for number in range(300)])
    elif kind == "text":
        path.write_text("text" * 1000)
    elif kind == "directory":
        path.mkdir()
    elif kind in ("link", "dangling", "loop"):
        path.symlink_to({"link": "sound", "dangling": "absent", "loop": "db"}[kind])
    before = descriptors()
    for create in (False, True):
        for _ in range(2):
            try:
                with sasldb.open(str(path)) as read:
                    list(read)
            except SasldbError:
                pass
            try:
                with sasldb.edit(str(path), create=create) as db:
                    db.set_password("alice@example.com", os.urandom(4).hex().encode())
            except SasldbError:
                pass
    gc.collect()
    assert descriptors() == before
