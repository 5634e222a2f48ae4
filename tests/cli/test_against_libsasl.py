"""What the commands leave stored, put before the real libsasl: who gets in with which password, by each mechanism."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, scram
from sasldb.secrets.mechanisms import mechanisms_of
from tests.cli.conftest import Sasldb, make_database
from tests.conftest import Require
from tests.secrets.conftest import USER, Libsasl, stored
from tests.secrets.test_against_cyrus import INSTALLED

LOGIN = str(USER)
OLD, NEW = b"old sesame", b"n\xc3\xa9w sesame"
ATTEMPTS = (*INSTALLED, "checkpass")
PROPERTIES = {
    b"userPassword": OLD,
    b"cmusaslsecretPLAIN": plain_hash.make(OLD),
    b"authPassword": scram.make(OLD, "SHA-512"),
    b"cmusaslsecretCRAM-MD5": cram_md5.make(OLD),
    b"cmusaslsecretDIGEST-MD5": digest_md5.make(USER.user, USER.realm, OLD),
    b"cmusaslsecretOTP": otp.make(OLD, "vm"),
}
KINDS = {
    "plaintext": [b"userPassword"],
    "plaintext and OTP": [b"userPassword", b"cmusaslsecretOTP"],
    "verifiers": [b"authPassword", b"cmusaslsecretPLAIN"],
    "SCRAM alone": [b"authPassword"],
    "CRAM-MD5 and DIGEST-MD5": [b"cmusaslsecretCRAM-MD5", b"cmusaslsecretDIGEST-MD5"],
    "everything": list(PROPERTIES),
    "everything but plaintext": list(PROPERTIES)[1:],
}
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def libsasl(require: Require, tmp_path: Path) -> Libsasl:
    """Return the real libsasl2, with the test's directory to work in."""
    require("cyrus", "saslpasswd2")
    (tmp_path / "libsasl").mkdir()
    return Libsasl(tmp_path / "libsasl")


def lay_out(directory: Path, kind: str) -> Path:
    """Make a database, `db`, with USER's secrets of a kind, all of the password OLD."""
    make_database(directory / "db", {USER.key(name): PROPERTIES[name] for name in KINDS[kind]})
    return directory / "db"


def entered(libsasl: Libsasl, path: Path, password: bytes) -> set[str]:
    """Return the mechanisms by which libsasl lets USER in with `password`, given what the database at `path` has."""
    results = libsasl.results(stored(path), [(mechanism, password) for mechanism in ATTEMPTS])
    return {mechanism for mechanism, result in zip(ATTEMPTS, results) if result == 0}


@each_kind
@pytest.mark.parametrize("options", [[], ["--plaintext"], ["--no-plaintext"], ["--scram", "SHA-384"]], ids=" ".join)
def test_passwd(sasldb: Sasldb, tmp_path: Path, libsasl: Libsasl, kind: str, options: list[str]) -> None:
    """After passwd no mechanism accepts the old password, and the new one is accepted by those that are listed, and no others."""
    path = lay_out(tmp_path, kind)
    assert sasldb("passwd", "-f", "db", "--password-stdin", *options, LOGIN, stdin=NEW).returncode == 0
    assert entered(libsasl, path, OLD) == set()
    after = entered(libsasl, path, NEW)
    assert after - {"checkpass"} == set(mechanisms_of(stored(path))) and after
    assert ("checkpass" in after) == ("PLAIN" in after)
    if options:
        assert ("CRAM-MD5" in after) == (options == ["--plaintext"]) and "PLAIN" in after


@each_kind
def test_harden(sasldb: Sasldb, tmp_path: Path, libsasl: Libsasl, kind: str) -> None:
    """After harden the password is accepted by what is said to be left, and by nothing that is said to be lost."""
    path = lay_out(tmp_path, kind)
    before = entered(libsasl, path, OLD)
    done = sasldb("harden", "-f", "db", LOGIN)
    after = entered(libsasl, path, OLD)
    if b"userPassword" not in KINDS[kind]:
        assert done.stdout == b"" and after == before
        return
    left, _, lost = done.stdout.decode().strip().partition(": ")[2].partition("; no longer ")
    scram_left, scram_lost = ({f"SCRAM-SHA-{bits}"} for bits in (256, 512))
    assert after - {"checkpass"} == set(left.split()) >= {"PLAIN", "LOGIN", *scram_left}
    assert before - after == {*(word for word in lost.split() if "/" not in word), *_unfolded(lost)} >= scram_lost
    assert entered(libsasl, path, NEW) == set()


def _unfolded(text: str) -> set[str]:
    """Return the mechanisms that stand in one word."""
    (word,) = [word for word in text.split() if "/" in word]
    return {f"SCRAM-SHA-{bits}" for bits in word[len("SCRAM-SHA-") :].split("/")}


@each_kind
def test_delete(sasldb: Sasldb, tmp_path: Path, libsasl: Libsasl, kind: str) -> None:
    """After delete nothing is accepted by anything."""
    path = lay_out(tmp_path, kind)
    assert sasldb("delete", "-f", "db", LOGIN).returncode == 0
    assert entered(libsasl, path, OLD) == set()


REALM = USER.realm.decode()
THERE_AND_BACK = {
    "rename": [("rename", LOGIN, "bob@x"), ("rename", "bob@x", LOGIN)],
    "rename-realm": [("rename-realm", REALM, "x"), ("rename-realm", "x", REALM)],
    "copy-realm": [("rename-realm", REALM, "x"), ("copy-realm", "x", REALM)],
}


@each_kind
@pytest.mark.parametrize("way", THERE_AND_BACK)
def test_renamed(sasldb: Sasldb, tmp_path: Path, libsasl: Libsasl, kind: str, way: str) -> None:
    """Under the new name the password is accepted by all that accepted it before, but for what was made of the old name."""
    path = lay_out(tmp_path, kind)
    before = entered(libsasl, path, OLD)
    for command, *names in THERE_AND_BACK[way]:
        assert sasldb(command, "-f", "db", *names).returncode == 0
    lost = {"DIGEST-MD5"} if b"userPassword" not in KINDS[kind] else set()
    assert entered(libsasl, path, OLD) == before - lost
    assert entered(libsasl, path, NEW) == set()


@pytest.mark.parametrize(
    "options",
    [[], ["--no-plaintext"], *(["--scram", f"SHA-{bits}"] for bits in (1, 224, 256, 384, 512))],
    ids=lambda options: " ".join(options),
)
def test_add(sasldb: Sasldb, tmp_path: Path, libsasl: Libsasl, options: list[str]) -> None:
    """A new user is let in by the mechanisms that list tells, with the password and with no other."""
    assert sasldb("add", "-f", "db", "--password-stdin", *options, LOGIN, stdin=NEW).returncode == 0
    listed = sasldb("list", "-f", "db", "--csv").stdout.decode().splitlines()[1].split(",")[2].split()
    assert entered(libsasl, tmp_path / "db", NEW) == {*listed, "checkpass"}
    assert entered(libsasl, tmp_path / "db", OLD) == set()
