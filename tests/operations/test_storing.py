"""How a password is stored: what is chosen, what follows from it, and what an old one leaves to the new one."""

from __future__ import annotations

from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sasldb.errors import SasldbError
from sasldb.operations.storing import Storing, without
from sasldb.secrets import otp, scram
from sasldb.secrets.check import check_property
from sasldb.secrets.properties import is_secret
from tests.operations.databases import ALICE, BARE, WITH_OTP, every_secret

NEW, OLD = b"new password", b"old password"


@pytest.mark.parametrize(
    "plaintext, hash, iterations, forced, reason",
    [
        (True, "SHA-1", None, False, "beside it libsasl uses no SCRAM verifier"),
        (True, None, 5000, False, "beside it libsasl uses no SCRAM verifier"),
        (None, "MD5", None, False, "none of SHA-1, SHA-224"),
        (None, None, 4095, False, "not between 4096 and 65536; to have it nevertheless, add --force-iterations"),
        (None, None, 65537, False, "not between 4096 and 65536"),
        (None, None, -1, True, "not between 1 and 10000000$"),
    ],
)
def test_choices_that_cannot_be(
    plaintext: Optional[bool], hash: Optional[str], iterations: Optional[int], forced: bool, reason: str
) -> None:
    """A choice that contradicts itself, or that Cyrus's clients would refuse, is an error that says so."""
    with pytest.raises(SasldbError, match=reason):
        Storing(plaintext, hash, iterations, forced)


def test_scram_means_no_plaintext() -> None:
    """Who asks for a hash or for iterations wants no plaintext, for libsasl would not look at the verifier beside it."""
    assert Storing(None, "SHA-512").plaintext is False
    assert Storing(None, None, 65536).plaintext is False
    assert Storing(None, None, 1, True).plaintext is False
    assert Storing().plaintext is None


def test_new_user() -> None:
    """A new user has the plaintext, and what an installed plug-in of Cyrus would add."""
    assert {name for name, value in Storing().first(ALICE, NEW, BARE).items() if value} == {b"userPassword"}
    more = Storing().first(ALICE, NEW, WITH_OTP)
    assert {name for name, value in more.items() if value} == {b"userPassword", b"cmusaslsecretOTP"}
    assert otp.check(more[b"cmusaslsecretOTP"] or b"", NEW)


@pytest.mark.parametrize(
    "storing, kind",
    [
        (Storing(False), "SCRAM-SHA-256, 4096"),
        (Storing(None, "SHA-512"), "SCRAM-SHA-512, 4096"),
        (Storing(None, "SHA-1", 6000), "SCRAM-SHA-1, 6000"),
    ],
    ids=["default", "hash", "both"],
)
def test_new_user_without_plaintext(storing: Storing, kind: str) -> None:
    """Without plaintext it is the verifier asked for and cmusaslsecretPLAIN, whatever plug-ins there are."""
    made = {name: value for name, value in storing.first(ALICE, NEW, WITH_OTP).items() if value}
    assert set(made) == {b"authPassword", b"cmusaslsecretPLAIN"}
    verifier = scram.parse(made[b"authPassword"])
    assert f"{verifier.mechanism}, {verifier.iterations}" == kind
    assert all(check_property(name, value, ALICE, NEW) for name, value in made.items())


def after(storing: Storing, names: set[str], otp_installed: bool = False) -> dict[bytes, bytes]:
    """Return the properties of a user who had the secrets `names` of OLD, and a home directory, after a change to NEW."""
    before = {name.encode(): value for name, value in every_secret(OLD).items() if name in names}
    before[b"homeDirectory"] = b"/home/alice"
    site = WITH_OTP if otp_installed else BARE
    changes = {**before, **storing.renewed(ALICE, before, NEW, site)}
    return {name: value for name, value in changes.items() if value is not None}


@pytest.mark.parametrize(
    "names, stored",
    [
        ({"userPassword"}, {"userPassword"}),
        ({"authPassword", "cmusaslsecretPLAIN"}, {"authPassword", "cmusaslsecretPLAIN"}),
        ({"authPassword"}, {"authPassword"}),
        ({"userPassword", "cmusaslsecretOTP"}, {"userPassword", "cmusaslsecretOTP"}),
        ({"cmusaslsecretCRAM-MD5", "cmusaslsecretDIGEST-MD5"}, {"cmusaslsecretCRAM-MD5", "cmusaslsecretDIGEST-MD5"}),
        ({"userPassword", "cmusaslsecretSRP", "cmusaslsecretNEW"}, {"userPassword"}),
        ({"cmusaslsecretSRP"}, {"authPassword", "cmusaslsecretPLAIN"}),
        (set[str](), {"userPassword"}),
    ],
)
def test_the_kind_of_storage_is_kept(names: set[str], stored: set[str]) -> None:
    """Unless told otherwise, a new password is stored the way the old one was; what cannot be made anew goes."""
    assert {name.decode() for name in after(Storing(), names)} == {*stored, "homeDirectory"}


def test_parameters_are_kept() -> None:
    """A verifier keeps its hash and iterations; so it does where only one of them is chosen anew."""
    before = {b"authPassword": scram.make(OLD, "SHA-1", 5000)}
    for storing, kind in (
        (Storing(), ("SHA-1", 5000)),
        (Storing(None, None, 8192), ("SHA-1", 8192)),
        (Storing(None, "SHA-256"), ("SHA-256", 5000)),
    ):
        verifier = scram.parse(storing.renewed(ALICE, before, NEW, BARE)[b"authPassword"] or b"")
        assert (verifier.hash, verifier.iterations) == kind


def test_an_unreadable_verifier_has_no_parameters() -> None:
    """Where the old verifier does not parse, the new one has the usual hash and iterations."""
    changes = Storing(False).renewed(ALICE, {b"authPassword": b"junk"}, NEW, BARE)
    verifier = scram.parse(changes[b"authPassword"] or b"")
    assert (verifier.hash, verifier.iterations) == ("SHA-256", 4096)


def test_one_time_passwords_go_on() -> None:
    """Whoever had one-time passwords has them without a plaintext as well."""
    stored = after(Storing(False), {"userPassword", "cmusaslsecretOTP"})
    assert set(stored) == {b"authPassword", b"cmusaslsecretPLAIN", b"cmusaslsecretOTP", b"homeDirectory"}


@settings(max_examples=80, deadline=None)
@given(
    names=st.sets(st.sampled_from(sorted(every_secret(OLD)))),
    storing=st.sampled_from([Storing(), Storing(True), Storing(False), Storing(None, "SHA-1")]),
    otp_installed=st.booleans(),
)
def test_nothing_of_the_old_password_stays(names: set[str], storing: Storing, otp_installed: bool) -> None:
    """Whatever was stored and whatever is chosen: each secret left is one of the new password, and there is one; the rest is kept."""
    stored = after(storing, names, otp_installed)
    assert stored.pop(b"homeDirectory") == b"/home/alice"
    assert stored and all(is_secret(name) for name in stored)
    assert all(check_property(name, value, ALICE, NEW) for name, value in stored.items())
    assert not any(check_property(name, value, ALICE, OLD) for name, value in stored.items())
    if storing.plaintext is not None:
        assert (b"userPassword" in stored) == storing.plaintext


def test_what_is_removed_is_told() -> None:
    """`without` names the derived secrets that a change takes away, and not those that it renews."""
    before = {name.encode(): value for name, value in every_secret(OLD).items()}
    assert without(before, Storing().renewed(ALICE, before, NEW, BARE)) == [b"cmusaslsecretNEW", b"cmusaslsecretSRP"]
    assert b"authPassword" in without(before, Storing(True).renewed(ALICE, before, NEW, BARE))
