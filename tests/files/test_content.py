"""Small files as a whole: read, put in place with owner and mode, removed; whatever umask and kind of file there is."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sasldb.errors import AccessDenied, DatabaseError, UnsafeFile, WriteFailed
from sasldb.files import content
from sasldb.files.ownership import Ownership
from tests.conftest import ROOT, Require

OURS = os.geteuid(), os.getegid()
BIG = b"x" * (3 << 20) + b"end"


@pytest.fixture(params=[0o022, 0o077, 0o777], ids=["022", "077", "777"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Set each of these umasks for a test."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_look(tmp_path: Path) -> None:
    """What a file holds is told as a whole, with owner, group and mode, through a link too; what is not there is None."""
    path = tmp_path / "file"
    path.write_bytes(BIG)
    path.chmod(0o604)
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        found = content.look(str(tmp_path / name))
        assert found is not None and found.content == BIG and found.ownership == Ownership(*OURS, 0o604)
    assert content.look(str(tmp_path / "absent")) is None


@pytest.mark.parametrize("kind", ["directory", "fifo"])
def test_no_file(tmp_path: Path, kind: str) -> None:
    """A directory and a FIFO are refused at once."""
    os.mkdir(tmp_path / "it") if kind == "directory" else os.mkfifo(tmp_path / "it")
    with pytest.raises(UnsafeFile):
        content.look(str(tmp_path / "it"))
    with pytest.raises(UnsafeFile):
        content.own(str(tmp_path / "it"), Ownership(*OURS, 0o600))


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640])
def test_put(tmp_path: Path, umask: int, mode: int) -> None:
    """A new file, and one that is there, hold what they shall and have the mode that they shall; nothing else is left beside them."""
    path = tmp_path / "file"
    for text in (BIG, b"short", b""):
        content.put(str(path), text, Ownership(*OURS, mode))
        assert path.read_bytes() == text and path.stat().st_mode & 0o7777 == mode
        assert os.listdir(tmp_path) == ["file"]


def test_put_is_a_replacement(tmp_path: Path) -> None:
    """A file that is there is replaced through a link to it, with its attributes kept; who has it open reads on in the old one."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    try:
        os.setxattr(path, "user.origin", b"kept")
    except OSError:
        pytest.skip("this file system keeps no extended attributes of users")
    with path.open("rb") as reader:
        content.put(str(tmp_path / "link"), b"new", Ownership(*OURS, 0o640))
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new" and (tmp_path / "link").is_symlink()
    assert os.getxattr(path, "user.origin") == b"kept"


def test_put_sweeps(tmp_path: Path) -> None:
    """The draft of a killed writer goes."""
    (tmp_path / ".file.sasldb-0123456789abcdef").write_bytes(b"left over")
    content.put(str(tmp_path / "file"), b"new", Ownership(*OURS, 0o640))
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_owners(tmp_path: Path) -> None:
    """Owner and group are those that are named, of a new file and of one that is there; what it holds stays."""
    path = tmp_path / "file"
    content.put(str(path), b"text", Ownership(1234, 1235, 0o640))
    assert Ownership.of(path.stat()) == Ownership(1234, 1235, 0o640)
    for ownership in (Ownership(1236, 1237, 0o604), Ownership(0, 0, 0o660), Ownership(0, 0, 0o660)):
        content.own(str(path), ownership)
        assert Ownership.of(path.stat()) == ownership and path.read_bytes() == b"text"
    content.put(str(path), b"more", Ownership(1234, 0, 0o600))
    assert Ownership.of(path.stat()) == Ownership(1234, 0, 0o600)


def test_a_full_disk(tmp_path: Path) -> None:
    """Where the new file cannot be written the old one stands, and nothing is left beside it."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, hard))
    try:
        with pytest.raises(WriteFailed, match="cannot be written"):
            content.put(str(path), b"new", Ownership(*OURS, 0o640))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_a_rename_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the new file cannot get its name the old one stands, and is not overwritten instead."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def refuse(*arguments: object, **named: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(WriteFailed, match="cannot be written: Input/output error"):
        content.put(str(path), b"new", Ownership(*OURS, 0o640))
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_who_may_not_set_owner_and_mode(open_path: Path) -> None:
    """Owner and mode that may not be set are an error that names them."""
    path = open_path / "file"
    path.touch()
    path.chmod(0o666)
    os.seteuid(65534)
    try:
        with pytest.raises(AccessDenied, match="owner and mode cannot be made .* 0600: Operation not permitted"):
            content.own(str(path), Ownership(*OURS, 0o600))
    finally:
        os.seteuid(0)
    assert path.stat().st_mode & 0o777 == 0o666


def test_remove(tmp_path: Path) -> None:
    """A file goes; of a link the link goes, and what it leads to stays; what is not there, or in no directory, is no error."""
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("absent")
    for name in ("link", "dangling", "absent", "no/file"):
        content.remove(str(tmp_path / name))
    assert os.listdir(tmp_path) == ["file"]
    content.remove(str(tmp_path / "file"))
    assert os.listdir(tmp_path) == []


def test_remove_refused(tmp_path: Path) -> None:
    """A directory is not removed, and that is told."""
    (tmp_path / "it").mkdir()
    with pytest.raises(DatabaseError, match="cannot be removed"):
        content.remove(str(tmp_path / "it"))
    assert os.listdir(tmp_path) == ["it"]


def test_make_directory(tmp_path: Path, umask: int) -> None:
    """Everybody may enter the directory, whatever the umask; one that is there is told."""
    path = tmp_path / "made"
    content.make_directory(str(path))
    assert path.stat().st_mode & 0o7777 == 0o755
    with pytest.raises(DatabaseError, match="no directory can be made"):
        content.make_directory(str(path))


def test_put_on_what_is_no_file(tmp_path: Path) -> None:
    """A FIFO in the file's place is not waited for."""
    os.mkfifo(tmp_path / "file")
    content.put(str(tmp_path / "file"), b"new", Ownership(*OURS, 0o640))
    assert (tmp_path / "file").read_bytes() == b"new"


def test_order_of_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is synced before it gets its name, and the directory after that, and after a name has gone."""
    seen: list[str] = []
    for name in ("fsync", "rename", "unlink"):

        def watch(*arguments: Any, name: str = name, original: Any = getattr(os, name), **named: Any) -> None:
            original(*arguments, **named)
            directory = name == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
            seen.append("directory" if directory else name)

        monkeypatch.setattr(os, name, watch)
    content.put(str(tmp_path / "file"), b"new", Ownership(*OURS, 0o640))
    assert seen == ["fsync", "rename", "directory"]
    content.remove(str(tmp_path / "file"))
    assert seen[3:] == ["unlink", "directory"]


MOUNTED = """
import os, sys
sync, synced = os.fsync, []
os.fsync = lambda fd: (sync(fd), synced.append((os.path.isfile(f"/proc/self/fd/{fd}"), os.fstat(fd).st_size)))
from sasldb.files.content import put
from sasldb.policy.ownership import Ownership
put(sys.argv[1], sys.argv[2].encode(), Ownership(1234, 1235, int(sys.argv[3], 8)))
assert synced[:2] == [(True, len(sys.argv[2]))] * 2, "the draft and the file"
"""


@pytest.mark.parametrize("text", ["longer than the old one", "new", ""])
def test_a_file_that_is_mounted_by_itself(tmp_path: Path, require: Require, text: str) -> None:
    """Where a rename cannot serve the file is overwritten, with owner and mode."""
    require("namespace", "unshare", "mount")
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"the old one")
    source.chmod(0o666)
    target.touch()
    script = 'mount --bind "$1" "$2" && exec "$3" -c "$4" "$2" "$5" 640'
    argv = ["unshare", "--mount", "sh", "-c", script, "sh", str(source), str(target), sys.executable, MOUNTED, text]
    done = subprocess.run(
        argv, capture_output=True, timeout=30, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert source.read_bytes() == text.encode() and Ownership.of(source.stat()) == Ownership(1234, 1235, 0o640)
    assert sorted(os.listdir(tmp_path)) == ["source", "target"]
