"""An open directory: what is in it, who may write to it, and what of it outlasts a power failure."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sasldb.files.directory import Directory


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    """Yield the test's directory."""
    with closing(Directory.open(str(tmp_path))) as found:
        yield found


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EIO])
def test_sync(directory: Directory, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A file system that cannot sync directories fails nothing; one that failed to is told of. Nothing stays open."""

    def refuse(fd: int) -> None:
        raise OSError(number, os.strerror(number))

    directory.sync()
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(os, "fsync", refuse)
    if number == errno.EIO:
        with pytest.raises(OSError, match="Input/output error"):
            directory.sync()
    else:
        directory.sync()
    assert len(os.listdir("/proc/self/fd")) == before


def test_it_is_the_same_wherever_it_goes(directory: Directory, tmp_path: Path) -> None:
    """What is made, renamed, linked, looked at and removed is in the directory that was opened, whatever has its name now."""
    moved = tmp_path.with_name(tmp_path.name + "-moved")
    tmp_path.rename(moved)
    tmp_path.mkdir()
    os.close(directory.open_file("one", os.O_WRONLY | os.O_CREAT, 0o640))
    directory.link("one", "two")
    directory.rename("one", "three")
    assert sorted(directory.names()) == sorted(os.listdir(moved)) == ["three", "two"] and os.listdir(tmp_path) == []
    assert directory.has("two") and not directory.has("one") and directory.status("two").st_nlink == 2
    with (moved / "two").open("rb") as file:
        assert directory.leads_to("three", file.fileno()) and not directory.leads_to("one", file.fileno())
    directory.unlink("two")
    assert directory.names() == ["three"]
    (moved / "link").symlink_to("three")
    with pytest.raises(OSError, match="symbolic link"):
        directory.open_file("link", os.O_RDONLY)
    with pytest.raises(FileExistsError):
        directory.link("three", "link")
    tmp_path.rmdir()
    moved.rename(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
@pytest.mark.parametrize(
    "mode, uid, gid, alone, to_others",
    [
        (0o755, 0, 0, True, False),
        (0o775, 0, 0, True, False),
        (0o775, 0, 1234, False, True),
        (0o757, 0, 0, False, True),
        (0o1777, 0, 0, False, True),
        (0o700, 1234, 0, True, True),
    ],
)
def test_who_may_write(
    directory: Directory, tmp_path: Path, mode: int, uid: int, gid: int, alone: bool, to_others: bool
) -> None:
    """Whether only the owner may make entries, and whether others than root and we may, by owner, group and mode."""
    os.chown(tmp_path, uid, gid)
    tmp_path.chmod(mode)
    assert directory.owner == uid
    assert (directory.owner_alone_writes(), directory.open_to_others()) == (alone, to_others)
