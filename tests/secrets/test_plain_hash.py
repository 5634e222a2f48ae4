"""cmusaslsecretPLAIN is made, parsed and checked."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.errors import SecretUnusable
from sasldb.secrets import plain_hash

SALT = bytes(range(16))
PASSWORDS = st.binary(max_size=100).filter(lambda password: 0 not in password)


def test_layout() -> None:
    """The value is 16 bytes of salt, a NUL, and MD5 over salt, `sasldb` and password."""
    expected = SALT + b"\0" + hashlib.md5(SALT + b"sasldb" + b"secret").digest()
    assert plain_hash.make(b"secret", SALT) == expected
    assert plain_hash.parse(expected) == (SALT, expected[17:])


def test_salts_differ() -> None:
    """Two users with one password do not share a value."""
    assert plain_hash.make(b"secret") != plain_hash.make(b"secret")


@given(PASSWORDS, PASSWORDS)
def test_round_trip(password: bytes, other: bytes) -> None:
    """What was made of a password fits that password and no other; bytes behind the value change nothing."""
    value = plain_hash.make(password)
    assert plain_hash.check(value, password) and plain_hash.check(value + b"tail", password)
    assert plain_hash.check(value, other) == (other == password)


@given(st.binary(max_size=50))
def test_any_value(value: bytes) -> None:
    """Any bytes as value are refused or do not fit; nothing else happens."""
    try:
        assert not plain_hash.check(value, b"secret")
    except SecretUnusable as error:
        assert error.subject == "cmusaslsecretPLAIN"


@pytest.mark.parametrize(
    ("value", "reason"), [(bytes(32), "32 bytes, not 33"), (b"x" * 33, "no NUL between salt and digest")]
)
def test_reasons(value: bytes, reason: str) -> None:
    """A value that cannot serve says why."""
    with pytest.raises(SecretUnusable, match=reason):
        plain_hash.parse(value)


def test_salt_length() -> None:
    """A salt that is not 16 bytes makes a value that nobody could read, so it is refused."""
    with pytest.raises(SecretUnusable, match="a salt of 8 bytes"):
        plain_hash.make(b"secret", b"saltsalt")
