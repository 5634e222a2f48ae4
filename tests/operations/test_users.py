"""Adding and deleting users and setting passwords: what may not be is refused, and then nothing is changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sasldb.errors import BadName, BadPassword, NoSuchUser, NotFound, SasldbError, UserExists
from sasldb.model.identity import UserId
from sasldb.model.secret import Secret
from sasldb.operations import users
from sasldb.operations.change import Target
from sasldb.operations.storing import Storing
from sasldb.secrets import plain_hash
from tests.operations.databases import ALICE, BARE, content, every_secret, make

SECRET = Secret(b"secret")
USERS = {
    "alice@example.org": {"userPassword": b"old", "cmusaslsecretSRP": b"x", "homeDirectory": b"/home/alice"},
    "bob@example.org": {"authPassword": b"orphaned"},
    "alice@example.com": {"userPassword": b"other"},
}


def stamp(path: str) -> tuple[int, int, int]:
    """Return what a write would change."""
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns, status.st_size


def test_add(tmp_path: Path) -> None:
    """A new user is stored beside the others, and the report says who."""
    path = make(tmp_path / "db", USERS)
    carol = UserId(b"carol", b"example.org")
    report = users.add(Target(path), carol, SECRET, Storing(), BARE)
    assert content(path) == {**USERS, "carol@example.org": {"userPassword": b"secret"}}
    assert [deed.told() for deed in report.deeds] == ["added carol@example.org"]


def test_add_makes_the_database(tmp_path: Path) -> None:
    """A missing database is made, and the report says so."""
    path = str(tmp_path / "db")
    report = users.add(Target(path), ALICE, SECRET, Storing(), BARE)
    assert report.sentences == [f"made {path}"]
    assert content(path) == {"alice@example.org": {"userPassword": b"secret"}}


@pytest.mark.parametrize("login", ["alice@example.org", "bob@example.org"])
def test_add_refuses_whoever_exists(tmp_path: Path, login: str) -> None:
    """A user of whom there is any record is there already, an orphaned verifier included."""
    path = make(tmp_path / "db", USERS)
    before = stamp(path)
    with pytest.raises(UserExists, match=f"{login}: in {path} already; to change the password, run: sasldb passwd"):
        users.add(Target(path), UserId.parse(login), SECRET, Storing(), BARE)
    assert stamp(path) == before


@pytest.mark.parametrize(
    "user, password, error",
    [
        (UserId(b"", b"x"), b"secret", BadName),
        (UserId(b"u", b"x"), b"", BadPassword),
        (UserId(b"u", b"x"), b"a\0b", BadPassword),
        (UserId(b"u", b"x"), b"p" * 8193, BadPassword),
    ],
    ids=["no name", "empty", "NUL", "too long"],
)
def test_add_refuses_what_cannot_log_in(
    tmp_path: Path, user: UserId, password: bytes, error: type[SasldbError]
) -> None:
    """A user without a name, and a password that libsasl could not read back, are refused."""
    with pytest.raises(error):
        users.add(Target(str(tmp_path / "db")), user, Secret(password), Storing(), BARE)
    assert list(tmp_path.iterdir()) == []


def test_set_password(tmp_path: Path) -> None:
    """A new password replaces the old, what was derived from the old goes and is told, and other properties stay."""
    path = make(tmp_path / "db", USERS)
    report = users.set_password(Target(path), ALICE, SECRET, Storing(), BARE)
    assert content(path) == {
        **USERS,
        "alice@example.org": {"userPassword": b"secret", "homeDirectory": b"/home/alice"},
    }
    assert report.sentences == ["alice@example.org: cmusaslsecretSRP, of the old password, is removed"]
    assert [deed.told() for deed in report.deeds] == ["set password of alice@example.org"]


def test_set_password_of_nobody(tmp_path: Path) -> None:
    """Who does not exist gets no password, in another realm neither, and no database is made."""
    path = make(tmp_path / "db", USERS)
    before = stamp(path)
    for login in "carol@example.org", "Alice@example.org", "bob@example.com":
        with pytest.raises(NoSuchUser, match=f"{login}: no such user in {path}"):
            users.set_password(Target(path), UserId.parse(login), SECRET, Storing(), BARE)
    assert stamp(path) == before
    with pytest.raises(NotFound):
        users.set_password(Target(str(tmp_path / "absent")), ALICE, SECRET, Storing(), BARE)
    assert os.listdir(tmp_path) == ["db"]


@pytest.mark.parametrize("password, doubted", [("plain ASCII", False), ("ﬁsh", True), ("e\u0301", True), ("é", False)])
def test_saslprep(tmp_path: Path, password: str, doubted: bool) -> None:
    """A password that some clients would send as other bytes is stored as it is, with a warning that does not show it."""
    path = str(tmp_path / "db")
    sentences = users.add(Target(path), ALICE, Secret(password.encode()), Storing(), BARE).sentences[1:]
    assert [sentence.startswith("alice@example.org: clients that apply SASLprep") for sentence in sentences] == (
        [True] if doubted else []
    )
    assert password not in "".join(sentences)
    assert content(path)["alice@example.org"]["userPassword"] == password.encode()


def test_delete(tmp_path: Path) -> None:
    """Deleted users leave nothing behind, whatever was stored, and others of the same name stay."""
    path = make(tmp_path / "db", {**USERS, "carol@x": every_secret(b"old")})
    report = users.delete(Target(path), [ALICE, UserId(b"carol", b"x")])
    assert content(path) == {login: USERS[login] for login in ("bob@example.org", "alice@example.com")}
    assert [deed.told() for deed in report.deeds] == ["deleted alice@example.org", "deleted carol@x"]


def test_delete_all_or_none(tmp_path: Path) -> None:
    """If some do not exist, all of those are named and nobody is deleted; unless that is fine."""
    path = make(tmp_path / "db", USERS)
    before = stamp(path)
    some = [ALICE, UserId(b"carol", b"x"), UserId(b"dave", b"x")]
    with pytest.raises(NoSuchUser, match="carol@x, dave@x: no such user"):
        users.delete(Target(path), some)
    assert stamp(path) == before
    assert len(users.delete(Target(path), some, missing_ok=True).deeds) == 1
    assert set(content(path)) == set(USERS) - {"alice@example.org"}


def test_delete_nobody(tmp_path: Path) -> None:
    """Where nobody of them exists and that is fine, the file is not touched."""
    path = make(tmp_path / "db", USERS)
    before = stamp(path)
    assert users.delete(Target(path), [UserId(b"carol", b"x")], missing_ok=True).deeds == []
    assert stamp(path) == before


def test_dry_run(tmp_path: Path) -> None:
    """A dry run finds the same errors, says what would be done, and changes nothing."""
    path = make(tmp_path / "db", USERS)
    before = stamp(path)
    target = Target(path, dry_run=True)
    carol = UserId(b"carol", b"x")
    for report, told in (
        (users.add(target, carol, SECRET, Storing(), BARE), "would add carol@x"),
        (users.set_password(target, ALICE, SECRET, Storing(), BARE), "would set password of alice@example.org"),
        (users.delete(target, [ALICE]), "would delete alice@example.org"),
    ):
        assert [deed.told(report.dry_run) for deed in report.deeds] == [told]
    with pytest.raises(UserExists):
        users.add(target, ALICE, SECRET, Storing(), BARE)
    assert stamp(path) == before
    users.add(Target(str(tmp_path / "new"), dry_run=True), carol, SECRET, Storing(), BARE)
    assert os.listdir(tmp_path) == ["db"]


def test_expect(tmp_path: Path) -> None:
    """Before anybody types a password, it is known whether it would be for nothing."""
    path = make(tmp_path / "db", USERS)
    carol = UserId(b"carol", b"x")
    users.expect(path, ALICE, there=True)
    users.expect(path, carol, there=False)
    users.expect(str(tmp_path / "absent"), carol, there=False)
    with pytest.raises(UserExists):
        users.expect(path, ALICE, there=False)
    with pytest.raises(NoSuchUser):
        users.expect(path, carol, there=True)
    with pytest.raises(NotFound):
        users.expect(str(tmp_path / "absent"), carol, there=True)


def test_no_secret_in_a_report(tmp_path: Path) -> None:
    """Neither a report nor an error shows a password."""
    path = make(tmp_path / "db", {"alice@example.org": {"cmusaslsecretPLAIN": plain_hash.make(b"hunter1")}})
    report = users.set_password(Target(path), ALICE, Secret(b"hunter2"), Storing(), BARE)
    shown = repr([report.sentences, [(deed.told(), deed.detail) for deed in report.deeds], Secret(b"hunter2")])
    with pytest.raises(UserExists) as caught:
        users.add(Target(path), ALICE, Secret(b"hunter2"), Storing(), BARE)
    assert "hunter" not in shown + repr(caught.value)
