"""What is stored decides which mechanisms let a user in."""

from __future__ import annotations

import pytest

from sasldb.errors import SecretUnusable
from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, scram
from sasldb.secrets.mechanisms import folded, mechanisms_of, serves, together
from sasldb.secrets.properties import SHARED, TYPED

PLAIN_HASH = plain_hash.make(b"secret")
VERIFIER = scram.make(b"secret", "SHA-512", 1)
ONE_TIME = otp.make(b"secret", "vm")
CASES: dict[str, tuple[dict[bytes, bytes], tuple[str, ...]]] = {
    "nothing": ({}, ()),
    "plaintext": ({b"userPassword": b"secret"}, TYPED + SHARED),
    "empty plaintext": ({b"userPassword": b""}, TYPED),
    "plaintext cut to nothing": ({b"userPassword": b"\0tail"}, TYPED),
    "plaintext too long": ({b"userPassword": b"x" * 8193}, ()),
    "salted hash": ({b"cmusaslsecretPLAIN": PLAIN_HASH}, TYPED),
    "verifier": ({b"authPassword": VERIFIER}, ("SCRAM-SHA-512",)),
    "no plaintext": ({b"authPassword": VERIFIER, b"cmusaslsecretPLAIN": PLAIN_HASH}, (*TYPED, "SCRAM-SHA-512")),
    "verifier beside empty plaintext": ({b"authPassword": VERIFIER, b"userPassword": b""}, TYPED),
    "broken verifier": ({b"authPassword": VERIFIER[:-4]}, ()),
    "CRAM-MD5": ({b"cmusaslsecretCRAM-MD5": cram_md5.make(b"secret")}, ("CRAM-MD5",)),
    "DIGEST-MD5": ({b"cmusaslsecretDIGEST-MD5": digest_md5.make(b"u", b"r", b"secret")}, ("DIGEST-MD5",)),
    "OTP beside plaintext": ({b"cmusaslsecretOTP": ONE_TIME, b"userPassword": b"x"}, (*TYPED, *SHARED, "OTP")),
    "OTP used up": ({b"cmusaslsecretOTP": ONE_TIME.replace(b"\t0499\t", b"\t0001\t")}, ()),
    "rare ones": ({b"cmusaslsecretOPAQUE": b"x", b"cmusaslsecretSRP": b"x"}, ("SRP", "OPAQUE")),
    "unknown ones": ({b"cmusaslsecretNEW": b"x", b"homeDirectory": b"x"}, ()),
}


@pytest.mark.parametrize("case", CASES)
def test_mechanisms(case: str) -> None:
    """Each kind of storage lets in its own mechanisms, in one order."""
    properties, expected = CASES[case]
    assert mechanisms_of(properties) == expected


def test_one_value() -> None:
    """One value tells what it serves by itself, or why it does not."""
    assert serves(b"authPassword", VERIFIER) == ("SCRAM-SHA-512",)
    with pytest.raises(SecretUnusable, match="used up"):
        serves(b"cmusaslsecretOTP", ONE_TIME.replace(b"\t0499\t", b"\t0000\t"))
    with pytest.raises(SecretUnusable, match="not a known secret"):
        serves(b"homeDirectory", b"x")


@pytest.mark.parametrize(
    "mechanisms, text",
    [
        ((), ""),
        (("PLAIN",), "PLAIN"),
        (("SCRAM-SHA-256",), "SCRAM-SHA-256"),
        (("NTLM", "SCRAM-SHA-1", "SCRAM-SHA-256", "OTP"), "NTLM SCRAM-SHA-1/256 OTP"),
    ],
)
def test_folded(mechanisms: tuple[str, ...], text: str) -> None:
    """For people, what all SCRAM mechanisms have in common stands once."""
    assert folded(mechanisms) == text


def test_together() -> None:
    """What each secret serves alone adds up, less what libsasl ignores beside a userPassword, even one that serves nobody."""
    verifier = {b"authPassword": ("SCRAM-SHA-1",), b"cmusaslsecretPLAIN": TYPED}
    assert together(verifier) == (*TYPED, "SCRAM-SHA-1")
    assert together({**verifier, b"userPassword": ()}) == TYPED
