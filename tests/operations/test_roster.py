"""Every user with its mechanisms: against a plain gathering of all records; and which users a realm and a pattern choose."""

from __future__ import annotations

import tempfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sasldb.formats import berkeley
from sasldb.model.identity import UserId
from sasldb.operations.listing import Listing, Wanted, count
from sasldb.operations.roster import Roster
from sasldb.secrets.mechanisms import mechanisms_of
from sasldb.store.reading import Database
from tests.operations.databases import every_secret

VALUES = {name.encode(): [value, b"broken", b""] for name, value in every_secret(b"pw").items()} | {b"home": [b"/"]}
records = st.dictionaries(
    st.tuples(st.sampled_from([b"alice", b"bob", b""]), st.sampled_from([b"x", b""]), st.sampled_from(sorted(VALUES))),
    st.integers(0, 2),
    max_size=24,
)


@settings(max_examples=80, deadline=None)
@given(records=records, realm=st.sampled_from([None, "x", ""]), malformed=st.sets(st.binary(max_size=2)))
def test_every_user_with_its_mechanisms(
    records: dict[tuple[bytes, bytes, bytes], int], realm: Optional[str], malformed: set[bytes]
) -> None:
    """Each user comes once, with the mechanisms that `secrets.mechanisms` tells of all its properties, and its plaintext."""
    users: dict[UserId, dict[bytes, bytes]] = {}
    for (user, of, name), which in records.items():
        users.setdefault(UserId(user, of), {})[name] = VALUES[name][which % len(VALUES[name])]
    content = {user.key(name): value for user, properties in users.items() for name, value in properties.items()}
    bad = {key for key in malformed if key.count(0) != 2}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "db"
        path.touch()
        berkeley.apply(str(path), {**content, **dict.fromkeys(bad, b"x")}, 0, str(path))
        with Database(str(path)) as database:
            roster = Roster(database, Wanted(realm))
            entries = list(roster)
            listed = list(Listing(database, Wanted(realm)))
            counted = count(Listing(database, Wanted(realm)))
    found = {entry.id: (entry.mechanisms, entry.password) for entry in entries}
    assert found == {
        user: (mechanisms_of(properties), properties.get(b"userPassword"))
        for user, properties in users.items()
        if realm is None or user.realm == realm.encode()
    }
    assert len(entries) == len(found) and set(listed) == set(found)
    assert sum(counted.values()) == len(found) and set(counted) == {user.realm.decode() for user in found}
    assert roster.malformed == len(bad)


def test_several_values_under_one_key(tmp_path: Path) -> None:
    """In a file that allows several values under one key, the first is the one that counts, as for libsasl."""
    from berkeleydb import db

    handle = db.DB()
    handle.set_flags(db.DB_DUP)
    handle.open(str(tmp_path / "db"), dbtype=db.DB_HASH, flags=db.DB_CREATE)
    for name, values in ((b"userPassword", (b"", b"pw")), (b"cmusaslsecretSRP", (b"a", b"b"))):
        for value in values:
            handle.put(b"alice\0x\0" + name, value)
    handle.close()
    with Database(str(tmp_path / "db")) as database:
        entries = [(entry.id, entry.mechanisms, entry.password) for entry in Roster(database, Wanted())]
    assert entries == [(UserId(b"alice", b"x"), ("PLAIN", "LOGIN", "SRP"), b"")]


@pytest.mark.parametrize(
    "realm, pattern, users",
    [
        (None, "a*", ["alice@x", "alice@y"]),
        (None, "A*", []),
        (None, "alic", []),
        (None, "*@y", ["alice@y", "b*b@y"]),
        (None, "alice@[xz]", ["alice@x"]),
        ("y", "?????", ["alice@y"]),
        (None, "b[*]b", ["b*b@y"]),
        (None, "*\n*", ["new\nline@x"]),
        (None, "caf*", ["caf\udce9@x"]),
        (None, "", []),
    ],
)
def test_patterns(realm: Optional[str], pattern: str, users: list[str]) -> None:
    """A pattern is one of the shell's, for the whole name, in the case that is there; with an `@` it is compared with user@realm."""
    everybody = ["alice@x", "alice@y", "b*b@y", "new\nline@x", "caf\udce9@x"]
    wanted = Wanted(realm, pattern)
    ids = [UserId.parse(login) for login in everybody]
    assert [str(user) for user in ids if wanted(user.user, user.realm)] == users


@given(name=st.text("ab*?[]!-", max_size=6), pattern=st.text("ab*?[]!-", max_size=6))
def test_patterns_are_the_standard_ones(name: str, pattern: str) -> None:
    """Patterns mean what they mean to the standard library's fnmatch."""
    assert Wanted(None, pattern)(name.encode(), b"x") == fnmatchcase(name, pattern)
