"""cmusaslsecretCRAM-MD5 holds the states that answer a challenge without the password."""

from __future__ import annotations

import hmac
from struct import pack, unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.errors import SecretUnusable
from sasldb.secrets import cram_md5
from sasldb.secrets.compression import BLOCK, State, md5_step, padding

PASSWORDS = st.binary(max_size=100).filter(lambda password: 0 not in password)


def finish(state: bytes, message: bytes) -> bytes:
    """Go on hashing `message` from a stored state (16 bytes, one block already in it) and return the MD5."""
    words: State = unpack(">4I", state)
    padded = message + padding(BLOCK + len(message))
    for start in range(0, len(padded), BLOCK):
        words = md5_step(words, padded[start : start + BLOCK])
    return pack("<4I", *words)


def answer(value: bytes, challenge: bytes) -> str:
    """Return what a client sends for `challenge`, computed from nothing but the stored value."""
    inner, outer = cram_md5.parse(value)
    return finish(outer, finish(inner, challenge)).hex()


def test_rfc_2195() -> None:
    """The states of `tanstaaftanstaaf` answer RFC 2195's challenge as its example does."""
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    assert answer(cram_md5.make(b"tanstaaftanstaaf"), challenge) == "b913a602c7eda7a495b4e6e7334d3890"


@given(PASSWORDS, st.binary(max_size=200))
def test_same_as_hmac(password: bytes, challenge: bytes) -> None:
    """For any password, short or longer than a block, the states finish to the HMAC-MD5 of the standard library."""
    assert answer(cram_md5.make(password), challenge) == hmac.new(password, challenge, "md5").hexdigest()


def test_dovecot() -> None:
    """The states are those that `doveadm pw -s CRAM-MD5` printed for `secret`, in Cyrus's order of words and halves."""
    dovecot = bytes.fromhex("cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56")
    words = unpack("<8I", dovecot)
    assert cram_md5.make(b"secret") == pack(">8I", *words[4:], *words[:4])


@given(PASSWORDS, PASSWORDS)
def test_round_trip(password: bytes, other: bytes) -> None:
    """What was made of a password fits that password and no other."""
    value = cram_md5.make(password)
    assert cram_md5.check(value, password)
    assert cram_md5.check(value, other) == (other == password)


@given(st.binary(max_size=40))
def test_any_value(value: bytes) -> None:
    """Any bytes as value are refused or do not fit; nothing else happens."""
    try:
        assert not cram_md5.check(value, b"secret")
    except SecretUnusable:
        assert len(value) < 32


def test_short() -> None:
    """A value that is too short says so."""
    with pytest.raises(SecretUnusable, match="31 bytes, not 32"):
        cram_md5.parse(bytes(31))
