"""authPassword verifiers follow RFC 5802 and Cyrus's reading of RFC 5803."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scramp import ScramMechanism

from sasldb.errors import SecretUnusable
from sasldb.secrets import scram

PASSWORDS = st.binary(max_size=100).filter(lambda password: 0 not in password)
SALT = b"0123456789abcdef"
VALUE = scram.make(b"pencil", "SHA-256", 1, SALT)

# (hash, salt, client-first-bare, server-first, client-final without proof, proof, server signature)
EXCHANGES = {
    "RFC 5802": (
        "SHA-1",
        "QSXCR+Q6sek8bf92",
        "n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
        "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    "RFC 7677": (
        "SHA-256",
        "W22ZaJ0SNY7soEsUEjb6gQ==",
        "n=user,r=rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}


def sign(hash: str, key: bytes, message: str) -> bytes:
    """Return HMAC of `message` under `key`."""
    return hmac.new(key, message.encode(), hash.replace("-", "").lower()).digest()


@pytest.mark.parametrize("source", EXCHANGES)
def test_rfc_exchange(source: str) -> None:
    """The verifier of `pencil` accepts the RFC's client proof and signs the RFC's server signature."""
    hash, salt, first, challenge, final, proof, signature = EXCHANGES[source]
    verifier = scram.parse(scram.make(b"pencil", hash, 4096, b64decode(salt)))
    message = f"{first},{challenge},{final}"
    mask = sign(hash, verifier.stored_key, message)
    client_key = bytes(a ^ b for a, b in zip(b64decode(proof), mask))
    assert hashlib.new(hash.replace("-", "").lower(), client_key).digest() == verifier.stored_key
    assert b64encode(sign(hash, verifier.server_key, message)).decode() == signature


def test_form() -> None:
    """A value is mechanism, iterations, salt and two keys, and reads back as written."""
    value = scram.make(b"secret")
    mechanism, parameters, keys = value.split(b"$")
    verifier = scram.parse(value)
    assert mechanism == b"SCRAM-SHA-256" == verifier.mechanism.encode()
    assert parameters == b"4096:" + b64encode(verifier.salt) and len(verifier.salt) == 16
    assert keys == b64encode(verifier.stored_key) + b":" + b64encode(verifier.server_key)
    assert verifier.value() == value != scram.make(b"secret")


@pytest.mark.parametrize("hash", scram.HASHES)
def test_every_hash(hash: str) -> None:
    """Each hash gives keys of its own length and a value that fits its password alone."""
    value = scram.make(b"secret", hash, 7, b"salt")
    assert len(scram.parse(value).stored_key) == len(scram.parse(value).server_key) == scram.HASHES[hash]
    assert scram.check(value, b"secret") and not scram.check(value, b"Secret")


@pytest.mark.parametrize("hash", ["SHA-1", "SHA-256", "SHA-512"])
def test_scramp_logs_in(hash: str) -> None:
    """An independent SCRAM server, given our verifier, lets its own client in with the password and not with another."""
    mechanism = ScramMechanism(f"SCRAM-{hash}")
    verifier = scram.parse(scram.make("pässword".encode(), hash, salt=b"x" * 32))
    known = (verifier.salt, verifier.stored_key, verifier.server_key, verifier.iterations)
    theirs = mechanism.make_auth_info("pässword", iteration_count=4096, salt=verifier.salt)
    assert theirs == known


@settings(max_examples=30)
@given(
    PASSWORDS, PASSWORDS, st.sampled_from(sorted(scram.HASHES)), st.integers(1, 50), st.binary(min_size=1, max_size=40)
)
def test_round_trip(password: bytes, other: bytes, hash: str, iterations: int, salt: bytes) -> None:
    """What was made of a password fits that password and no other, whatever the parameters."""
    value = scram.make(password, hash, iterations, salt)
    assert scram.check(value, password)
    assert scram.check(value, other) == (other == password)
    assert scram.parse(value).iterations == iterations and scram.parse(value).salt == salt


def test_from_salted_password() -> None:
    """A PBKDF2 digest kept elsewhere becomes the same verifier without the password, longer digests too."""
    derived = hashlib.pbkdf2_hmac("sha256", b"pencil", SALT, 1, 64)
    assert scram.from_salted_password(derived, "SHA-256", 1, SALT).value() == VALUE
    with pytest.raises(SecretUnusable, match="31 bytes, not 32"):
        scram.from_salted_password(derived[:31], "SHA-256", 1, SALT)


@pytest.mark.parametrize(
    "value",
    [
        b"  " + VALUE,
        VALUE.replace(b"$", b"  $ "),
        VALUE + b" ",
        VALUE + b" " + scram.make(b"other", "SHA-1", 1),
        VALUE + b"\0" + scram.make(b"other", "SHA-1", 1),
    ],
)
def test_first_verifier_counts(value: bytes) -> None:
    """Blanks around `$` are nothing, and of several verifiers in one value the first is the one, as in libsasl."""
    assert scram.parse(value).value() == VALUE and scram.check(value, b"pencil")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"$", b"", "not of the form"),
        (b"SCRAM-SHA-256", b"SCRAM-MD5", "not one of the mechanisms"),
        (b"SCRAM-SHA-256", b"XXXXX-SHA-256", "not one of the mechanisms"),
        (b"SCRAM-SHA-256", b"SCRAM-SHA-256-PLUS", "not one of the mechanisms"),
        (b"SCRAM-SHA-256", b"scram-sha-256", "not one of the mechanisms"),
        (b"SCRAM-SHA-256", b"\xff\xfe", "not one of the mechanisms"),
        (b"$1:", b"$0:", "no number above 0"),
        (b"$1:", b"$-1:", "no number above 0"),
        (b"$1:", b"$1_0:", "no number above 0"),
        (b"$1:", b"$:", "no number above 0"),
        (b"$1:", b"$" + b"1" * 21 + b":", "no number above 0"),
        (b"$1:MDEy", b"$1:*DEy", "salt is not base64"),
        (b"MDEyMzQ1Njc4OWFiY2RlZg==", b"", "salt is not base64"),
        (b"MDEyMzQ1Njc4OWFiY2RlZg==", b"MDEyMzQ1Njc4OWFiY2RlZg", "salt is not base64"),
        (b"MDEyMzQ1Njc4OWFiY2RlZg==", b"MDEyMzQ1Njc4OWFiY2RlZh==", "salt is not base64"),
        (b"==$", b"==$QUJD", "StoredKey has 35 bytes, not 32"),
        (b"SHA-256", b"SHA-512", "StoredKey has 32 bytes, not 64"),
    ],
)
def test_reasons(old: bytes, new: bytes, reason: str) -> None:
    """A value that does not parse says why."""
    with pytest.raises(SecretUnusable, match=reason):
        scram.parse(VALUE.replace(old, new, 1))


def test_server_key_counts() -> None:
    """A right StoredKey beside another ServerKey is not this password's verifier: a client would refuse the server."""
    head, _, _ = VALUE.rpartition(b":")
    assert not scram.check(head + b":" + b64encode(bytes(32)), b"pencil")


@given(
    st.binary(max_size=150)
    | st.builds(lambda at, byte: VALUE[:at] + byte + VALUE[at + 1 :], st.integers(0, len(VALUE)), st.binary(max_size=1))
)
def test_any_value(value: bytes) -> None:
    """Any bytes as value, or a damaged value, are refused or do not fit; nothing else happens."""
    try:
        assert not scram.check(value, b"other")
    except SecretUnusable as error:
        assert error.subject.startswith(("authPassword", "SCRAM-"))


def test_absurd_iterations() -> None:
    """A value that would keep us computing for hours is refused at once."""
    with pytest.raises(SecretUnusable, match="4294967295 iterations are not between 1 and 10000000"):
        scram.check(VALUE.replace(b"$1:", b"$4294967295:"), b"pencil")


@pytest.mark.parametrize(
    ("hash", "iterations", "salt"),
    [("MD5", 4096, SALT), ("SHA-256", 0, SALT), ("SHA-256", 10_000_001, SALT), ("SHA-1", 1, b"")],
)
def test_make_refuses(hash: str, iterations: int, salt: bytes) -> None:
    """No value is made that nobody could use."""
    with pytest.raises(SecretUnusable, match=f"SCRAM-{hash}"):
        scram.make(b"secret", hash, iterations, salt)


def test_python_without_pbkdf2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this Python has no PBKDF2, as in a build without OpenSSL, that is the reason, and not a crash."""
    monkeypatch.delattr(hashlib, "pbkdf2_hmac")
    with pytest.raises(SecretUnusable, match="this Python cannot compute PBKDF2"):
        scram.check(VALUE, b"pencil")


def test_repr_shows_no_key() -> None:
    """A verifier in a log names its kind and nothing that helps to guess the password."""
    assert repr(scram.parse(VALUE)) == "Verifier(SCRAM-SHA-256, iterations=1)"
