"""What audit --fix takes from one user, kind by kind, and that no password stops to let in by any mechanism: asked of the real libsasl too."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sasldb.operations.audit.auditing import Rules, audit
from sasldb.operations.audit.naming import Place
from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, scram
from sasldb.secrets.check import check_password
from sasldb.secrets.mechanisms import mechanisms_of
from tests.secrets.conftest import USER, Libsasl, Require

Properties = dict[bytes, bytes]

PASSWORD = b"secret"
LONG = b"x" * 8194
PLAIN, OTHER = plain_hash.make(PASSWORD), plain_hash.make(b"old")
VERIFIER = scram.make(PASSWORD)
OTP = otp.make(PASSWORD, "vm")
USED_UP = OTP.replace(b"\t0499\t", b"\t0001\t")
MECHANISMS = ("checkpass", "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "OTP")

# what is stored, and the names of what --fix removes
FIXES: dict[str, tuple[Properties, list[bytes]]] = {
    "plaintext": ({b"userPassword": PASSWORD}, []),
    "no plaintext": ({b"authPassword": VERIFIER, b"cmusaslsecretPLAIN": PLAIN}, []),
    "verifier beside plaintext": ({b"userPassword": PASSWORD, b"authPassword": VERIFIER}, [b"authPassword"]),
    "verifier of an old password": (
        {b"userPassword": PASSWORD, b"authPassword": scram.make(b"old")},
        [b"authPassword"],
    ),
    "all beside plaintext": (
        {
            b"userPassword": PASSWORD,
            b"authPassword": VERIFIER,
            b"cmusaslsecretPLAIN": PLAIN,
            b"cmusaslsecretCRAM-MD5": cram_md5.make(PASSWORD),
            b"cmusaslsecretDIGEST-MD5": digest_md5.make(USER.user, USER.realm, PASSWORD),
            b"cmusaslsecretOTP": OTP,
            b"homeDirectory": b"/home/alice",
        },
        [b"authPassword", b"cmusaslsecretCRAM-MD5", b"cmusaslsecretDIGEST-MD5", b"cmusaslsecretPLAIN"],
    ),
    "two passwords": ({b"userPassword": PASSWORD, b"cmusaslsecretPLAIN": OTHER}, []),
    "two passwords, the other way": ({b"userPassword": b"old", b"cmusaslsecretPLAIN": PLAIN}, []),
    "empty plaintext": ({b"userPassword": b"", b"authPassword": VERIFIER, b"cmusaslsecretPLAIN": PLAIN}, []),
    "plaintext with NUL": (
        {b"userPassword": PASSWORD + b"\0x", b"authPassword": VERIFIER, b"cmusaslsecretPLAIN": PLAIN},
        [b"authPassword", b"cmusaslsecretPLAIN"],
    ),
    "plaintext too long": ({b"userPassword": LONG, b"authPassword": VERIFIER, b"cmusaslsecretPLAIN": PLAIN}, []),
    "hash too long": ({b"userPassword": PASSWORD, b"cmusaslsecretPLAIN": PLAIN + LONG}, [b"cmusaslsecretPLAIN"]),
    "hash just readable": ({b"cmusaslsecretPLAIN": PLAIN.ljust(8193, b"x"), b"authPassword": VERIFIER}, []),
    "verifier too long": (
        {b"authPassword": VERIFIER + b" " * 8194, b"cmusaslsecretPLAIN": PLAIN},
        [b"authPassword"],
    ),
    "everything too long": ({b"authPassword": VERIFIER + b" " * 8194, b"cmusaslsecretPLAIN": PLAIN + LONG}, []),
    "OTP used up": ({b"userPassword": PASSWORD, b"cmusaslsecretOTP": USED_UP}, [b"cmusaslsecretOTP"]),
    "nothing but OTP used up": ({b"cmusaslsecretOTP": USED_UP}, []),
    "OTP": ({b"cmusaslsecretOTP": OTP}, []),
    "OTP too long": ({b"userPassword": PASSWORD, b"cmusaslsecretOTP": LONG}, [b"cmusaslsecretOTP"]),
    "broken": ({b"authPassword": b"broken", b"cmusaslsecretPLAIN": b"broken"}, []),
    "data too long": ({b"userPassword": PASSWORD, b"homeDirectory": LONG}, []),
}


@pytest.fixture
def libsasl(require: Require, tmp_path: Path) -> Libsasl:
    """Return the real libsasl2, with an empty folder to work in."""
    require("cyrus", "saslpasswd2")
    return Libsasl(tmp_path)


def removed(properties: Properties) -> list[bytes]:
    """Return the names of the properties of USER that --fix would remove."""
    records = {USER.key(name): value for name, value in properties.items()}
    return sorted(key[len(USER.prefix) :] for key in audit(records.items(), Place(), Rules(deep=True)).removes)


@pytest.mark.parametrize("storage", FIXES)
def test_what_is_removed(storage: str) -> None:
    """Of each kind of storage exactly these properties go."""
    properties, names = FIXES[storage]
    assert removed(properties) == names


@pytest.mark.parametrize("storage", [name for name, (_, names) in FIXES.items() if names])
def test_everybody_who_got_in_still_does(libsasl: Libsasl, storage: str) -> None:
    """With the real libsasl, each login with either password that works before works after."""
    properties, names = FIXES[storage]
    after = {name: value for name, value in properties.items() if name not in names}
    attempts = [(mechanism, password) for mechanism in MECHANISMS for password in (PASSWORD, b"old")]
    entered = [code == 0 for code in libsasl.results(properties, attempts)]
    still = [code == 0 for code in libsasl.results(after, attempts)]
    assert [attempt for attempt, was, is_now in zip(attempts, entered, still) if was and not is_now] == []
    assert any(still)


names = st.sampled_from(
    [b"userPassword", b"authPassword", b"cmusaslsecretPLAIN", b"cmusaslsecretOTP", b"cmusaslsecretCRAM-MD5"]
    + [b"cmusaslsecretDIGEST-MD5", b"cmusaslsecretSRP", b"homeDirectory"]
)
values = st.sampled_from(
    [PASSWORD, b"old", b"", PASSWORD + b"\0x", LONG, PLAIN, OTHER, VERIFIER, OTP, USED_UP, cram_md5.make(PASSWORD)]
    + [PLAIN + LONG, VERIFIER + b" " * 8194, b"broken"]
)


@settings(max_examples=400, deadline=None)
@given(properties=st.dictionaries(names, values, max_size=6))
def test_nothing_is_lost(properties: Properties) -> None:
    """Whatever a user has, every mechanism and every password that lets in before lets in after, but for values libsasl cannot read."""
    gone = removed(properties)
    after = {name: value for name, value in properties.items() if name not in gone}
    read = {name: value for name, value in properties.items() if name == b"userPassword" or len(value) <= 8193}
    assert set(mechanisms_of(read)) <= set(mechanisms_of(after))
    for password in PASSWORD, b"old", b"":
        assert bool(check_password(USER, after, password)) >= bool(check_password(USER, read, password))
    assert bool(after) == bool(properties)
