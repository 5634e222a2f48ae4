"""Editing and reading through the library, on real files, judged by libdb where it can judge."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from berkeleydb import db as libdb
from hypothesis import given, settings
from hypothesis import strategies as st

import sasldb
from sasldb.errors import (
    BadName,
    BadPassword,
    Conflict,
    EmptyFile,
    FormatUnavailable,
    NoSuchUser,
    NotFound,
    SasldbError,
    UnknownFormat,
)
from sasldb.model.identity import UserId

ALICE = b"alice\0example.com\0userPassword"


def dump(path: Path) -> dict[bytes, bytes]:
    """Return the records of a hash file as libdb reads them."""
    handle = libdb.DB()
    handle.open(str(path), dbtype=libdb.DB_UNKNOWN, flags=libdb.DB_RDONLY)
    try:
        return dict(handle.items())
    finally:
        handle.close()


def seed(path: Path, records: dict[bytes, bytes]) -> Path:
    """Write `records` with libdb alone, as a Cyrus tool would: into the file itself."""
    handle = libdb.DB()
    handle.open(str(path), dbtype=libdb.DB_HASH, flags=libdb.DB_CREATE)
    for key, value in records.items():
        handle.put(key, value)
    handle.close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sasldb2"


def test_a_new_database_holds_what_was_set(path: Path) -> None:
    """A block on a missing file makes it, and nothing else is left in the directory."""
    with sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", b"secret")
        assert not path.exists()
    assert dump(path) == {ALICE: b"secret"}
    assert os.listdir(path.parent) == ["sasldb2"]


def test_a_block_that_raises_changes_nothing(path: Path) -> None:
    """An exception in the block leaves the very same file."""
    seed(path, {ALICE: b"old"})
    before = path.stat()
    with pytest.raises(RuntimeError), sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", b"new")
        raise RuntimeError
    assert path.stat() == before
    assert dump(path) == {ALICE: b"old"}


def test_what_changes_nothing_leaves_the_file_alone(path: Path) -> None:
    """Setting what is there already keeps the inode and its times."""
    seed(path, {ALICE: b"old"})
    path.chmod(0o640)
    before = path.stat()
    with sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", b"old")
        db.remove(b"nobody\0r\0p")
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )


def test_a_changed_password_takes_its_derived_secrets_along(path: Path) -> None:
    """After set_password no secret of the old password is left, and properties of another kind are."""
    names = [b"authPassword", b"cmusaslsecretPLAIN", b"cmusaslsecretOTP", b"cmusaslsecretCRAM-MD5", b"quota", b""]
    user = UserId(b"alice", b"example.com")
    other = UserId(b"alice", b"example.org")
    seed(path, {who.key(name): b"x" for who in (user, other) for name in names})
    with sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", b"new")
    records = dump(path)
    assert {key for key in records if key.startswith(user.prefix)} == {ALICE, user.key(b"quota"), user.key(b"")}
    assert sum(key.startswith(other.prefix) for key in records) == len(names)


def test_a_deleted_user_leaves_no_property(path: Path) -> None:
    """Delete removes known and unknown properties of that user, and keeps all others and malformed keys."""
    keep = {b"alice2\0example.com\0userPassword": b"1", b"alice\0example.org\0quota": b"2", b"alice\0example.com": b"3"}
    keep[b"alice\0example.com\0a\0b"] = b"4"
    seed(path, {ALICE: b"x", b"alice\0example.com\0custom": b"y", b"alice\0example.com\0": b"z", **keep})
    with sasldb.edit(str(path)) as db:
        db.delete("alice@example.com")
    assert dump(path) == keep


def test_deleting_nobody_is_told(path: Path) -> None:
    """A user that is not there is an error, unless the caller says that it may be missing."""
    seed(path, {ALICE: b"x"})
    with pytest.raises(NoSuchUser), sasldb.edit(str(path)) as db:
        db.delete("bob@example.com")
    with sasldb.edit(str(path)) as db:
        db.delete("bob@example.com", missing_ok=True)


def test_the_block_sees_its_own_changes(path: Path) -> None:
    """Reads inside a block show the file with the block's changes, in the file's order and then the new ones."""
    seed(path, {ALICE: b"x", b"bob\0example.com\0userPassword": b"y"})
    with sasldb.edit(str(path)) as db:
        db.delete("bob@example.com")
        db.set_password("carol@example.com", b"z")
        db.put(ALICE, b"w")
        assert {(str(account.id), account.properties["userPassword"]) for account in db} == {
            ("alice@example.com", b"w"),
            ("carol@example.com", b"z"),
        }
        assert db.value(ALICE) == b"w"
        assert db.value(b"bob\0example.com\0userPassword") is None
        db.put(b"bob\0example.com\0quota", b"1")
        assert db.properties("bob@example.com") == {b"quota": b"1"}


@pytest.mark.parametrize("password", [b"", b"a\0b", b"x" * 8193])
def test_passwords_that_libsasl_cannot_use_are_refused(path: Path, password: bytes) -> None:
    """Empty, cut by a NUL or too long: refused, and the message does not hold it."""
    with pytest.raises(BadPassword) as caught, sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", password)
    assert not password or password.decode() not in str(caught.value)
    assert not path.exists()


def test_bad_names_are_refused(path: Path) -> None:
    """An empty user, a NUL in a name and a key that is none are refused."""
    with sasldb.edit(str(path)) as db:
        for login in ("@example.com", "a\0b@example.com"):
            with pytest.raises(BadName):
                db.set_password(login, b"x")
        with pytest.raises(BadName):
            db.put(b"alice\0example.com", b"x")


def test_malformed_keys_are_kept_reported_and_skipped(path: Path) -> None:
    """Keys of fewer or more than three parts survive an edit, are named, and give no account."""
    bad = {b"": b"1", b"a": b"2", b"a\0b": b"3", b"a\0b\0c\0": b"4", b"a\0b\0c\0d": b"5"}
    seed(path, {ALICE: b"x", **bad})
    with sasldb.edit(str(path)) as db:
        db.set_password("bob@example.com", b"y")
    with sasldb.open(str(path)) as db:
        assert sorted(db.malformed_keys()) == sorted(bad)
        assert sorted(account.user for account in db) == ["alice", "bob"]
    assert {key: value for key, value in dump(path).items() if key in bad} == bad


def test_missing_and_empty_files_are_told_apart(path: Path) -> None:
    """Reading nothing, editing without leave to create, and zero bytes each have their own error."""
    with pytest.raises(NotFound):
        sasldb.open(str(path))
    with pytest.raises(NotFound), sasldb.edit(str(path), create=False):
        pass
    with pytest.raises(NotFound), sasldb.edit(str(path / "deeper")):
        pass
    path.touch(mode=0o600)
    with pytest.raises(EmptyFile):
        sasldb.open(str(path))
    with pytest.raises(EmptyFile), sasldb.edit(str(path)):
        pass
    assert path.stat().st_size == 0
    with sasldb.edit(str(path), adopt_empty=True):
        pass
    assert dump(path) == {}
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"hello world\n" * 1000, b"x", b"SQLite format 3\0" + bytes(8000), bytes(8192)])
def test_foreign_files_are_never_overwritten(path: Path, content: bytes) -> None:
    """What is no database is named as such by reading and by editing, and stays as it is."""
    path.write_bytes(content)
    for attempt in (lambda: sasldb.open(str(path)), lambda: sasldb.edit(str(path)).__exit__(None)):
        with pytest.raises((UnknownFormat, FormatUnavailable)):
            attempt()
    assert path.read_bytes() == content


def test_a_write_without_a_lock_is_not_lost(path: Path) -> None:
    """A Cyrus tool that writes during the block keeps its change, and the block's change is made too."""
    seed(path, {ALICE: b"x"})
    with sasldb.edit(str(path)) as db:
        db.set_password("bob@example.com", b"y")
        seed(path, {b"carol\0example.com\0userPassword": b"z", b"bob\0example.com\0authPassword": b"stale"})
    assert dump(path) == {
        ALICE: b"x",
        b"bob\0example.com\0userPassword": b"y",
        b"carol\0example.com\0userPassword": b"z",
    }


def test_a_changed_ground_is_a_conflict(path: Path) -> None:
    """When what the block had read is changed by a tool without a lock, nothing is changed and the error says so."""
    seed(path, {ALICE: b"x"})
    with pytest.raises(Conflict), sasldb.edit(str(path)) as db:
        db.put(ALICE, (db.value(ALICE) or b"") + b"!")
        seed(path, {ALICE: b"other"})
    assert dump(path) == {ALICE: b"other"}


def test_a_maker_who_had_found_nothing_is_told_of_the_other(path: Path) -> None:
    """Who read that a user is absent, while another process made the file with that user in it, gets a conflict."""
    with pytest.raises(Conflict), sasldb.edit(str(path)) as db:
        assert db.value(ALICE) is None
        db.put(ALICE, b"x")
        with sasldb.edit(str(path)) as other:
            other.set_password("alice@example.com", b"y")
    assert dump(path) == {ALICE: b"y"}


def test_an_edit_ends_once(path: Path) -> None:
    """A commit inside the block is the block's end; a change after it, and one after the block, is refused and not lost silently."""
    with sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", b"x")
        db.commit()
        with pytest.raises(ValueError):
            db.set_password("alice@example.com", b"y")
    with pytest.raises(ValueError):
        db.remove(ALICE)
    with pytest.raises(ValueError):
        db.commit()
    with sasldb.open(str(path)) as read:
        pass
    with pytest.raises(ValueError):
        list(read.records())
    assert dump(path) == {ALICE: b"x"}


def test_an_edit_that_was_given_up(path: Path) -> None:
    """After an edit was closed without a commit no change is taken, and nothing was changed."""
    seed(path, {ALICE: b"x"})
    editor = sasldb.edit(str(path))
    editor.put(ALICE, b"y")
    editor.close()
    with pytest.raises(ValueError):
        editor.put(ALICE, b"z")
    assert dump(path) == {ALICE: b"x"}


def test_what_is_wrong_is_named(path: Path) -> None:
    """An error about a user names the user first."""
    with sasldb.edit(str(path)) as db, pytest.raises(BadName, match="^@example.com: an empty user name"):
        db.set_password("@example.com", b"x")


def test_only_bytes_are_stored(path: Path) -> None:
    """Anything else than bytes is a mistake of the caller, and told as one."""
    with sasldb.edit(str(path)) as db:
        with pytest.raises(TypeError):
            db.put(ALICE, 1)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            db.set_password("alice@example.com", "text")  # type: ignore[arg-type]


def test_two_makers_of_one_file_both_succeed(path: Path) -> None:
    """A file that another process made during the block is edited, not replaced."""
    with sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", b"x")
        with sasldb.edit(str(path)) as other:
            other.set_password("bob@example.com", b"y")
    assert dump(path) == {ALICE: b"x", b"bob\0example.com\0userPassword": b"y"}


def test_a_file_that_allows_duplicates_is_changed_like_any_other(path: Path) -> None:
    """Where libdb would add a second value under a key, the old ones go; the flag of the file stays."""
    handle = libdb.DB()
    handle.set_flags(libdb.DB_DUP)
    handle.open(str(path), dbtype=libdb.DB_HASH, flags=libdb.DB_CREATE)
    for value in (b"one", b"two"):
        handle.put(ALICE, value)
    handle.put(b"bob\0example.com\0userPassword", b"x")
    handle.close()
    with sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", b"three")
        db.delete("bob@example.com")
    with sasldb.open(str(path)) as db:
        assert list(db.records()) == [(ALICE, b"three")]


def test_many_users_are_one_change(path: Path) -> None:
    """Ten thousand users go in and come out, and libdb finds the file sound."""
    with sasldb.edit(str(path), realm="example.com") as db:
        for number in range(10000):
            db.set_password(f"user{number}", b"secret%d" % number)
    libdb.DB().verify(str(path))
    with sasldb.open(str(path), realm="example.com") as db:
        assert sum(1 for _ in db) == 10000
        assert db.verify("user77", b"secret77")
        assert not db.verify("user77", b"secret78")
    with sasldb.edit(str(path), realm="example.com") as db:
        for number in range(0, 10000, 2):
            db.delete(f"user{number}", missing_ok=True)
    libdb.DB().verify(str(path))
    assert len(dump(path)) == 5000


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "remove", "set", "delete"]),
            st.binary(min_size=1, max_size=6).filter(lambda name: 0 not in name and b"@" not in name),
            st.binary(max_size=6).filter(lambda name: 0 not in name),
            st.one_of(st.binary(min_size=1, max_size=9), st.sampled_from([b"v" * 3000, b"w" * 9000])),
        ),
        max_size=30,
    )
)
def test_any_changes_equal_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bytes, bytes, bytes]]
) -> None:
    """Any sequence of changes in one or several blocks ends as the same changes to a plain dictionary."""
    path = tmp_path_factory.mktemp("any") / "db"
    model: dict[bytes, bytes] = {}
    for block in (steps[: len(steps) // 2], steps[len(steps) // 2 :]):
        with sasldb.edit(str(path)) as db:
            for kind, user, name, value in block:
                user_id = UserId(user, b"r")
                if kind == "put":
                    db.put(user_id.key(name), value)
                    model[user_id.key(name)] = value
                elif kind == "remove":
                    db.remove(user_id.key(name))
                    model.pop(user_id.key(name), None)
                elif kind == "set" and 0 not in value and len(value) <= 8192:
                    db.set_password(user_id, value)
                    model[user_id.key(b"userPassword")] = value
                elif kind == "delete":
                    db.delete(user_id, missing_ok=True)
                    model = {key: old for key, old in model.items() if not key.startswith(user_id.prefix)}
            assert dict(db.records()) == model
    assert dump(path) == model
    with sasldb.open(str(path)) as read:
        assert dict(read.records()) == model


def test_every_error_is_of_this_package(path: Path) -> None:
    """A caller can catch all that goes wrong with the file by SasldbError, and the message names the path."""
    with pytest.raises(SasldbError, match=str(path)):
        sasldb.open(str(path))
