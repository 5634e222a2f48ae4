"""User ids, record keys and text."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.errors import BadName
from sasldb.model.identity import UserId
from sasldb.model.record import join_key, split_key
from sasldb.model.text import printable, to_bytes, to_text

NAMES = st.binary(max_size=20).map(lambda name: name.replace(b"\0", b"."))


@pytest.mark.parametrize(
    ("login", "user", "realm"),
    [
        (b"u", b"u", b"R"),
        (b"u@x", b"u", b"x"),
        (b"u@X@Y", b"u", b"X@Y"),
        (b"u@", b"u", b""),
        (b"@x", b"", b"x"),
        (b"@", b"", b""),
        (b"", b"", b"R"),
    ],
)
def test_split_at_the_first_at_sign(login: bytes, user: bytes, realm: bytes) -> None:
    """A login splits at its first `@`, and only one without any takes the default realm."""
    assert UserId.parse(login, b"R") == UserId(user, realm)


@pytest.mark.parametrize(
    ("names", "shown"), [((b"a\0b", b"r"), r"a\0b@r"), ((b"a", b"r\0"), r"a@r\0"), ((b"\0", b"\0"), r"\0@\0")]
)
def test_nul_is_refused(names: tuple[bytes, bytes], shown: str) -> None:
    """No name holds a NUL, for it would become another key; the error shows where it is, and has none itself."""
    with pytest.raises(BadName) as caught:
        UserId(*names)
    assert str(caught.value).startswith(f"{shown}: a NUL in ")
    with pytest.raises(BadName) as caught:
        join_key(*names, b"p")
    assert str(caught.value).startswith(shown.replace("@", r"\0") + r"\0p: a NUL in ")


@given(NAMES, NAMES, NAMES, NAMES)
def test_user_ids_compare_by_name(user: bytes, realm: bytes, other: bytes, other_realm: bytes) -> None:
    """User ids are equal when both names are, are in the order of the user and then the realm, and are equal to nothing else."""
    one, two = UserId(user, realm), UserId(other, other_realm)
    assert (one == two) == ((user, realm) == (other, other_realm))
    assert (one < two) == ((user, realm) < (other, other_realm))
    assert one != (user, realm) and (user, realm) != one
    assert not one < one


@given(NAMES, NAMES, NAMES)
def test_keys_round_trip(user: bytes, realm: bytes, name: bytes) -> None:
    """Any three names without NUL come back from their key."""
    assert split_key(UserId(user, realm).key(name)) == (user, realm, name)


@given(st.binary(max_size=30))
def test_only_two_nuls_make_a_key(key: bytes) -> None:
    """A key with fewer or more than two NULs is malformed."""
    assert (split_key(key) is None) == (key.count(0) != 2)


@given(st.binary(max_size=30))
def test_text_round_trips(name: bytes) -> None:
    """Every byte string survives the way to text and back."""
    assert to_bytes(to_text(name)) == name


@pytest.mark.parametrize("login", ["a\ud800", "a@\ud800", "\udfff@b"])
def test_text_that_stands_for_no_octets_is_refused(login: str) -> None:
    """Half a surrogate pair is no name, and the error can be printed."""
    with pytest.raises(BadName) as caught:
        UserId.parse(login, "R")
    str(caught.value).encode()
    with pytest.raises(BadName):
        UserId.parse("a", login)


@given(NAMES, NAMES)
def test_copies_are_equal(user: bytes, realm: bytes) -> None:
    """A UserId can be copied, and sent to another process."""
    original = UserId(user, realm)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(original, protocol)) == original
    assert copy.copy(original) == copy.deepcopy(original) == original


def test_user_ids_do_not_change() -> None:
    """A UserId is a value: hashable, and no attribute of it can be set."""
    with pytest.raises(AttributeError):
        UserId(b"a", b"b").user = b"c"
    assert len({UserId(b"a", b"b"), UserId(b"a", b"b")}) == 1


def test_printable() -> None:
    """What prints stays, everything else is shown as the bytes it stands for."""
    assert printable("alice@example.com: ä") == "alice@example.com: ä"
    assert printable("a\nb\udcff\x7f\u2028") == "a\\x0ab\\xff\\x7f\\xe2\\x80\\xa8"
