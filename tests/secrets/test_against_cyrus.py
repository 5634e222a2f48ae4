"""What the real Cyrus SASL writes is understood here, and what is written here lets users in there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, scram
from sasldb.secrets.check import check_password
from sasldb.secrets.mechanisms import mechanisms_of
from sasldb.secrets.properties import MECHANISMS
from tests.conftest import CyrusTools
from tests.secrets.conftest import USER, Libsasl, stored

PASSWORD = "sécret: \N{SNOWMAN}\\$".encode()  # needs two character sets and holds every separator
LATIN = "sécret".encode()
INSTALLED = tuple(name for name in MECHANISMS if name not in ("SRP", "OPAQUE"))  # Debian ships those


def saslpasswd2(cyrus: CyrusTools, folder: Path, configuration: str, password: bytes) -> dict[bytes, bytes]:
    """Let the real saslpasswd2 create USER in an empty database and return the properties that it stored."""
    (folder / "saslpasswd.conf").write_text(configuration)
    path = folder / "made-by-cyrus"
    path.unlink(missing_ok=True)
    arguments = [cyrus.saslpasswd2, "-p", "-c", "-f", str(path), "-u", USER.realm.decode(), USER.user.decode()]
    environment = {**os.environ, "SASL_CONF_PATH": str(folder)}
    subprocess.run(arguments, input=password, env=environment, check=True, timeout=30)
    return stored(path)


@pytest.mark.parametrize("algorithm", ["md5", "sha1"])
def test_one_time_passwords(cyrus: CyrusTools, tmp_path: Path, algorithm: str) -> None:
    """The OTP plug-in's record checks, and ours has its form to the byte, digits apart.

    Not with md4: under OpenSSL 3 the plug-in crashes on it.
    """
    theirs = saslpasswd2(cyrus, tmp_path, f"mech_list: otp\notp_mda: {algorithm}\n", PASSWORD)[b"cmusaslsecretOTP"]
    ours = otp.make(PASSWORD, os.uname().nodename, algorithm)
    assert otp.check(theirs, PASSWORD) and not otp.check(theirs, PASSWORD + b"x")
    shape = (rb"\d{4}\t[0-9a-f]{16}", b"NNNN\thhhhhhhhhhhhhhhh")
    assert re.sub(*shape, ours) == re.sub(*shape, theirs)


@pytest.mark.parametrize("hash", scram.HASHES)
def test_verifiers(cyrus: CyrusTools, tmp_path: Path, hash: str) -> None:
    """The SCRAM plug-in's verifier checks for every hash, and ours is the same for the same salt."""
    configuration = f"mech_list: SCRAM-{hash}\nscram_secret_generate: yes\nscram_iteration_counter: 5000\n"
    value = saslpasswd2(cyrus, tmp_path, configuration, PASSWORD)[b"authPassword"]
    assert scram.check(value, PASSWORD) and not scram.check(value, PASSWORD + b"x")
    assert scram.make(PASSWORD, hash, 5000, scram.parse(value).salt) == value


def test_everything_that_cyrus_writes(cyrus: CyrusTools, tmp_path: Path) -> None:
    """A user created by saslpasswd2 with all plug-ins has nothing that we cannot check."""
    properties = saslpasswd2(cyrus, tmp_path, "scram_secret_generate: yes\n", PASSWORD)
    verdict = check_password(USER, properties, PASSWORD)
    assert verdict.accepted_by == ("userPassword", "cmusaslsecretOTP")
    del properties[b"userPassword"]
    assert check_password(USER, properties, PASSWORD).accepted_by == ("authPassword", "cmusaslsecretOTP")
    assert not check_password(USER, properties, PASSWORD + b"x")


STORAGE = {
    "plaintext": {b"userPassword": PASSWORD},
    "plaintext, then NUL": {b"userPassword": PASSWORD + b"\0tail"},
    "salted hash": {b"cmusaslsecretPLAIN": plain_hash.make(PASSWORD)},
    "salted hash with a tail": {b"cmusaslsecretPLAIN": plain_hash.make(PASSWORD) + b"tail"},
    "no plaintext": {b"authPassword": scram.make(PASSWORD), b"cmusaslsecretPLAIN": plain_hash.make(PASSWORD)},
    **{f"verifier {hash}": {b"authPassword": scram.make(PASSWORD, hash)} for hash in scram.HASHES},
    "verifier with blanks": {b"authPassword": b" " + scram.make(PASSWORD).replace(b"$", b" $  ") + b" SCRAM-SHA-1$"},
    "CRAM-MD5": {b"cmusaslsecretCRAM-MD5": cram_md5.make(PASSWORD)},
    "DIGEST-MD5": {b"cmusaslsecretDIGEST-MD5": digest_md5.make(USER.user, USER.realm, PASSWORD)},
    "OTP": {b"cmusaslsecretOTP": otp.make(PASSWORD, "vm")},
    "OTP with SHA-1": {b"cmusaslsecretOTP": otp.make(PASSWORD, "vm", "sha1", 9999)},
    "the last OTP": {b"cmusaslsecretOTP": otp.make(PASSWORD, "vm", sequence=2)},
    "OTP used up": {b"cmusaslsecretOTP": otp.make(PASSWORD, "vm").replace(b"\t0499\t", b"\t0001\t")},
    "OTP, binary": {
        b"cmusaslsecretOTP": b"md5\x000499\0vm1234\0%b" % otp.one_time_password("md5", 499, b"vm1234", PASSWORD)
        + bytes(8)
    },
    "two secrets": {
        b"cmusaslsecretCRAM-MD5": cram_md5.make(PASSWORD),
        b"cmusaslsecretOTP": otp.make(PASSWORD, "vm"),
        b"homeDirectory": b"/srv",
    },
    "broken verifier": {b"authPassword": scram.make(PASSWORD)[:-5]},
    "another property": {b"homeDirectory": PASSWORD},
}


@pytest.mark.parametrize("storage", STORAGE)
def test_who_gets_in(libsasl: Libsasl, storage: str) -> None:
    """For each kind of storage, libsasl lets in by the mechanisms that we list and by no other, and our verdict agrees."""
    properties = STORAGE[storage]
    results = libsasl.results(properties, [(mechanism, PASSWORD) for mechanism in INSTALLED])
    entered = tuple(mechanism for mechanism, result in zip(INSTALLED, results) if result == 0)
    assert entered == mechanisms_of(properties)
    assert bool(check_password(USER, properties, PASSWORD)) == bool(entered)


@pytest.mark.parametrize("storage", [name for name in STORAGE if name != "plaintext"])
def test_who_stays_out(libsasl: Libsasl, storage: str) -> None:
    """With a wrong password nobody gets in, by any mechanism."""
    attempts = [(mechanism, b"wrong") for mechanism in (*INSTALLED, "checkpass")]
    assert 0 not in libsasl.results(STORAGE[storage], attempts)
    assert not check_password(USER, STORAGE[storage], b"wrong")


def test_two_passwords(libsasl: Libsasl) -> None:
    """Where secrets of two passwords stand side by side, each gets in exactly where we say."""
    properties = {
        b"userPassword": b"new",
        b"cmusaslsecretPLAIN": plain_hash.make(b"old"),
        b"authPassword": scram.make(b"old"),
        b"cmusaslsecretCRAM-MD5": cram_md5.make(b"old"),
        b"cmusaslsecretDIGEST-MD5": digest_md5.make(USER.user, USER.realm, b"old"),
        b"cmusaslsecretOTP": otp.make(b"old", "vm"),
    }
    results = libsasl.results(properties, [(mechanism, b"old") for mechanism in INSTALLED])
    entered = [mechanism for mechanism, result in zip(INSTALLED, results) if result == 0]
    assert entered == ["PLAIN", "LOGIN", "OTP"]
    assert check_password(USER, properties, b"old").accepted_by == ("cmusaslsecretPLAIN", "cmusaslsecretOTP")
    assert check_password(USER, properties, b"new").accepted_by == ("userPassword",)


def test_empty_password(libsasl: Libsasl) -> None:
    """An empty userPassword lets an empty password in, by PLAIN and LOGIN and no other mechanism."""
    properties = {b"userPassword": b""}
    results = libsasl.results(properties, [(mechanism, b"") for mechanism in INSTALLED])
    assert tuple(name for name, result in zip(INSTALLED, results) if result == 0) == mechanisms_of(properties)
    assert check_password(USER, properties, b"")


@pytest.mark.parametrize(
    "password", [LATIN, "Ā".encode(), b"\xe9", b"\x80", b"caf\xc3", b"\xc3A", b"p:w", b"\xc3\xa9\xff"]
)
def test_digest_character_sets(libsasl: Libsasl, password: bytes) -> None:
    """libsasl's own DIGEST-MD5 client answers from the bytes that we hash, in whichever character set."""
    properties = {b"cmusaslsecretDIGEST-MD5": digest_md5.make(USER.user, USER.realm, password)}
    assert libsasl.results(properties, [("DIGEST-MD5", password), ("DIGEST-MD5", password + b"x")])[0] == 0


@pytest.mark.parametrize("length", [64, 65, 200])
def test_cram_of_long_passwords(libsasl: Libsasl, length: int) -> None:
    """libsasl's own CRAM-MD5 client agrees with our states also where the password fills or exceeds a block."""
    password = bytes(33 + number % 90 for number in range(length))
    assert libsasl.results({b"cmusaslsecretCRAM-MD5": cram_md5.make(password)}, [("CRAM-MD5", password)]) == [0]


def test_check_password_of_libsasl(libsasl: Libsasl) -> None:
    """sasl_checkpass accepts our cmusaslsecretPLAIN for its password alone, and both passwords beside a userPassword."""
    secret = plain_hash.make(PASSWORD)
    attempts = [("checkpass", PASSWORD), ("checkpass", PASSWORD + b"x"), ("checkpass", b"other")]
    assert [code == 0 for code in libsasl.results({b"cmusaslsecretPLAIN": secret}, attempts)] == [True, False, False]
    both = {b"cmusaslsecretPLAIN": secret, b"userPassword": b"other"}
    assert [code == 0 for code in libsasl.results(both, attempts)] == [True, False, True]
