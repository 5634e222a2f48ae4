"""A password is checked against everything stored, by libsasl's rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.errors import SecretUnusable
from sasldb.model.identity import UserId
from sasldb.model.verdict import Outcome
from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, scram
from sasldb.secrets.check import check_password, check_property
from sasldb.secrets.properties import PROPERTIES

USER = UserId(b"alice", b"example.org")


def made(password: bytes) -> dict[bytes, bytes]:
    """Return every secret that can be derived from `password`."""
    return {
        b"authPassword": scram.make(password, iterations=2),
        b"cmusaslsecretPLAIN": plain_hash.make(password),
        b"cmusaslsecretCRAM-MD5": cram_md5.make(password),
        b"cmusaslsecretDIGEST-MD5": digest_md5.make(USER.user, USER.realm, password),
        b"cmusaslsecretOTP": otp.make(password, "vm", sequence=5),
    }


def test_all_accept() -> None:
    """Without userPassword every secret made of the password accepts it, named in the table's order."""
    verdict = check_password(USER, made(b"secret"), b"secret")
    assert verdict and verdict.outcome is Outcome.OK and not verdict.unusable
    assert verdict.accepted_by == (
        "cmusaslsecretPLAIN",
        "authPassword",
        "cmusaslsecretCRAM-MD5",
        "cmusaslsecretDIGEST-MD5",
        "cmusaslsecretOTP",
    )


def test_wrong() -> None:
    """A wrong password is a mismatch that names nothing."""
    verdict = check_password(USER, {b"userPassword": b"secret", **made(b"secret")}, b"Secret")
    assert not verdict and verdict.outcome is Outcome.MISMATCH and verdict.accepted_by == ()


def test_plaintext_hides_verifiers() -> None:
    """Beside userPassword, libsasl ignores the verifiers but not cmusaslsecretPLAIN and OTP: either password is accepted there."""
    properties = {b"userPassword": b"new", **made(b"old")}
    assert check_password(USER, properties, b"new").accepted_by == ("userPassword",)
    verdict = check_password(USER, properties, b"old")
    assert verdict.accepted_by == ("cmusaslsecretPLAIN", "cmusaslsecretOTP")
    assert set(verdict.unusable) == {"authPassword", "cmusaslsecretCRAM-MD5", "cmusaslsecretDIGEST-MD5"}
    assert set(verdict.unusable.values()) == {"libsasl ignores it beside userPassword"}


def test_no_such_user() -> None:
    """A user of whom nothing is stored does not exist."""
    assert check_password(USER, {}, b"secret").outcome is Outcome.NO_SUCH_USER


@pytest.mark.parametrize(
    "properties",
    [
        {b"homeDirectory": b"/srv"},
        {b"authPassword": b"junk"},
        {b"cmusaslsecretSRP": b"AAAA"},
        {b"cmusaslsecretNEW": b"x", b"cmusaslsecretOPAQUE": b"x"},
        {b"userPassword": b"x" * 9000},
    ],
    ids=lambda properties: "+".join(name.decode() for name in properties),
)
def test_unusable(properties: dict[bytes, bytes]) -> None:
    """A user with nothing that can be checked is neither absent nor mistaken; every secret is named with its reason."""
    verdict = check_password(USER, properties, b"secret")
    assert verdict.outcome is Outcome.SECRET_UNUSABLE
    assert set(verdict.unusable) == {name.decode() for name in properties} - {"homeDirectory"}
    assert all(verdict.unusable.values())


def test_damaged_beside_sound() -> None:
    """A damaged secret is told beside the one that decides."""
    verdict = check_password(USER, {b"userPassword": b"secret", b"cmusaslsecretPLAIN": b"short"}, b"secret")
    assert verdict.outcome is Outcome.OK and verdict.unusable == {"cmusaslsecretPLAIN": "5 bytes, not 33"}


@pytest.mark.parametrize("value", [b"pw", b"pw\0tail", b"", b"\0tail"])
def test_nul(value: bytes) -> None:
    """A stored value ends at its first NUL, and a password with NUL is never right."""
    seen = value.split(b"\0")[0]
    assert check_password(USER, {b"userPassword": value}, seen)
    assert not check_password(USER, {b"userPassword": value}, seen + b"\0tail")
    assert not check_password(USER, {b"cmusaslsecretPLAIN": plain_hash.make(b"pw\0tail")}, b"pw\0tail")


def test_realm_counts() -> None:
    """A DIGEST-MD5 secret belongs to one user in one realm."""
    properties = {b"cmusaslsecretDIGEST-MD5": digest_md5.make(b"alice", b"example.com", b"secret")}
    assert not check_password(USER, properties, b"secret")
    assert check_password(UserId(b"alice", b"example.com"), properties, b"secret")


def test_one_property() -> None:
    """One property is checked by itself, whatever else there is; one that nobody can check says so."""
    assert check_property(b"authPassword", scram.make(b"secret", iterations=1), USER, b"secret")
    with pytest.raises(SecretUnusable, match="homeDirectory: no way to check it here"):
        check_property(b"homeDirectory", b"/srv", USER, b"secret")


@given(
    st.dictionaries(st.sampled_from([*PROPERTIES, b"custom", b"cmusaslsecretX"]), st.binary(max_size=60)), st.binary()
)
def test_any_values(properties: dict[bytes, bytes], password: bytes) -> None:
    """Any bytes as values and password come to a verdict that says yes only where userPassword is the password."""
    verdict = check_password(USER, properties, password)
    fits = b"userPassword" in properties and properties[b"userPassword"].split(b"\0")[0] == password
    assert bool(verdict) == fits
    assert (verdict.outcome is Outcome.NO_SUCH_USER) == (not properties)
