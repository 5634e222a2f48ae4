"""Changing a hash file through libdb."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.errors import Corrupt
from sasldb.formats import berkeley
from tests.formats.hashfiles import cursor


@pytest.mark.parametrize("number", [1, 3000])
def test_removing_what_is_not_there(tmp_path: Path, number: int) -> None:
    """What is put is there, what is removed is not, and that it was not there before is no error; few changes or many."""
    path = tmp_path / "x.db"
    path.touch()
    berkeley.apply(str(path), {b"a%d" % at: b"1" for at in range(number)}, 0, "x.db")
    changes: dict[bytes, bytes | None] = {b"absent%d" % at: None for at in range(number)}
    berkeley.apply(str(path), {**changes, b"a0": None, b"b": b"2"}, path.stat().st_size, "x.db")
    assert dict(cursor(path)) == {b"b": b"2", **{b"a%d" % at: b"1" for at in range(1, number)}}


@pytest.mark.parametrize("name", ["absent/x.db", "x\0.db"])
def test_what_libdb_cannot_open(tmp_path: Path, name: str) -> None:
    """A file that libdb cannot open, or a name that it refuses, is an error of ours that names the database."""
    with pytest.raises(Corrupt, match="^the database: libdb: "):
        berkeley.apply(str(tmp_path / name), {b"a": b"1"}, 4096, "the database")
