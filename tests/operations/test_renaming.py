"""Renaming users and moving realms: everything goes along, nothing is overwritten, nothing is half done."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sasldb.errors import BadName, NoSuchUser, UserExists
from sasldb.model.identity import UserId
from sasldb.operations.change import Report, Target
from sasldb.operations.renaming import copy_realm, rename, rename_realm
from sasldb.secrets import digest_md5
from sasldb.secrets.check import check_password
from tests.operations.databases import ALICE, content, every_secret, make

ALICIA = UserId(b"alicia", b"example.org")
BOTH_REALMS = {
    "alice@old": {"userPassword": b"a", "homeDirectory": b"/a"},
    "bob@old": {"authPassword": b"b"},
    "alice@older": {"userPassword": b"c"},
    "carol@new": {"userPassword": b"d"},
}
Move = Callable[[Target, bytes, bytes], Report]


def test_rename(tmp_path: Path) -> None:
    """Every property is there under the new name, byte for byte, none under the old one, and others stay."""
    everything = {name: value for name, value in every_secret(b"pw").items() if name != "cmusaslsecretSRP"}
    path = make(tmp_path / "db", {"alice@example.org": everything, "alice@x": {"userPassword": b"x"}})
    report = rename(Target(path), ALICE, ALICIA)
    digest = digest_md5.make(b"alicia", b"example.org", b"pw")
    assert content(path) == {
        "alicia@example.org": {**everything, "cmusaslsecretDIGEST-MD5": digest},
        "alice@x": {"userPassword": b"x"},
    }
    assert [deed.told() for deed in report.deeds] == ["renamed alice@example.org to alicia@example.org"]
    assert report.sentences == []


def test_rename_into_another_realm(tmp_path: Path) -> None:
    """The realm may change too; an SRP verifier, which does not depend on it, goes along then."""
    path = make(tmp_path / "db", {"alice@example.org": every_secret(b"pw")})
    rename(Target(path), ALICE, UserId(b"alice", b"x"))
    assert set(content(path)["alice@x"]) == set(every_secret(b"pw"))


def test_secrets_made_of_the_name(tmp_path: Path) -> None:
    """What was computed from the old name and cannot be computed again stays behind, and that is told."""
    secrets = {name: every_secret(b"pw")[name] for name in ("cmusaslsecretDIGEST-MD5", "cmusaslsecretSRP")}
    path = make(tmp_path / "db", {"alice@example.org": {**secrets, "homeDirectory": b"/a"}})
    report = rename(Target(path), ALICE, ALICIA)
    assert content(path) == {"alicia@example.org": {"homeDirectory": b"/a"}}
    left = "alicia@example.org: {} was made for alice@example.org, and is left behind"
    assert sorted(report.sentences[:2]) + report.sentences[2:] == [
        *sorted(left.format(name) for name in secrets),
        "alicia@example.org: cannot log in any more; to give it a password, run: sasldb passwd alicia@example.org",
    ]


def test_a_password_that_libsasl_cannot_read(tmp_path: Path) -> None:
    """Beside a plaintext that is too long for libsasl a DIGEST-MD5 secret cannot be made anew; it is left behind, and the rest goes along."""
    digest = digest_md5.make(b"alice", b"example.org", b"pw")
    users = {"alice@example.org": {"userPassword": b"x" * 8193, "cmusaslsecretDIGEST-MD5": digest}}
    report = rename(Target(make(tmp_path / "db", users)), ALICE, ALICIA)
    assert content(str(tmp_path / "db")) == {"alicia@example.org": {"userPassword": b"x" * 8193}}
    assert report.sentences[0].startswith("alicia@example.org: cmusaslsecretDIGEST-MD5 was made for alice@example.org")


@pytest.mark.parametrize(
    "old, new, error, words",
    [
        ("alice@old", "carol@new", UserExists, "carol@new: in .*db already, and nothing was changed"),
        ("alice@old", "bob@old", UserExists, "bob@old: in .*db already"),
        ("alice@old", "alice@old", BadName, "the new name is the old one"),
        ("alice@old", "@old", BadName, "an empty user name"),
        ("nobody@old", "somebody@old", NoSuchUser, "nobody@old: no such user"),
    ],
)
def test_rename_refused(tmp_path: Path, old: str, new: str, error: type[Exception], words: str) -> None:
    """A name that is taken, even by an orphaned verifier, that is the same or that is none, is refused; nothing is changed."""
    path = make(tmp_path / "db", BOTH_REALMS)
    with pytest.raises(error, match=words):
        rename(Target(path), UserId.parse(old), UserId.parse(new))
    assert content(path) == BOTH_REALMS


def test_rename_realm(tmp_path: Path) -> None:
    """Everybody of the old realm is in the new one, and nobody in the old."""
    path = make(tmp_path / "db", BOTH_REALMS)
    report = rename_realm(Target(path), b"old", b"new")
    assert content(path) == {
        login.replace("@old", "@new") if login.endswith("@old") else login: properties
        for login, properties in BOTH_REALMS.items()
    }
    assert [deed.told() for deed in report.deeds] == ["renamed 2 users of realm old to realm new"]


def test_copy_realm(tmp_path: Path) -> None:
    """Everybody of the old realm is in both."""
    path = make(tmp_path / "db", BOTH_REALMS)
    report = copy_realm(Target(path), b"old", b"new")
    copies = {login.replace("@old", "@new"): BOTH_REALMS[login] for login in ("alice@old", "bob@old")}
    assert content(path) == {**BOTH_REALMS, **copies}
    assert [deed.told() for deed in report.deeds] == ["copied 2 users of realm old to realm new"]


@pytest.mark.parametrize("move", [rename_realm, copy_realm])
def test_collisions(tmp_path: Path, move: Move) -> None:
    """All names that are taken are told at once, and nothing is changed."""
    users = {**BOTH_REALMS, "alice@new": {"userPassword": b"x"}, "bob@new": {"homeDirectory": b"/x"}}
    path = make(tmp_path / "db", users)
    before = os.stat(path)
    with pytest.raises(UserExists) as caught:
        move(Target(path), b"old", b"new")
    assert set(caught.value.subject.split(", ")) == {"alice@new", "bob@new"}
    assert content(path) == users
    assert (os.stat(path).st_ino, os.stat(path).st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("move", [rename_realm, copy_realm])
@pytest.mark.parametrize(
    "old, new, error, words",
    [
        (b"absent", b"new", NoSuchUser, "realm absent: has no user in"),
        (b"OLD", b"new", NoSuchUser, "realm OLD: has no user in"),
        (b"old", b"old", BadName, "the new name is the old one"),
        (b"old", b"", BadName, "an empty name"),
        (b"old", b"a\0b", BadName, "a NUL"),
    ],
)
def test_realms_refused(tmp_path: Path, move: Move, old: bytes, new: bytes, error: type[Exception], words: str) -> None:
    """A realm without users, the same realm, and none are refused; nothing is changed."""
    path = make(tmp_path / "db", BOTH_REALMS)
    with pytest.raises(error, match=words):
        move(Target(path), old, new)
    assert content(path) == BOTH_REALMS


def test_an_empty_realm_can_be_left(tmp_path: Path) -> None:
    """Users in the empty realm, where no login leads, can be moved out of it."""
    path = make(tmp_path / "db", {"alice@": {"userPassword": b"x"}})
    rename_realm(Target(path), b"", b"new")
    assert content(path) == {"alice@new": {"userPassword": b"x"}}


@pytest.mark.parametrize("change", ["rename", "rename_realm", "copy_realm"])
def test_dry_run(tmp_path: Path, change: str) -> None:
    """A dry run says what would be done and changes nothing."""
    path = make(tmp_path / "db", BOTH_REALMS)
    target = Target(path, dry_run=True)
    if change == "rename":
        report = rename(target, UserId(b"alice", b"old"), UserId(b"alice", b"new"))
    else:
        report = {"rename_realm": rename_realm, "copy_realm": copy_realm}[change](target, b"old", b"new")
    assert report.deeds[0].told(report.dry_run).startswith(f"would {change[:4]}".replace("rena", "rename"))
    assert content(path) == BOTH_REALMS


@settings(max_examples=60, deadline=None)
@given(
    names=st.sets(st.sampled_from(sorted(every_secret(b"")))),
    new=st.sampled_from([ALICIA, UserId(b"alice", b"x"), UserId(b"alicia", b"x")]),
    whole_realm=st.booleans(),
)
def test_the_password_goes_along(
    tmp_path_factory: pytest.TempPathFactory, names: set[str], new: UserId, whole_realm: bool
) -> None:
    """Whatever was stored: under the new name the password is accepted by each secret that is there, and no other password is."""
    secrets = {name: value for name, value in every_secret(b"pw").items() if name in names} or {"other": b"x"}
    path = make(tmp_path_factory.mktemp("renaming") / "db", {"alice@example.org": secrets})
    if whole_realm:
        new = UserId(b"alice", b"example.com")
        rename_realm(Target(path), b"example.org", b"example.com")
    else:
        rename(Target(path), ALICE, new)
    after = content(path).get(str(new), {})
    stored = {name.encode(): value for name, value in after.items()}
    verdict = check_password(new, stored, b"pw")
    checkable = {name for name in after if name not in verdict.unusable and name != "other"}
    assert set(verdict.accepted_by) == checkable
    assert not check_password(new, stored, b"wrong")
    assert secrets.keys() - after.keys() <= {"cmusaslsecretDIGEST-MD5", "cmusaslsecretSRP"}
