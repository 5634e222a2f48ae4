"""A commit beside programs that take no lock: waited for while they write, told where they had their way, and read back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from berkeleydb import db as libdb

from sasldb.errors import Conflict, Corrupt
from sasldb.store.editing import edit
from sasldb.store.ground import WHOLE
from tests.faults.databases import key, records

PAGE = 4096
FEW, MANY = 120, 6000


def filled(path: Path, users: int) -> dict[bytes, bytes]:
    """Make a database with libdb, as a Cyrus tool does, and return its records."""
    content = {key(f"user{number}"): b"password %d" % number for number in range(users)}
    handle = libdb.DB()
    handle.open(str(path), dbtype=libdb.DB_HASH, flags=libdb.DB_CREATE)
    for name, value in content.items():
        handle.put(name, value)
    handle.close()
    assert (path.stat().st_size > WHOLE) == (users == MANY)
    return content


@pytest.fixture(params=[FEW, MANY], ids=["small", "large"])
def users(request: pytest.FixtureRequest) -> Iterator[int]:
    """Yield the number of users of a database that is checked as a whole, and of one that is not."""
    yield request.param


def far_page(path: Path) -> int:
    """Return a page (0-based number) whose damage no look at alice's records meets, where the file is large."""
    content = path.read_bytes()
    return next(
        at // PAGE
        for at in range(len(content) - PAGE, PAGE, -PAGE)
        if content[at + 25] == 13
        and content[at + 16 : at + 20] == bytes(4)  # a page of a hash bucket, the only one of it
    )


def elsewhere(content: bytes, page: int, name: bytes) -> bool:
    """Tell whether the record `name` is on another page than that."""
    return name not in content[page * PAGE : (page + 1) * PAGE] and name in content


def torn(content: bytes, page: int) -> bytes:
    """Return a file's content in which one page is none."""
    at = page * PAGE
    return content[: at + 25] + b"\xee" + content[at + 26 :]


def test_a_tool_between_two_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, users: int) -> None:
    """What a program is writing is not copied half-way: its second write is waited for, wherever in the file, and is kept."""
    path = tmp_path / "db"
    content = filled(path, users)
    whole = path.read_bytes()
    page = far_page(path)
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if seconds > 0.01:  # not the pause before a copy, which is shorter: the half is in the copy by now
            path.write_bytes(whole)

    with edit(str(path)) as editor:
        editor.put(key("alice"), b"wonderland")
        path.write_bytes(torn(whole, page))
        monkeypatch.setattr(time, "sleep", sleep)
    assert any(seconds > 0.01 for seconds in pauses)
    assert records(path) == {**content, key("alice"): b"wonderland"}


def test_what_stays_torn(tmp_path: Path) -> None:
    """A file that was damaged during the edit, and at which nobody works any more, is an error of ours at once, and stays."""
    path = tmp_path / "db"
    filled(path, FEW)
    damaged = torn(path.read_bytes(), far_page(path))
    with pytest.raises(Corrupt) as caught, edit(str(path)) as editor:
        editor.put(key("alice"), b"wonderland")
        path.write_bytes(damaged)
        os.utime(path, (1, 1))
    assert "libdb" not in str(caught.value) and caught.value.path == str(path)
    assert path.read_bytes() == damaged


def test_far_damage_of_a_small_file(tmp_path: Path) -> None:
    """Damage anywhere in a small file is an error as soon as it is read from, and the file stays."""
    path = tmp_path / "db"
    filled(path, FEW)
    page = far_page(path)
    damaged = torn(path.read_bytes(), page)
    path.write_bytes(damaged)
    os.utime(path, (1, 1))
    editor = edit(str(path))
    number = next(number for number in range(FEW) if elsewhere(damaged, page, key(f"user{number}")))
    with pytest.raises(Corrupt):
        editor.value(key(f"user{number}"))
    editor.close()
    assert path.read_bytes() == damaged


def test_a_file_that_is_written_to_while_it_is_read(tmp_path: Path) -> None:
    """What an edit has read of a small file is of one moment: a program that writes in between makes a conflict, and no mixture."""
    path = tmp_path / "db"
    content = filled(path, FEW)
    whole = path.read_bytes()
    with pytest.raises(Conflict), edit(str(path)) as editor:
        assert editor.value(key("user1")) == content[key("user1")]
        path.write_bytes(whole.replace(b"password ", b"PASSWORD "))
        assert editor.value(key("user2")) == content[key("user2")]
        editor.put(key("alice"), b"wonderland")


def test_far_damage_of_a_large_file(tmp_path: Path) -> None:
    """Damage in a large file at rest does not keep anybody from a change elsewhere in it."""
    path = tmp_path / "db"
    filled(path, MANY)
    path.write_bytes(torn(path.read_bytes(), far_page(path)))
    time.sleep(1.1)  # no longer than a program may be between two writes; the time of the last change cannot be set
    with edit(str(path)) as editor:
        editor.put(key("alice"), b"wonderland")
    with pytest.raises(Corrupt):
        records(path)


def test_damage_that_libdb_would_meet(tmp_path: Path) -> None:
    """What a change in a large file will touch is proved before libdb touches it: here a free page that a long value needs."""
    path = tmp_path / "db"
    filled(path, MANY)
    handle = libdb.DB()
    handle.open(str(path))
    handle.put(key("long"), b"x" * 30000)
    handle.delete(key("long"))
    handle.close()
    content = path.read_bytes()
    first = int.from_bytes(content[28:32], "little")
    second = int.from_bytes(content[first * PAGE + 16 : first * PAGE + 20], "little")
    assert first and second
    damaged = torn(content, second)
    path.write_bytes(damaged)
    os.utime(path, (1, 1))
    with pytest.raises(Corrupt, match="on the list of free pages"), edit(str(path)) as editor:
        editor.put(key("alice"), b"x" * 20000)
    assert path.read_bytes() == damaged


def test_emptied_meanwhile(tmp_path: Path) -> None:
    """A file that another program emptied during the edit is a conflict, and is not filled with the edit's users alone."""
    path = tmp_path / "db"
    filled(path, FEW)
    with pytest.raises(Conflict, match="emptied it while it was edited"), edit(str(path)) as editor:
        editor.put(key("alice"), b"wonderland")
        path.write_bytes(b"")
    assert path.read_bytes() == b""


def test_what_cannot_be_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system goes on giving what a file held before it was changed, that is an error, and the old file stays."""
    path = tmp_path / "db"
    content = filled(path, FEW)
    original = os.pread
    first: dict[int, bytes] = {}

    def stale(fd: int, size: int, offset: int) -> bytes:
        inode = os.fstat(fd).st_ino
        if inode not in first:
            first[inode] = original(fd, os.fstat(fd).st_size, 0)
        return first[inode][offset : offset + size]

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", stale)
        with pytest.raises(Corrupt, match="what was written cannot be read back") as caught, edit(str(path)) as editor:
            editor.put(key("alice"), b"wonderland")
    assert caught.value.path == str(path)
    assert records(path) == content and os.listdir(tmp_path) == ["db"]


@pytest.mark.parametrize("count", [63, 64, 65, 200])
def test_few_and_many_changes(tmp_path: Path, users: int, count: int) -> None:
    """New values, removals of what is there and of what is not, and values that stay come out right, few or many."""
    path = tmp_path / "db"
    content = filled(path, users)
    with edit(str(path)) as editor:
        for number in range(count):
            editor.put(key(f"user{number}"), b"new %d" % number)
        editor.remove(key("user1"))
        editor.remove(key("nobody"))
        editor.put(key("user2"), b"password 2")
    expected = {**content, **{key(f"user{number}"): b"new %d" % number for number in range(count)}}
    expected[key("user2")] = b"password 2"
    del expected[key("user1")]
    assert records(path) == expected
