"""Snapshots: what a file held at one moment, private where it is copied, whatever its size."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from sasldb.errors import AccessDenied, Conflict, EmptyFile, NotFound
from sasldb.files import snapshot
from sasldb.files.deadline import Deadline
from sasldb.files.journal import Journal, place_for
from sasldb.files.place import Place
from sasldb.files.snapshot import Snapshot
from tests.files.events import before

CONTENT = bytes(range(256)) * 64
NEW = CONTENT[::-1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file at rest."""
    path = tmp_path / "db"
    path.write_bytes(CONTENT)
    os.utime(path, (1, 1))
    return path


def nameless() -> list[int]:
    """Return the descriptors of nameless files that this process has open."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            status = os.stat(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if status.st_nlink == 0 and status.st_size == len(CONTENT):
            found.append(int(name))
    return found


@pytest.mark.parametrize("in_memory", [len(CONTENT), len(CONTENT) - 1], ids=["read", "copied"])
def test_what_it_held(path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    """Any part of the content can be read, also after the file was written to; the size is the file's, and closing gives all back."""
    monkeypatch.setattr(snapshot, "_IN_MEMORY", in_memory)
    taken = Snapshot(str(path), Deadline(1))
    path.write_bytes(b"other")
    assert taken.size == len(CONTENT) and taken.read(0, 1 << 20) == CONTENT
    assert taken.read(5, 3) == CONTENT[5:8] and taken.read(len(CONTENT), 1) == b""
    assert len(nameless()) == (in_memory < len(CONTENT))
    taken.close()
    taken.close()
    assert nameless() == [] and os.fstat(1) and os.fstat(0)


def test_a_copy_is_private(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nameless copy of a large file has mode 0600, whatever the umask and the file's own mode."""
    monkeypatch.setattr(snapshot, "_IN_MEMORY", 1)
    path.chmod(0o666)
    umask = os.umask(0)
    try:
        taken = Snapshot(str(path), Deadline(1))
    finally:
        os.umask(umask)
    (copy,) = nameless()
    assert os.fstat(copy).st_mode & 0o7777 == 0o600
    taken.close()


def test_no_copy_can_be_made(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no nameless files the file itself stays open: a replacement does not change what is read."""
    monkeypatch.setattr(snapshot, "_IN_MEMORY", 1)
    monkeypatch.delattr(os, "O_TMPFILE")
    taken = Snapshot(str(path), Deadline(1))
    (path.parent / "new").write_bytes(b"other")
    (path.parent / "new").replace(path)
    assert taken.read(0, 1 << 20) == CONTENT
    taken.close()


def test_a_large_file_is_looked_at_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file can be refused before it is copied; a small one is not looked at twice."""

    def inspect(read: object, size: int) -> None:
        assert callable(read) and read(3, 4) == CONTENT[3:7] and size == len(CONTENT)
        raise ValueError("refused")

    Snapshot(str(path), Deadline(1), inspect).close()
    monkeypatch.setattr(snapshot, "_IN_MEMORY", 1)
    with pytest.raises(ValueError, match="refused"):
        Snapshot(str(path), Deadline(1), inspect)
    assert nameless() == []


def test_nothing_to_read(tmp_path: Path) -> None:
    """No file, and one of zero bytes, are errors that name the command which makes a database."""
    path = tmp_path / "it's"
    with pytest.raises(NotFound, match="no such file") as absent:
        Snapshot(str(path), Deadline(1))
    path.touch()
    with pytest.raises(EmptyFile, match="zero bytes") as empty:
        Snapshot(str(path), Deadline(1))
    for error in (absent.value, empty.value):
        assert "run: sasldb init -f '" in str(error)


@pytest.mark.parametrize("in_memory", [1, 1 << 20], ids=["copied", "read"])
def test_a_write_meanwhile(path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    """What was written while the file was read is seen: the snapshot is the new content, of one moment."""
    monkeypatch.setattr(snapshot, "_IN_MEMORY", in_memory)
    new = CONTENT[::-1]
    counts = [0]
    original = os.fstat

    def write(fd: int) -> os.stat_result:
        status = original(fd)
        if os.path.samestat(status, path.stat()):
            counts[0] += 1
            if counts[0] == 3:  # opened, looked at; then read
                path.write_bytes(new)
        return status

    monkeypatch.setattr(os, "fstat", write)
    taken = Snapshot(str(path), Deadline(5))
    assert counts[0] > 3 and taken.read(0, 1 << 20) == new
    taken.close()


def test_never_at_rest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written to all the time is taken as it is when the time is over, and not waited for any longer."""
    original = os.pread

    def write(fd: int, size: int, offset: int) -> bytes:
        data = original(fd, size, offset)
        path.write_bytes(CONTENT)
        return data

    monkeypatch.setattr(os, "pread", write)
    deadline = Deadline(0.2)
    try:
        Snapshot(str(path), deadline).close()
    except Conflict as error:
        assert "all the time" in str(error)
    assert deadline.left == 0


def test_replaced_meanwhile(path: Path, tmp_path: Path) -> None:
    """A file that is replaced just before it is opened is the new one, whole."""
    (tmp_path / "new").write_bytes(b"other")
    with before("open", lambda arguments: arguments[0] == "db", lambda: (tmp_path / "new").replace(path)) as done:
        taken = Snapshot(str(path), Deadline(1))
    assert done and taken.read(0, 100) == b"other"
    taken.close()


def begun(path: Path) -> Journal:
    """Leave an overwrite that was begun: the journal, from CONTENT to NEW, and half of it in the file."""
    with path.open("r+b", buffering=0) as file, Place(str(path)) as place:
        journal = place_for(place.directory, file.fileno())
        file.write(NEW[:512])
    for name, content in ((journal.old, CONTENT), (journal.new, NEW)):
        Path(journal.path(name)).touch(0o600)
        Path(journal.path(name)).write_bytes(content)
    return journal


def finish(path: Path, journal: Journal) -> None:
    """Finish the overwrite as its writer does."""
    path.write_bytes(NEW)
    journal.remove()


@pytest.mark.parametrize("opening", [1, 2])
@pytest.mark.parametrize("wait", [5.0, 0.0])
def test_an_overwrite_that_ends_meanwhile(path: Path, opening: int, wait: float) -> None:
    """A journal that goes while it is looked at was of an overwrite that is complete by now; who may not wait may be told to try again."""
    journal = begun(path)
    seen: list[str] = []

    def last(arguments: tuple[Any, ...]) -> bool:
        seen.extend(str(name) for name in arguments[:1] if str(name).endswith(".new"))
        return len(seen) == opening

    with before("open", last, lambda: finish(path, journal)) as done:
        try:
            taken = Snapshot(str(path), Deadline(wait))
        except Conflict as error:
            assert wait == 0 and "overwritten by other programs all the time" in str(error)
        else:
            assert taken.read(0, 1 << 20) == NEW
            taken.close()
            assert wait or opening == 1
    assert done
    journal.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_overwrite_whose_journal_is_private(open_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may read the file, and not its writer's journal, waits for the overwrite to end; and is told of it when it does not."""
    path = open_path / "db"
    path.write_bytes(CONTENT)
    path.chmod(0o644)
    journal = begun(path)
    os.seteuid(65534)
    try:
        with pytest.raises(AccessDenied, match="was overwriting it, and may have been interrupted"):
            Snapshot(str(path), Deadline(0)).close()

        def sleep(seconds: float) -> None:
            os.seteuid(0)
            finish(path, journal)
            os.seteuid(65534)

        monkeypatch.setattr(time, "sleep", sleep)
        taken = Snapshot(str(path), Deadline(5))
    finally:
        os.seteuid(0)
    assert taken.read(0, 1 << 20) == NEW
    taken.close()
    journal.close()
