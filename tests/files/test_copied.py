"""The note on a copy holds until somebody writes to the file, and fails nothing where there can be none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sasldb.files import copied


def test_a_note(tmp_path: Path) -> None:
    """A file without a note, with one of another time, or written to since is not untouched; one with a note of its last write is."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with path.open("r+b", buffering=0) as file:
        fd = file.fileno()
        assert not copied.untouched(fd)
        copied.note(fd, path.stat().st_mtime_ns - 1)
        assert not copied.untouched(fd)
        copied.note(fd, path.stat().st_mtime_ns)
        try:
            os.getxattr(fd, copied.ATTRIBUTE)
        except OSError:
            pytest.skip("this file system keeps no extended attributes of users")
        assert copied.untouched(fd)
        os.utime(fd, ns=(0, path.stat().st_mtime_ns + 1))
        assert not copied.untouched(fd)


def test_no_attributes() -> None:
    """On a file system without such attributes there is no note, and no error."""
    with open("/proc/self/status", "rb") as file:
        copied.note(file.fileno(), 0)
        assert not copied.untouched(file.fileno())


def test_no_such_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is there one on a system that does not know such attributes."""
    monkeypatch.delattr(os, "setxattr")
    monkeypatch.delattr(os, "getxattr")
    with (tmp_path / "file").open("wb") as file:
        copied.note(file.fileno(), 0)
        assert not copied.untouched(file.fileno())
