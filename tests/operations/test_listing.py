"""Each user once, in bounded memory: against a plain gathering of all records."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sasldb.errors import Corrupt
from sasldb.formats import berkeley
from sasldb.model.identity import UserId
from sasldb.operations.listing import Listing, Wanted
from sasldb.store.reading import Database

keys = st.one_of(
    st.tuples(
        st.sampled_from([b"alice", b"bob", b"", b"userPassword"]),
        st.sampled_from([b"x", b"", b"userPassword"]),
        st.sampled_from([b"userPassword", b"authPassword", b"", b"xuserPassword", b"userpassword"]),
    ).map(b"\0".join),
    st.sampled_from([b"alice\0userPassword", b"\0userPassword", b"a\0b\0c\0userPassword", b"alice\0x\0userPassword\0"]),
    st.binary(max_size=6),
)


def make(path: Path, records: set[bytes]) -> str:
    """Write a database with a record of each key, and return its path."""
    path.touch()
    berkeley.apply(str(path), dict.fromkeys(records, b"value"), 0, str(path))
    return str(path)


@settings(max_examples=60, deadline=None)
@given(
    records=st.sets(keys, max_size=30),
    realm=st.sampled_from([None, b"x", b"", b"userPassword"]),
    at_once=st.integers(1, 5),
)
def test_every_user_once(records: set[bytes], realm: bytes | None, at_once: int) -> None:
    """The users are those of all sound keys, each once, those with a userPassword first; the rest is counted."""
    with tempfile.TemporaryDirectory() as directory:
        with Database(make(Path(directory) / "db", records)) as database:
            listing = Listing(database, Wanted(realm), at_once)
            users = list(listing)
    sound = [key.split(b"\0") for key in records if key.count(0) == 2]
    expected = {UserId(user, of) for user, of, _ in sound if realm is None or of == realm}
    assert set(users) == expected and len(users) == len(expected)
    assert listing.malformed == len(records) - len(sound)
    with_password = {UserId(user, of) for user, of, name in sound if name == b"userPassword"} & expected
    assert set(users[: len(with_password)]) == with_password


def test_file_order(tmp_path: Path) -> None:
    """Users with a userPassword come in the order of the file."""
    names = {b"user%d\0x\0userPassword" % number for number in range(2000)}
    with Database(make(tmp_path / "db", names)) as database:
        assert [str(user) for user in Listing(database)] == [str(account.id) for account in database]


def test_several_values_under_one_key(tmp_path: Path) -> None:
    """In a file that allows several values under one key, the user is still one."""
    from berkeleydb import db

    handle = db.DB()
    handle.set_flags(db.DB_DUP)
    handle.open(str(tmp_path / "db"), dbtype=db.DB_HASH, flags=db.DB_CREATE)
    for value in b"old", b"new":
        handle.put(b"alice\0x\0userPassword", value)
    handle.close()
    with Database(str(tmp_path / "db")) as database:
        assert list(Listing(database)) == [UserId(b"alice", b"x")]


def test_missing_records_are_told(tmp_path: Path) -> None:
    """A list of a file in which records are missing does not end as if it were whole."""
    path = Path(make(tmp_path / "db", {b"user%d\0x\0userPassword" % number for number in range(3000)}))
    content = bytearray(path.read_bytes())
    content[5 * 4096 + 20 : 6 * 4096] = bytes(4096 - 20)  # a bucket page with its entries gone
    path.write_bytes(content)
    with Database(str(path), checked=False) as database, pytest.raises(Corrupt):
        list(Listing(database))
