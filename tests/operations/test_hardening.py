"""Hardening: no plaintext is left, the same password still works, and what stops working is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sasldb
from sasldb.errors import NoSuchUser
from sasldb.model.identity import UserId
from sasldb.operations.change import Target
from sasldb.operations.hardening import Hardened, harden
from sasldb.operations.storing import Storing
from sasldb.secrets import cram_md5, plain_hash, scram
from sasldb.secrets.check import check_password
from sasldb.secrets.mechanisms import mechanisms_of
from tests.operations.databases import ALICE, content, every_secret, make

USERS = {
    "alice@example.org": {"userPassword": b"wonderland", "homeDirectory": b"/a"},
    "bob@example.com": {"userPassword": b"builder"},
    "carol@example.org": {"authPassword": b"verifier"},
}


def silent(done: int, total: int) -> None:
    """Take notice of no progress."""


def test_everybody(tmp_path: Path) -> None:
    """With nobody named all plaintext goes; each password is accepted as before, by PLAIN, LOGIN and SCRAM-SHA-256."""
    path = make(tmp_path / "db", USERS)
    report = harden(Target(path), None, None, Storing(), silent)
    after = content(path)
    assert {login: set(properties) for login, properties in after.items()} == {
        "alice@example.org": {"authPassword", "cmusaslsecretPLAIN", "homeDirectory"},
        "bob@example.com": {"authPassword", "cmusaslsecretPLAIN"},
        "carol@example.org": {"authPassword"},
    }
    assert after["carol@example.org"] == USERS["carol@example.org"]
    with sasldb.open(path) as database:
        assert database.verify("alice@example.org", b"wonderland").accepted_by == ("cmusaslsecretPLAIN", "authPassword")
        assert database.verify("bob@example.com", b"builder") and not database.verify("bob@example.com", b"wonderland")
    detail = ": PLAIN LOGIN SCRAM-SHA-256; no longer CRAM-MD5 DIGEST-MD5 NTLM SCRAM-SHA-1/224/384/512"
    assert sorted((deed.told(), deed.detail) for deed in report.deeds) == [
        ("hardened alice@example.org", detail),
        ("hardened bob@example.com", detail),
    ]
    assert b"wonderland" not in Path(path).read_bytes() and b"builder" not in Path(path).read_bytes()


@pytest.mark.parametrize(
    "users, realm, hardened",
    [
        (["alice@example.org"], None, {"alice@example.org"}),
        (None, "example.com", {"bob@example.com"}),
        (None, "absent", set()),
    ],
)
def test_some(tmp_path: Path, users: Optional[list[str]], realm: Optional[str], hardened: set[str]) -> None:
    """It is done for the users named, or for one realm, and for nobody else."""
    path = make(tmp_path / "db", USERS)
    named = None if users is None else [UserId.parse(user) for user in users]
    report = harden(Target(path), named, realm, Storing(), silent)
    assert {deed.subject for deed in report.deeds} == hardened
    assert {login for login, properties in content(path).items() if "userPassword" not in properties} == (
        hardened | {"carol@example.org"}
    )


def test_nobody(tmp_path: Path) -> None:
    """If one of those named does not exist, nobody is hardened."""
    path = make(tmp_path / "db", USERS)
    with pytest.raises(NoSuchUser, match="dave@x, erna@x: no such user in"):
        harden(Target(path), [ALICE, UserId(b"dave", b"x"), UserId(b"erna", b"x")], None, Storing(), silent)
    assert content(path) == USERS


def test_nothing_to_do(tmp_path: Path) -> None:
    """Where no plaintext is, that is said and the file is left alone; a second time is such a case."""
    path = make(tmp_path / "db", USERS)
    harden(Target(path), None, None, Storing(), silent)
    before = os.stat(path)
    report = harden(Target(path), None, None, Storing(), silent)
    assert (report.deeds, report.sentences) == ([], [f"{path}: no plaintext is stored"])
    assert harden(Target(path), [ALICE], None, Storing(), silent).sentences == [
        "alice@example.org: no plaintext is stored"
    ]
    assert (os.stat(path).st_ino, os.stat(path).st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_dry_run(tmp_path: Path) -> None:
    """A dry run says the same and changes nothing."""
    path = make(tmp_path / "db", USERS)
    before = os.stat(path)
    report = harden(Target(path, dry_run=True), None, None, Storing(), silent)
    assert {deed.told(report.dry_run) for deed in report.deeds} == {
        "would harden alice@example.org",
        "would harden bob@example.com",
    }
    assert content(path) == USERS and os.stat(path).st_mtime_ns == before.st_mtime_ns


def test_the_verifier_asked_for(tmp_path: Path) -> None:
    """Hash and iterations are those asked for."""
    path = make(tmp_path / "db", USERS)
    harden(Target(path), [ALICE], None, Storing(None, "SHA-512", 5000), silent)
    verifier = scram.parse(content(path)["alice@example.org"]["authPassword"])
    assert (verifier.mechanism, verifier.iterations) == ("SCRAM-SHA-512", 5000)


@pytest.mark.parametrize(
    "value, reason", [(b"", "an empty password"), (b"\0x", "an empty password"), (b"x" * 9000, "9000 bytes")]
)
def test_unusable_plaintext(tmp_path: Path, value: bytes, reason: str) -> None:
    """A plaintext that libsasl cannot use is left alone and is a finding; the others are hardened nevertheless."""
    path = make(tmp_path / "db", {**USERS, "erna@x": {"userPassword": value}})
    report = harden(Target(path), None, None, Storing(), silent)
    assert len(report.findings) == 1 and report.findings[0].startswith(f"erna@x: not hardened: {reason}")
    assert content(path)["erna@x"] == {"userPassword": value}
    assert len(report.deeds) == 2


def test_a_second_password(tmp_path: Path) -> None:
    """Where cmusaslsecretPLAIN accepted another password, it no longer does, and that is told."""
    path = make(tmp_path / "db", {"alice@x": {"userPassword": b"one", "cmusaslsecretPLAIN": plain_hash.make(b"two")}})
    report = harden(Target(path), None, None, Storing(), silent)
    assert report.sentences == [
        "alice@x: another password, in cmusaslsecretPLAIN, was accepted as well; it no longer is"
    ]
    with sasldb.open(path) as database:
        assert database.verify("alice@x", b"one") and not database.verify("alice@x", b"two")


def test_secrets_that_lay_hidden(tmp_path: Path) -> None:
    """A secret of an older password, which libsasl did not look at beside the plaintext, does not come to life."""
    old = {"cmusaslsecretCRAM-MD5": cram_md5.make(b"old"), "authPassword": scram.make(b"old", "SHA-1")}
    path = make(tmp_path / "db", {"alice@x": {"userPassword": b"new", **old}})
    harden(Target(path), None, None, Storing(), silent)
    with sasldb.open(path) as database:
        assert database.verify("alice@x", b"new") and not database.verify("alice@x", b"old")


def test_changed_meanwhile(tmp_path: Path) -> None:
    """Who changes while the verifiers are being made is hardened as it is by then; who is gone or hardened by then is left alone."""
    path = make(tmp_path / "db", {**USERS, "dave@x": {"userPassword": b"d"}})

    def meddle(done: int, total: int) -> None:
        if done == 0:
            with sasldb.edit(path) as editor:
                editor.set_password("alice@example.org", b"rabbit hole")
                editor.delete("bob@example.com")
                editor.remove(UserId.parse("dave@x").key(b"userPassword"))
                editor.put(UserId.parse("dave@x").key(b"authPassword"), b"verifier")

    report = harden(Target(path), None, None, Storing(), meddle)
    assert [deed.subject for deed in report.deeds] == ["alice@example.org"]
    with sasldb.open(path) as database:
        assert database.verify("alice@example.org", b"rabbit hole")
        assert not database.verify("alice@example.org", b"wonderland")
    assert content(path)["dave@x"] == {"authPassword": b"verifier"}
    assert "bob@example.com" not in content(path)


def test_progress(tmp_path: Path) -> None:
    """It counts those who have a plaintext."""
    path = make(tmp_path / "db", USERS)
    seen: list[tuple[int, int]] = []
    harden(Target(path), None, None, Storing(), lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2)]


@settings(max_examples=60, deadline=None)
@given(names=st.sets(st.sampled_from(sorted(every_secret(b"")))), current=st.booleans())
def test_what_it_comes_to(names: set[str], current: bool) -> None:
    """Whatever stands beside the plaintext: it goes, mechanisms are told as they are, and of an old password only OTP's state may stay."""
    beside = every_secret(b"pw" if current else b"old")
    before = {name.encode(): beside[name] for name in names} | {b"userPassword": b"pw"}
    plan = Hardened(before, Storing())
    after = {name: value for name, value in {**before, **plan.changes}.items() if value is not None}
    assert b"userPassword" not in after
    assert plan.left == mechanisms_of(after)
    assert set(plan.lost) == set(mechanisms_of(before)) - set(plan.left)
    assert {"authPassword", "cmusaslsecretPLAIN"} <= set(check_password(ALICE, after, b"pw").accepted_by)
    assert set(check_password(ALICE, after, b"old").accepted_by) <= {"cmusaslsecretOTP"}
