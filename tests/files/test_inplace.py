"""Overwriting in place: owner and mode are what is told, and the old ones again where it failed."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

import sasldb
from sasldb.errors import WriteFailed
from sasldb.files import draft, inplace
from sasldb.files.directory import Directory
from sasldb.files.journal import place_for
from sasldb.files.ownership import Ownership
from sasldb.policy.ownership import OwnershipOptions
from sasldb.store.editing import edit
from tests.conftest import Commands, Require
from tests.faults.databases import key, records
from tests.faults.injection import tampered
from tests.files.events import before

PASSWORD = b"second"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a database with two names, the other one in a directory of its own."""
    with sasldb.edit(str(tmp_path / "db")) as db:
        db.set_password("alice@example.com", b"first")
    (tmp_path / "elsewhere").mkdir()
    os.link(tmp_path / "db", tmp_path / "elsewhere" / "db")
    return tmp_path / "db"


def change(path: Path, wishes: OwnershipOptions | None = None, value: bytes = PASSWORD) -> list[str]:
    """Store a value for alice and return what the edit has to say."""
    with edit(str(path), wishes=wishes) as editor:
        editor.put(key("alice"), value)
    return editor.notes


@pytest.mark.parametrize("mode, after", [(0o666, 0o660), (0o644, 0o640), (0o640, 0o640), (0o600, 0o600)])
def test_the_mode_is_what_is_told(path: Path, mode: int, after: int) -> None:
    """A file with two names loses what others may, and what is told of it is so."""
    path.chmod(mode)
    old = Ownership.of(path.stat())
    notes = change(path)
    assert path.stat().st_mode & 0o777 == after
    assert notes == ([] if mode == after else [f"{path}: was {old}, is now {Ownership.of(path.stat())}"])
    assert path.stat().st_nlink == 2 and records(path)[key("alice")] == PASSWORD


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize(
    "wishes",
    [
        OwnershipOptions(owner=1234),
        OwnershipOptions(group=1234),
        OwnershipOptions(1234, 1235, 0o600),
        OwnershipOptions(mode=0o660),
    ],
)
def test_owner_and_mode_are_those_that_are_wished_for(path: Path, wishes: OwnershipOptions) -> None:
    """A file with two names gets the owner, the group and the mode that are wished for, and what is told of it is so."""
    old = Ownership.of(path.stat())
    notes = change(path, wishes)
    after = Ownership.of(path.stat())
    wished = (wishes.owner, old.uid), (wishes.group, old.gid), (wishes.mode, old.mode)
    assert (after.uid, after.gid, after.mode) == tuple(kept if wish is None else wish for wish, kept in wished)
    assert notes == [f"{path}: was {old}, is now {after}"] and records(path)[key("alice")] == PASSWORD


@pytest.mark.parametrize("mode", [0o666, 0o640])
def test_no_room_for_the_journal(path: Path, tmp_path: Path, mode: int) -> None:
    """Where the journal cannot be written the file is as it was, its mode too, and nothing is left beside it."""
    path.chmod(mode)
    content = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) - 1, hard))

    try:
        with before("open", lambda arguments: str(arguments[0]).endswith(".old"), limit) as done:
            with pytest.raises(WriteFailed, match="its journal cannot be written"):
                change(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert done
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (content, mode)
    assert sorted(os.listdir(tmp_path)) == ["db", "elsewhere"]


@pytest.mark.parametrize("mode", [0o666, 0o640])
def test_an_overwrite_that_fails(path: Path, tmp_path: Path, commands: Commands, require: Require, mode: int) -> None:
    """Where the disk refuses to make the file as large as it has to be, it is as it was, its mode too, and nothing is left beside it."""
    require("strace", "strace")
    path.chmod(mode)
    content = path.read_bytes()
    argv = [commands.saslpasswd2, "-p", "-f", str(path), "-u", "example.com", "-c", "x" * 9000]
    done = tampered(["fallocate:error=ENOSPC"], argv, b"y" * 8000)
    assert done.status != 0, str(done)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (content, mode)
    assert sorted(os.listdir(tmp_path)) == ["db", "elsewhere"]


@pytest.mark.parametrize("piece", [5000, None])
def test_a_system_that_cannot_reserve_room(path: Path, monkeypatch: pytest.MonkeyPatch, piece: int | None) -> None:
    """Where the system cannot reserve room, a growing file is filled up first, from its end to the new one, and no further."""
    monkeypatch.delattr(os, "posix_fallocate")
    if piece is not None:
        monkeypatch.setattr(inplace, "_PIECE", piece)
    filled: list[tuple[int, int]] = []
    original = os.pwrite

    def watch(fd: int, data: bytes, offset: int) -> int:
        if os.fstat(fd).st_nlink == 2:
            filled.append((offset, len(data)))
            assert bytes(data) == bytes(len(data))
        return original(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", watch)
    size = path.stat().st_size
    with edit(str(path)) as editor:
        for number in range(300):
            editor.put(key(f"user{number}"), b"x" * 100)
    assert len(records(path)) == 301 and path.stat().st_nlink == 2
    ends = [offset + length for offset, length in filled]
    assert [offset for offset, _ in filled] == [size, *ends[:-1]] and ends[-1] == path.stat().st_size
    assert all(0 < length <= (piece or 1 << 20) for _, length in filled) and (len(filled) > 3) == bool(piece)


def test_copies_come_in_pieces(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel does not copy, a file of many pieces comes whole, whether or not its size is one of theirs."""
    monkeypatch.delattr(os, "copy_file_range")
    for size in (4096, 4095, 1000):
        monkeypatch.setattr(draft, "_CHUNK", size)
        change(path, value=b"%d" % size)
        assert records(path) == {key("alice"): b"%d" % size}


def refuse_to_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system refuse to set the size of files with two names."""
    original = os.ftruncate

    def cut(fd: int, length: int) -> None:
        if os.fstat(fd).st_nlink == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        original(fd, length)

    monkeypatch.setattr(os, "ftruncate", cut)


def test_a_disk_that_fails_half_way(path: Path, tmp_path: Path) -> None:
    """Where the old content cannot be put back either, the error says so and what comes next; the next command puts it back."""
    old = records(path)
    with pytest.MonkeyPatch.context() as patch:
        refuse_to_cut(patch)
        with pytest.raises(WriteFailed, match="overwriting it failed half-way: Input/output error") as failed:
            change(path)
        assert failed.value.path == str(path) and "the next command that changes it" in str(failed.value)
        left = sorted(name for name in os.listdir(tmp_path) if name.startswith(".sasldb-"))
        assert [name.rpartition(".")[2] for name in left] == ["new", "old", "undo"]
        with pytest.raises(WriteFailed, match=f"cannot be finished from {tmp_path}/.sasldb-.*old") as again:
            change(path)
        assert again.value.path == str(path)
    assert records(path) == old
    with edit(str(path)) as editor:
        editor.put(key("bob"), b"builder")
    assert records(path) == {**old, key("bob"): b"builder"}
    assert sorted(os.listdir(tmp_path)) == ["db", "elsewhere"]


@pytest.mark.parametrize("end", ["old", "new", "undo"])
def test_half_a_journal(path: Path, tmp_path: Path, end: str) -> None:
    """What is left of a journal that never was complete, or was being removed, brings nothing back, and goes."""
    directory = Directory.open(str(tmp_path))
    with path.open("rb") as database:
        journal = place_for(directory, database.fileno())
    directory.close()
    Path(journal.path(getattr(journal, end))).write_bytes(b"half of it")
    journal.close()
    assert records(path)[key("alice")] == b"first"
    change(path)
    assert records(path)[key("alice")] == PASSWORD and sorted(os.listdir(tmp_path)) == ["db", "elsewhere"]
