"""What a database has for a login: the record, what it lets in with, and the records that are close."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sasldb.formats import berkeley
from sasldb.model.identity import UserId
from sasldb.operations.logins.near_misses import Answer, differences, is_container, look_up
from sasldb.operations.logins.resolving import Server, resolve
from sasldb.secrets import plain_hash
from sasldb.store.reading import Database

SERVER = Server("example.com")
ALICE = UserId(b"alice", b"example.com")


def answers(path: Path, records: dict[bytes, bytes], *logins: bytes) -> list[Answer]:
    """Return the answers for `logins` in a new database of `records`."""
    path.write_bytes(b"")
    berkeley.apply(str(path), records, 0, str(path))
    with Database(str(path)) as database:
        return look_up(database, [resolve(login, SERVER) for login in logins])


@pytest.mark.parametrize(
    "stored, words",
    [
        (ALICE, ()),
        (UserId(b"bob", b"example.com"), ()),
        (UserId(b"alice", b"vm"), ("realm",)),
        (UserId(b"alice", b""), ("realm",)),
        (UserId(b"alice", b"51686ed8d2b4"), ("realm of a container", "realm")),
        (UserId(b"Alice", b"example.com"), ("case",)),
        (UserId(b"alice", b"Example.COM"), ("case",)),
        (UserId(b"ALICE", b"vm"), ("case", "realm")),
        (UserId(b" alice", b"example.com"), ("blanks",)),
        (UserId(b"alice\t", b"example.com"), ("blanks",)),
        (UserId(b"alice", b"example.com "), ("blanks",)),
        (UserId(b" Alice", b"example.com"), ("case", "blanks")),
        (UserId(b"alice@example.com", b"vm"), ("user@realm stored as the user",)),
        (UserId(b"alice@example.com", b"example.com"), ("user@realm stored as the user",)),
        (UserId(b"alice@Example.com", b"vm"), ("case", "user@realm stored as the user")),
        (UserId(b"alice@elsewhere", b"vm"), ("user@realm stored as the user", "realm")),
        (UserId(b"alice@example.com", b"51686ed8d2b4"), ("user@realm stored as the user", "realm of a container")),
        (UserId(b"ali", b"example.com"), ()),
    ],
)
def test_differences(stored: UserId, words: tuple[str, ...]) -> None:
    """How a record differs from alice@example.com, in words."""
    assert differences(ALICE, stored) == words


def test_case_beyond_ascii() -> None:
    """Case is that of the language, not of ASCII; bytes that are no UTF-8 are themselves alone."""
    assert differences(UserId("jürgen".encode(), b"x"), UserId("JÜRGEN".encode(), b"x")) == ("case",)
    assert differences(UserId(b"\xfc", b"x"), UserId(b"\xdc", b"x")) == ()


@pytest.mark.parametrize(
    "realm, answer",
    [(b"51686ed8d2b4", True), (b"51686ED8D2B4", False), (b"51686ed8d2b", False), (b"51686ed8d2b4.x", False)],
)
def test_container(realm: bytes, answer: bool) -> None:
    """A realm of 12 hexadecimal digits in lower case is what Docker calls a container."""
    assert is_container(realm) is answer


RECORDS = {
    b"alice\0example.com\0cmusaslsecretPLAIN": plain_hash.make(b"wonderland"),
    b"alice\0vm\0userPassword": b"x",
    b"Alice\0example.com\0userPassword": b"x",
    b"alice@example.com\0vm\0userPassword": b"x",
    b"bob\0vm\0userPassword": b"x",
    b"carol\0example.com\0homeDirectory": b"/home/carol",
    b"alice\0example.com": b"malformed",
}


def test_found(tmp_path: Path) -> None:
    """The record of a login is told with what it lets in with, and the near misses, the closest first."""
    (alice,) = answers(tmp_path / "db", RECORDS, b" alice ")
    assert (alice.resolution.user, alice.exists, alice.mechanisms) == (ALICE, True, ("PLAIN", "LOGIN"))
    assert [(miss.user, miss.login) for miss in alice.near] == [
        (UserId(b"Alice", b"example.com"), b"Alice@example.com"),
        (UserId(b"alice@example.com", b"vm"), None),
        (UserId(b"alice", b"vm"), b"alice@vm"),
    ]


def test_not_found(tmp_path: Path) -> None:
    """A login without a record has near misses, or none; one without a secret exists and lets nobody in."""
    bob, dave, carol = answers(tmp_path / "db", RECORDS, b"bob", b"dave", b"carol")
    assert (bob.exists, bob.mechanisms, [str(miss.user) for miss in bob.near]) == (False, (), ["bob@vm"])
    assert (dave.exists, dave.mechanisms, dave.near) == (False, (), [])
    assert (carol.exists, carol.mechanisms, carol.near) == (True, (), [])


def test_refused(tmp_path: Path) -> None:
    """A login that libsasl refuses has no record and nothing close."""
    (refused,) = answers(tmp_path / "db", RECORDS, b"")
    assert (refused.resolution.user, refused.exists, refused.mechanisms, refused.near) == (None, False, (), [])


names = st.sampled_from([b"a", b"A", b" a", b"a ", b"a@x", b"a@", b"", b"b", b"\xff"])
realms = st.sampled_from([b"x", b"X", b"x ", b"", b"0123456789ab", b"y@x"])


@settings(max_examples=60, deadline=None)
@given(users=st.sets(st.tuples(names, realms)), login=st.tuples(names, realms))
def test_any_users(users: set[tuple[bytes, bytes]], login: tuple[bytes, bytes]) -> None:
    """Whatever is stored: near misses are exactly the users that `differences` has words for, each once, and their logins lead to them."""
    with tempfile.TemporaryDirectory() as directory:
        records = {b"%b\0%b\0userPassword" % user: b"x" for user in users}
        (answer,) = answers(Path(directory) / "db", records, b"%b@%b" % login)
    target = answer.resolution.user
    assert target is not None
    assert answer.exists == ((target.user, target.realm) in users)
    close = sorted(UserId(*user) for user in users if differences(target, UserId(*user)))
    assert sorted(miss.user for miss in answer.near) == close
    for miss in answer.near:
        assert miss.login is None or resolve(miss.login, SERVER).user == miss.user
