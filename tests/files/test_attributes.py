"""Access control lists: kept, and never looser than the mode; without a model none."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import pytest

from sasldb.files.acl import Acl
from sasldb.files.attributes import set_metadata
from sasldb.files.ownership import Ownership, give
from tests.conftest import Require

LIST = "system.posix_acl_access"
OURS = os.geteuid(), os.getegid()


def entries(value: bytes) -> list[tuple[int, int, int]]:
    """Return (tag, permissions, id) of each entry of a list, as linux/posix_acl_xattr.h has them."""
    assert value[:4] == struct.pack("<I", 2)
    return list(struct.iter_unpack("<HHI", value[4:]))


def tightened(path: Path, mode: int) -> list[tuple[int, int, int]]:
    """Return the entries of the list of `path` as `mode` leaves them."""
    acl = Acl.of(str(path))
    assert acl is not None
    return acl.as_mode(mode).entries


def listed(path: Path, *rules: str) -> Path:
    """Make a file with an access control list."""
    path.write_bytes(b"x")
    path.chmod(0o666)
    subprocess.run(["setfacl", *(word for rule in rules for word in ("-m", rule)), str(path)], check=True, timeout=30)
    return path


@pytest.mark.parametrize("mode", [0o640, 0o600, 0o660])
def test_a_list_is_tightened(tmp_path: Path, require: Require, mode: int) -> None:
    """Owner, mask and others are those of the mode; who is named, and the owning group beside a mask, stay as they are."""
    require("acl", "setfacl")
    path = listed(tmp_path / "file", "u:1234:rwx", "g:1235:r")
    value = os.getxattr(path, LIST)
    assert (0x20, 6, 0xFFFFFFFF) in entries(value)
    new = {(tag, name): bits for tag, bits, name in tightened(path, mode)}
    old = {(tag, name): bits for tag, bits, name in entries(value)}
    none = 0xFFFFFFFF
    changed = {(0x01, none): mode >> 6 & 7, (0x10, none): mode >> 3 & 7, (0x20, none): mode & 7}
    assert new == {**old, **changed}


def test_a_list_without_a_mask() -> None:
    """Where there is no mask the owning group's entry is the mode's."""
    acl = Acl([(tag, 7, 0xFFFFFFFF) for tag in (0x01, 0x04, 0x20)])
    assert [bits for _, bits, _ in acl.as_mode(0o640).entries] == [6, 4, 0]


def test_the_model_s_attributes(tmp_path: Path, require: Require) -> None:
    """A file gets the list of its model, tightened, and other attributes; without a model, or with one without a list, it has none."""
    require("acl", "setfacl")
    model, target = listed(tmp_path / "model", "u:1234:r"), listed(tmp_path / "target", "u:1236:rw")
    os.setxattr(model, "user.origin", b"kept")
    with model.open("rb") as source, target.open("r+b") as file:
        for _ in range(2):
            set_metadata(file.fileno(), *OURS, 0o640, source.fileno())
            assert entries(os.getxattr(target, LIST)) == tightened(model, 0o640)
            assert os.getxattr(target, "user.origin") == b"kept" and target.stat().st_mode & 0o777 == 0o640
        set_metadata(file.fileno(), *OURS, 0o640, None)
    assert LIST not in os.listxattr(target) and target.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize(
    "before, after", [(0o644, 0o640), (0o600, 0o640), (0o666, 0o600), (0o640, 0o640), (0o604, 0o640)]
)
def test_never_more_than_before_or_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    """While owner and mode change, the mode never gives what it did not give before and shall not give, and a new owner gets no old permission."""
    path = tmp_path / "file"
    path.touch()
    path.chmod(before)
    seen: list[tuple[int, int]] = []
    for name in ("fchmod", "fchown"):

        def watch(fd: int, *arguments: int, original: object = getattr(os, name)) -> None:
            assert callable(original)
            original(fd, *arguments)
            status = os.fstat(fd)
            seen.append((status.st_uid, status.st_mode & 0o777))

        monkeypatch.setattr(os, name, watch)
    with path.open("rb") as file:
        give(file.fileno(), Ownership(1234, 1235, after))
    assert (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o777) == (1234, 1235, after)
    assert all(not mode & ~(before & after) for uid, mode in seen[:-1])
    assert seen[-1] == (1234, after)
