"""Replacing a locked file: begun anew when others write, put back where it may not last, poured over where names cannot be given."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sasldb.errors import Conflict, DatabaseError, WriteFailed
from sasldb.files import replacing
from sasldb.files.deadline import Deadline
from sasldb.files.exclusive import Exclusive
from sasldb.policy.ownership import OwnershipOptions
from tests.files.events import before

OLD = b"a" * 5000
Change = Callable[[bytes], bytes]


@pytest.fixture(params=["one name", "two names"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a file at rest, which can be replaced by a rename, or with its second name can only be overwritten."""
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(0o640)
    if request.param == "two names":
        (tmp_path / "elsewhere").mkdir()
        os.link(path, tmp_path / "elsewhere" / "file")
    os.utime(path, (1, 1))
    return path


@pytest.fixture(params=[1 << 20, 1000], ids=["compared", "stamps alone"])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the file be one whose content is compared, and one of which only the stamps are looked at."""
    monkeypatch.setattr(replacing, "_SMALL", request.param)
    yield


def replace(path: Path, change: Change, wait: float = 5) -> list[bytes]:
    """Replace the file by what `change` makes of its content; return what it was called with."""
    seen: list[bytes] = []

    def make(draft: str) -> None:
        seen.append(Path(draft).read_bytes())
        Path(draft).write_bytes(change(seen[-1]))

    held = Exclusive(str(path), OwnershipOptions(), False, Deadline(wait))
    try:
        assert held.replace(make)
    finally:
        held.close()
    return seen


def others(path: Path) -> set[str]:
    """Return the names in the file's directory but for those that belong there."""
    return set(os.listdir(path.parent)) - {path.name, "elsewhere"}


@pytest.mark.parametrize("size", [0, 100, 5000, 9000])
def test_any_size(path: Path, small: None, size: int) -> None:
    """The file becomes what was made of it, larger or smaller; nothing else is left."""
    assert replace(path, lambda old: b"b" * size) == [OLD]
    assert path.read_bytes() == b"b" * size and others(path) == set() and path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("theirs", [b"b" * 5000, b"b" * 4000, b"b" * 6000], ids=["as large", "smaller", "larger"])
def test_a_write_meanwhile(path: Path, small: None, theirs: bytes) -> None:
    """What another program writes while the new version is made is not lost: the change is made of that."""

    def change(old: bytes) -> bytes:
        if old == OLD:
            path.write_bytes(theirs)
        return old + b"ours"

    assert replace(path, change)[::] == [OLD, theirs]
    assert path.read_bytes() == theirs + b"ours" and others(path) == set()


def test_a_write_that_hides_its_time(path: Path) -> None:
    """A small file is compared by its content too, whatever its times say."""
    done: list[bool] = []
    original = os.fstat

    def hide(fd: int) -> os.stat_result:
        status = original(fd)
        if done and status.st_ino == path.stat().st_ino:
            return past
        return status

    def change(old: bytes) -> bytes:
        if old == OLD:
            with path.open("r+b") as file:
                file.write(b"theirs")
            done.append(True)
        else:
            done.clear()
        return old + b"ours"

    past = path.stat()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fstat", hide)
        assert replace(path, change)[:2] == [OLD, b"theirs" + OLD[6:]]
    assert path.read_bytes() == b"theirs" + OLD[6:] + b"ours"


def test_others_write_all_the_time(path: Path) -> None:
    """Where that goes on, it ends with an error when the time is over, and the file is theirs."""
    number = [0]

    def change(old: bytes) -> bytes:
        number[0] += 1
        path.write_bytes(b"%d" % number[0])
        return b"ours"

    with pytest.raises(Conflict, match="other programs changed it all the time for 0.3 s"):
        replace(path, change, wait=0.3)
    assert number[0] > 1 and path.read_bytes() == b"%d" % number[0] and others(path) == set()


def refuse_sync(monkeypatch: pytest.MonkeyPatch, fits: Callable[[os.stat_result], bool], times: int = 1) -> None:
    """Let the system refuse to sync what fits, that many times."""
    original = os.fsync
    left = [times]

    def refuse(fd: int) -> None:
        if left[0] and fits(os.fstat(fd)):
            left[0] -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        original(fd)

    monkeypatch.setattr(os, "fsync", refuse)


def test_a_draft_that_cannot_be_synced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the old file stays, and the error names it and says what was due."""
    refuse_sync(monkeypatch, lambda status: stat.S_ISREG(status.st_mode))
    with pytest.raises(WriteFailed, match="cannot be written as .* 0640: Input/output error") as caught:
        replace(path, lambda old: b"new")
    assert caught.value.path == str(path) and path.read_bytes() == OLD and others(path) == set()


def test_a_directory_that_cannot_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the old file comes back under its name, with its mode and attributes: the new one might not outlast a power failure."""
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(0o604)
    refuse_sync(monkeypatch, lambda status: stat.S_ISDIR(status.st_mode))
    with pytest.raises(WriteFailed, match="its directory cannot be synced: Input/output error"):
        replace(path, lambda old: b"new")
    assert path.read_bytes() == OLD and path.stat().st_mode & 0o777 == 0o604 and others(path) == set()


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EIO])
def test_a_rename_that_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Where the draft may not take the file's place the file is overwritten, and keeps its inode; any other refusal is told."""
    path = tmp_path / "file"
    path.write_bytes(OLD)
    inode = path.stat().st_ino
    original = os.rename

    def refuse(name: str, new: str, **directories: int) -> None:
        if new == path.name:
            raise OSError(number, os.strerror(number))
        original(name, new, **directories)

    monkeypatch.setattr(os, "rename", refuse)
    if number == errno.EIO:
        with pytest.raises(WriteFailed, match="cannot be renamed into place: Input/output error"):
            replace(path, lambda old: b"new")
    else:
        replace(path, lambda old: b"new")
    assert path.read_bytes() == (OLD if number == errno.EIO else b"new")
    assert path.stat().st_ino == inode and others(path) == set()


@pytest.mark.parametrize("theirs", [b"b" * 5004, b"a" * 5000 + b"oursmore"], ids=["as large", "longer"])
def test_a_write_behind_an_overwrite(tmp_path: Path, small: None, theirs: bytes) -> None:
    """What a program without our lock writes into the file as soon as it is overwritten is seen, and the change is made of that."""
    path = tmp_path / "file"
    path.write_bytes(OLD)
    (tmp_path / "elsewhere").mkdir()
    os.link(path, tmp_path / "elsewhere" / "file")
    os.utime(path, (1, 1))
    removing = before(
        "os.remove", lambda arguments: str(arguments[0]).endswith(".new"), lambda: path.write_bytes(theirs)
    )
    with removing as done:
        assert replace(path, lambda old: old + b"ours") == [OLD, theirs]
    assert done and path.read_bytes() == theirs + b"ours" and others(path) == set()


def test_a_file_that_cannot_be_copied(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system refuses is told, and the old file stays."""

    def refuse(*arguments: int) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "copy_file_range", refuse)
        patch.setattr(os, "pread", refuse)
        with pytest.raises(DatabaseError, match="cannot be copied: Input/output error"):
            replace(path, lambda old: b"new")
    assert path.read_bytes() == OLD and others(path) == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_who_may_write_but_give_nothing_away(open_path: Path) -> None:
    """A member of the file's group, who cannot make files of its owner, overwrites it in place: owner, group, mode and inode stay."""
    open_path.chmod(0o777)
    path = open_path / "file"
    path.write_bytes(OLD)
    path.chmod(0o660)
    os.chown(path, 0, 65534)
    past = path.stat()
    os.setegid(65534)
    os.seteuid(65534)
    try:
        replace(path, lambda old: b"new")
    finally:
        os.seteuid(0)
        os.setegid(0)
    after = path.stat()
    assert path.read_bytes() == b"new" and others(path) == set()
    kept = ("st_ino", "st_uid", "st_gid", "st_mode")
    assert [getattr(after, name) for name in kept] == [getattr(past, name) for name in kept]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_who_may_not_set_what_is_due(open_path: Path) -> None:
    """Where the rule asks for a mode that only the owner can set, that is an error, and nothing is changed."""
    open_path.chmod(0o777)
    path = open_path / "file"
    path.write_bytes(OLD)
    path.chmod(0o666)
    os.seteuid(65534)
    try:
        with pytest.raises(DatabaseError):
            replace(path, lambda old: b"new")
    finally:
        os.seteuid(0)
    assert path.read_bytes() == OLD and path.stat().st_mode & 0o777 == 0o666 and others(path) == set()
