"""cmusaslsecretDIGEST-MD5 holds the part of A1 that answers a challenge without the password."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.errors import SecretUnusable
from sasldb.secrets import digest_md5

NONCE, CLIENT_NONCE, URI = b"OA6MG9tEQGm2hh", b"OA6MHXh6VqTrRk", b"imap/elwood.innosoft.com"
NAMES = st.binary(max_size=30).filter(lambda name: not {0, 0x3A} & set(name))
PASSWORDS = st.binary(max_size=60).filter(lambda password: 0 not in password)


def response(value: bytes, method: bytes) -> str:
    """Compute RFC 2831's response-value from the stored value, for the exchange of its section 4."""
    a1 = hashlib.md5(digest_md5.parse(value) + b":" + NONCE + b":" + CLIENT_NONCE).hexdigest()
    a2 = hashlib.md5(method + b":" + URI).hexdigest()
    return hashlib.md5(f"{a1}:{NONCE.decode()}:00000001:{CLIENT_NONCE.decode()}:auth:{a2}".encode()).hexdigest()


def test_rfc_2831() -> None:
    """The value of `chris` answers as the example of RFC 2831 does, and so does the server."""
    value = digest_md5.make(b"chris", b"elwood.innosoft.com", b"secret")
    assert response(value, b"AUTHENTICATE") == "d388dad90d4bbd760a152321f2143af7"
    assert response(value, b"") == "ea40f60335c427b5527b84dbabcdfffd"


def test_dovecot() -> None:
    """The value is what `doveadm pw -s DIGEST-MD5` printed for alice@example.org and `secret`."""
    assert digest_md5.make(b"alice", b"example.org", b"secret").hex() == "543e1aec5d3614f03141652d6ada51b2"


@pytest.mark.parametrize(
    ("typed", "hashed"),
    [
        ("sécret", "sécret".encode("latin-1")),
        ("ÿ", b"\xff"),
        ("sé\N{EURO SIGN}", "sé\N{EURO SIGN}".encode()),
        ("Ā", "Ā".encode()),
    ],
)
def test_character_sets(typed: str, hashed: bytes) -> None:
    """User and password are each hashed in ISO 8859-1 if they fit there, else in UTF-8; the realm never changes."""
    realm = "é.example".encode()
    expected = hashlib.md5(b"alice:" + realm + b":" + hashed).digest()
    assert digest_md5.make(b"alice", realm, typed.encode()) == expected
    assert digest_md5.make(typed.encode(), b"r", b"x") == hashlib.md5(hashed + b":r:x").digest()


@pytest.mark.parametrize(
    "password", [b"\xc3A", b"a\xc3\xc3\xa9", b"\xff\xc3\xa9", b"\xc3\xa9\xe4", b"\xe9", b"\xc3\xff"]
)
def test_broken_utf_8(password: bytes) -> None:
    """Bytes that are not UTF-8 are hashed as they are."""
    assert digest_md5.make(b"alice", b"r", password) == hashlib.md5(b"alice:r:" + password).digest()


@pytest.mark.parametrize(("typed", "hashed"), [(b"a\xc0\xa9", b"a)"), (b"\xc3\xbf\xc0\x80", b"\xff\0")])
def test_long_forms(typed: bytes, hashed: bytes) -> None:
    """0xC0 begins a character like 0xC1 to 0xC3 do, though UTF-8 has no such form: libsasl turns it into one byte."""
    assert digest_md5.make(b"alice", b"r", typed) == hashlib.md5(b"alice:r:" + hashed).digest()


def test_cut_utf_8() -> None:
    """Half a character at the end is lost, as in libsasl."""
    assert digest_md5.make(b"alice", b"r", b"caf\xc3") == digest_md5.make(b"alice", b"r", b"caf")


@given(NAMES, NAMES, PASSWORDS, PASSWORDS)
def test_round_trip(user: bytes, realm: bytes, password: bytes, other: bytes) -> None:
    """What was made of a password fits it for this user and realm; another password fits only where both are the same text."""
    value = digest_md5.make(user, realm, password)
    assert digest_md5.check(value, user, realm, password)
    assert digest_md5.check(value, user, realm, other) == (value == digest_md5.make(user, realm, other))
    assert not digest_md5.check(value, user, realm + b".x", password)


@given(st.binary(max_size=20))
def test_any_value(value: bytes) -> None:
    """Any bytes as value are refused or do not fit; nothing else happens."""
    try:
        assert not digest_md5.check(value, b"alice", b"example.org", b"secret")
    except SecretUnusable:
        assert len(value) < 16


def test_short() -> None:
    """A value that is too short says so."""
    with pytest.raises(SecretUnusable, match="15 bytes, not 16"):
        digest_md5.parse(bytes(15))
