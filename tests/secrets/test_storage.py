"""A new password is stored the way that was asked for, and nothing of the old one stays."""

from __future__ import annotations

import pytest

from sasldb.errors import SecretUnusable
from sasldb.model.identity import UserId
from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, scram
from sasldb.secrets.check import check_property
from sasldb.secrets.properties import DERIVED
from sasldb.secrets.storage import as_plaintext, as_verifiers, renewed

USER = UserId(b"alice", b"example.org")
EVERYTHING = {
    b"userPassword": b"old",
    b"authPassword": scram.make(b"old", "SHA-384", 17),
    b"cmusaslsecretPLAIN": plain_hash.make(b"old"),
    b"cmusaslsecretCRAM-MD5": cram_md5.make(b"old"),
    b"cmusaslsecretDIGEST-MD5": digest_md5.make(USER.user, USER.realm, b"old"),
    b"cmusaslsecretOTP": otp.make(b"old", "vm", "sha1", 7),
}


def test_plaintext() -> None:
    """Plaintext is stored alone: every derived property goes."""
    assert as_plaintext(b"new") == {b"userPassword": b"new", **dict.fromkeys(DERIVED)}


def test_verifiers() -> None:
    """Without plaintext, two verifiers are stored and all else goes, userPassword first of all."""
    changes = as_verifiers(b"new", "SHA-512", 4097)
    written = {name: value for name, value in changes.items() if value is not None}
    assert set(written) == {b"authPassword", b"cmusaslsecretPLAIN"}
    assert all(check_property(name, value, USER, b"new") for name, value in written.items())
    assert written[b"authPassword"].startswith(b"SCRAM-SHA-512$4097:")
    assert set(changes) == {b"userPassword", *DERIVED}
    with pytest.raises(SecretUnusable):
        as_verifiers(b"new", "MD5")


def test_renewed() -> None:
    """Every known secret is made anew with its own parameters; properties that are no secrets are not touched."""
    changes = renewed(USER, {**EVERYTHING, b"homeDirectory": b"/srv"}, b"new", "mail.example.org")
    assert set(changes) == set(EVERYTHING)
    for name, value in changes.items():
        assert value is not None
        assert check_property(name, value, USER, b"new") and not check_property(name, value, USER, b"old")
    assert scram.parse(changes[b"authPassword"] or b"").hash == "SHA-384"
    assert scram.parse(changes[b"authPassword"] or b"").iterations == 4096  # it had 17, which no client should take
    state = otp.parse(changes[b"cmusaslsecretOTP"] or b"")
    assert (state.algorithm, state.sequence, state.seed[:2]) == ("sha1", 499, b"ma")


def test_renewed_without_plaintext() -> None:
    """A user who had no plaintext gets none."""
    properties = {name: EVERYTHING[name] for name in (b"authPassword", b"cmusaslsecretPLAIN")}
    assert set(renewed(USER, properties, b"new", "vm")) == set(properties)


@pytest.mark.parametrize("name", [b"cmusaslsecretSRP", b"cmusaslsecretNEW", b"authPassword", b"cmusaslsecretOTP"])
def test_what_cannot_be_renewed(name: bytes) -> None:
    """A secret that nobody here can make anew is removed; alone, it is replaced by verifiers, never by plaintext."""
    assert renewed(USER, {name: b"junk", b"userPassword": b"old"}, b"new", "vm") == {
        name: None,
        b"userPassword": b"new",
    }
    alone = renewed(USER, {name: b"junk"}, b"new", "vm")
    assert alone[b"authPassword"] and alone[b"cmusaslsecretPLAIN"] and alone[b"userPassword"] is None
    assert name == b"authPassword" or alone[name] is None


def test_absurd_parameters() -> None:
    """A verifier with iterations that nobody computes is not made anew with them."""
    value = EVERYTHING[b"authPassword"].replace(b"$17:", b"$4000000000:")
    assert (renewed(USER, {b"authPassword": value}, b"new", "vm")[b"authPassword"] or b"").startswith(
        b"SCRAM-SHA-256$4096:"
    )


def test_new_user() -> None:
    """A user of whom no secret is stored gets the plaintext."""
    assert renewed(USER, {b"homeDirectory": b"/srv"}, b"new", "vm") == {b"userPassword": b"new"}
