"""A new file appears when it is complete, once, also where there are no hard links."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sasldb.errors import AccessDenied, WriteFailed
from sasldb.files.deadline import Deadline
from sasldb.files.place import Place
from sasldb.files.publishing import publish
from sasldb.policy.ownership import OwnershipOptions
from tests.files.events import before

Publish = Callable[..., bool]


def write(path: str) -> None:
    """Fill the new file."""
    Path(path).write_bytes(b"content")


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Publish]:
    """Yield a function that publishes `db` of the test's directory."""
    with Place(str(tmp_path / "db")) as place:
        yield lambda: publish(place, write, OwnershipOptions(mode=0o600), Deadline(3))


def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file system have no hard links, as vfat and some network file systems."""

    def refuse(*arguments: object, **named: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)


def no_renameat2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the C library be one without renameat2."""
    monkeypatch.setattr(ctypes, "CDLL", lambda *arguments, **named: types.SimpleNamespace())


@pytest.fixture(params=["links", "renameat2", "neither"])
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the system have hard links, or only renameat2, or neither."""
    if request.param != "links":
        no_links(monkeypatch)
    if request.param == "neither":
        no_renameat2(monkeypatch)
    return str(request.param)


def test_it_is_there(published: Publish, tmp_path: Path, links: str) -> None:
    """The file has its content and mode and one name, and nothing else is left."""
    assert published()
    status = (tmp_path / "db").stat()
    assert (tmp_path / "db").read_bytes() == b"content" and (status.st_mode & 0o777, status.st_nlink) == (0o600, 1)
    assert os.listdir(tmp_path) == ["db"]


def test_another_was_first(published: Publish, tmp_path: Path, links: str) -> None:
    """A file that is there by now, even an empty one, stays as it is."""
    for content in (b"theirs", b""):
        (tmp_path / "db").write_bytes(content)
        assert not published()
        assert (tmp_path / "db").read_bytes() == content and os.listdir(tmp_path) == ["db"]


@pytest.mark.parametrize("what", ["locked", "written", "replaced"])
def test_another_takes_the_name_that_is_held(
    published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Without hard links and renameat2 the name is held by an empty file; who locks that first, writes to it or replaces it keeps the name."""
    no_links(monkeypatch)
    no_renameat2(monkeypatch)
    held: list[int] = []
    original = fcntl.flock

    def meddle(fd: int, how: int) -> None:
        path = tmp_path / "db"
        if path.exists() and not held:
            held.append(os.open(path, os.O_RDWR))
            if what == "locked":
                original(held[0], fcntl.LOCK_EX)
            elif what == "written":
                os.write(held[0], b"theirs")
            else:
                (tmp_path / "new").write_bytes(b"theirs")
                (tmp_path / "new").replace(path)
        original(fd, how)

    monkeypatch.setattr(fcntl, "flock", meddle)
    assert not published()
    assert (tmp_path / "db").read_bytes() == (b"" if what == "locked" else b"theirs")
    assert os.listdir(tmp_path) == ["db"]
    os.close(held[0])


def test_another_renames_over_it(published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Cyrus tool that had begun to make the file is waited for; when its file has taken the name, that is told."""
    (tmp_path / "__db.db").write_bytes(b"theirs")
    pauses: list[float] = []

    def rename(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            (tmp_path / "__db.db").replace(tmp_path / "db")

    monkeypatch.setattr(time, "sleep", rename)
    assert not published()
    assert len(pauses) == 3 and (tmp_path / "db").read_bytes() == b"theirs" and os.listdir(tmp_path) == ["db"]


def test_what_a_killed_tool_left_is_not_waited_for(
    published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old `__db.` file is nobody's, and stays."""
    (tmp_path / "__db.db").write_bytes(b"left over")
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)  # who looked until the time is over would look for ever
    os.utime(tmp_path / "__db.db", (time.time() - 3, time.time() - 3))
    assert published() and pauses == []
    assert sorted(os.listdir(tmp_path)) == ["__db.db", "db"]


def test_no_sync(published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the directory cannot be synced there is no file, and that is told: it might not outlast a power failure."""
    original = os.fsync

    def refuse(fd: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        original(fd)

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(WriteFailed, match="its directory cannot be synced"):
        published()
    assert os.listdir(tmp_path) == []


def test_no_sync_and_another_file(published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody else has put in its place by then stays."""

    def refuse(fd: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            (tmp_path / "new").write_bytes(b"theirs")
            (tmp_path / "new").replace(tmp_path / "db")
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(WriteFailed):
        published()
    assert (tmp_path / "db").read_bytes() == b"theirs"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_no_right_to_make_it(open_path: Path) -> None:
    """Where nobody but root may make a file, that is told."""
    with Place(str(open_path / "db")) as place:
        os.seteuid(65534)
        try:
            with pytest.raises(AccessDenied, match="no file can be made in its directory"):
                publish(place, write, OwnershipOptions(), Deadline(1))
        finally:
            os.seteuid(0)
    assert os.listdir(open_path) == []


def test_the_draft_goes_when_the_change_fails(tmp_path: Path) -> None:
    """An error of the caller's own is passed on, and there is no file."""

    def fail(path: str) -> None:
        raise KeyError("the caller's")

    with Place(str(tmp_path / "db")) as place, pytest.raises(KeyError):
        publish(place, fail, OwnershipOptions(), Deadline(1))
    assert os.listdir(tmp_path) == []


def test_made_in_between(published: Publish, tmp_path: Path, links: str) -> None:
    """A file that another writer makes just before ours gets its name stays."""
    event = "os.link" if links == "links" else "os.chmod"
    with before(event, lambda _: True, lambda: (tmp_path / "db").write_bytes(b"theirs")) as done:
        assert not published()
    assert done and (tmp_path / "db").read_bytes() == b"theirs" and os.listdir(tmp_path) == ["db"]
