"""Desired states: what each user lacks is found by checking passwords, done in one commit, and not to be done again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sasldb.errors import Corrupt, EmptyFile, NoSuchUser, NotFound, SasldbError
from sasldb.formats import berkeley
from sasldb.model.identity import UserId
from sasldb.model.secret import Secret
from sasldb.operations.change import Target
from sasldb.operations.comparing import SAME, compare
from sasldb.operations.state.applying import Applied, apply
from sasldb.operations.state.desired import AS_BEFORE, Desired, Wish
from sasldb.operations.storing import Storing
from sasldb.policy import chroot
from sasldb.policy.ownership import OwnershipOptions
from sasldb.secrets import plain_hash, scram
from sasldb.secrets.check import check_property
from sasldb.secrets.properties import is_secret
from sasldb.store.reading import Database
from tests.operations.databases import ALICE, BARE, WITH_OTP, content, every_secret, make

PLAIN, HASHED = Storing(True), Storing(False)
OLD, NEW = b"wonderland", b"looking-glass"


def wish(login: str, password: bytes | None = None, storing: Storing = AS_BEFORE, always: bool = True) -> Wish:
    """Return the wish that a user be there."""
    return Wish(UserId.parse(login), None if password is None else Secret(password), storing=storing, always=always)


def gone(login: str) -> Wish:
    """Return the wish that a user be absent."""
    return Wish(UserId.parse(login), present=False)


def applied(path: str, *wishes: Wish, prune: tuple[bytes, ...] = (), dry_run: bool = False) -> Applied:
    """Apply a state of these wishes."""
    return apply(Target(path, OwnershipOptions(), dry_run), Desired(wishes, prune), BARE)


def told(done: Applied) -> list[tuple[str, str, str]]:
    """Return (user, action, reason) of all changes."""
    return [(str(change.user), change.action, change.reason) for change in done.changes]


def stamp(path: str) -> tuple[int, int, int]:
    """Return what a write to the file, or to its owner and mode, would change."""
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns


ALICE_OLD = {"alice@example.org": {"userPassword": OLD}}
ORG = "alice@example.org"

JUDGEMENTS = {
    "new": ({}, wish(ORG, NEW), [(ORG, "create", "new")], {"userPassword"}),
    "new, hashed": ({}, wish(ORG, NEW, HASHED), [(ORG, "create", "new")], {"authPassword", "cmusaslsecretPLAIN"}),
    "as desired": (ALICE_OLD, wish(ORG, OLD), [], {"userPassword"}),
    "other password": (ALICE_OLD, wish(ORG, NEW), [(ORG, "update", "password")], {"userPassword"}),
    "to be hashed": (ALICE_OLD, wish(ORG, OLD, HASHED), [(ORG, "update", "storage")], {"authPassword", "cmusaslsecretPLAIN"}),
    "absent": (ALICE_OLD, gone(ORG), [(ORG, "delete", "absent")], set()),
    "absent already": ({}, gone(ORG), [], set()),
    "kept": (ALICE_OLD, wish(ORG), [], {"userPassword"}),
    "kept, to be hashed": (ALICE_OLD, wish(ORG, None, HASHED), [(ORG, "update", "storage")], {"authPassword", "cmusaslsecretPLAIN"}),
    "on create only": (ALICE_OLD, wish(ORG, NEW, always=False), [], {"userPassword"}),
    "on create, new": ({}, wish(ORG, NEW, always=False), [(ORG, "create", "new")], {"userPassword"}),
    "stale verifier": (
        {ORG: {"userPassword": NEW, "cmusaslsecretPLAIN": plain_hash.make(OLD)}},
        wish(ORG, NEW, PLAIN), [(ORG, "update", "password")], {"userPassword"},
    ),
    "verifier as desired": (
        {ORG: {"authPassword": scram.make(OLD, "SHA-1"), "cmusaslsecretPLAIN": plain_hash.make(OLD)}},
        wish(ORG, OLD, HASHED), [], {"authPassword", "cmusaslsecretPLAIN"},
    ),
    "verifier of another hash": (
        {ORG: {"authPassword": scram.make(OLD, "SHA-1"), "cmusaslsecretPLAIN": plain_hash.make(OLD)}},
        wish(ORG, OLD, Storing(False, "SHA-256")), [(ORG, "update", "storage")], {"authPassword", "cmusaslsecretPLAIN"},
    ),
    "verifier of other iterations": (
        {ORG: {"authPassword": scram.make(OLD), "cmusaslsecretPLAIN": plain_hash.make(OLD)}},
        wish(ORG, OLD, Storing(False, None, 5000)), [(ORG, "update", "storage")], {"authPassword", "cmusaslsecretPLAIN"},
    ),
    "one verifier of two": (
        {ORG: {"authPassword": scram.make(OLD)}},
        wish(ORG, OLD, HASHED), [(ORG, "update", "storage")], {"authPassword", "cmusaslsecretPLAIN"},
    ),
    "verifier of another password": (
        {ORG: {"authPassword": scram.make(OLD)}}, wish(ORG, NEW), [(ORG, "update", "password")], {"authPassword"},
    ),
    "plaintext wanted": (
        {ORG: {"authPassword": scram.make(OLD)}}, wish(ORG, OLD, PLAIN), [(ORG, "update", "storage")], {"userPassword"},
    ),
    "unreadable verifier": (
        {ORG: {"authPassword": b"junk"}}, wish(ORG, OLD), [(ORG, "update", "secret")], {"authPassword", "cmusaslsecretPLAIN"},
    ),
    "unknown secret": (
        {ORG: {"userPassword": OLD, "cmusaslsecretNEW": b"x"}}, wish(ORG, OLD), [(ORG, "update", "secret")], {"userPassword"},
    ),
    "no secret yet": ({ORG: {"homeDirectory": b"/"}}, wish(ORG, OLD), [(ORG, "create", "new")], {"homeDirectory", "userPassword"}),
    "all secrets": ({ORG: every_secret(OLD)}, gone(ORG), [(ORG, "delete", "absent")], set()),
}  # fmt: skip


@pytest.mark.parametrize("users, desired, changes, properties", JUDGEMENTS.values(), ids=JUDGEMENTS)
def test_judgement(
    tmp_path: Path,
    users: dict[str, dict[str, bytes]],
    desired: Wish,
    changes: list[tuple[str, str, str]],
    properties: set[str],
) -> None:
    """Each user gets what it lacks and nothing else; a dry run tells the same and changes nothing; a second run has nothing to do."""
    path = make(tmp_path / "db", users | {"bob@example.com": {"userPassword": b"builder", "x": b"y"}})
    before = stamp(path)
    assert told(applied(path, desired, dry_run=True)) == changes
    assert stamp(path) == before
    done = applied(path, desired)
    assert told(done) == changes and done.changed == bool(changes)
    assert (stamp(path) == before) == (not changes)
    after = content(path)
    assert set(after.get(ORG, {})) == properties
    assert after["bob@example.com"] == {"userPassword": b"builder", "x": b"y"}
    before = stamp(path)
    assert not applied(path, desired).changed
    assert stamp(path) == before


def test_names_of_properties(tmp_path: Path) -> None:
    """A change tells which properties get a value and which go, and its repr and JSON show no value."""
    path = make(tmp_path / "db", {ORG: {"userPassword": OLD, "homeDirectory": b"/"}})
    (change,) = applied(path, wish(ORG, NEW, HASHED)).changes
    assert (change.written, change.removed) == (["authPassword", "cmusaslsecretPLAIN"], ["userPassword"])
    assert "looking" not in f"{change!r} {change.as_dict()}" and "wonder" not in f"{change!r} {change.as_dict()}"


def test_prune(tmp_path: Path) -> None:
    """Pruning deletes the users of the named realms who are not in the state, all of them, and nobody else."""
    users = {login: {"userPassword": b"x", "p": b"q"} for login in ("a@x", "b@x", "c@y", "d@z")}
    path = make(tmp_path / "db", users)
    done = applied(path, wish("a@x"), prune=(b"x", b"y"))
    assert sorted(told(done)) == [("b@x", "delete", "not listed"), ("c@y", "delete", "not listed")]
    assert set(content(path)) == {"a@x", "d@z"}
    assert (done.unchanged, applied(path, wish("a@x"), prune=(b"x", b"y")).changed) == (1, False)


def test_malformed_keys_survive(tmp_path: Path) -> None:
    """Records that are nobody's stay, pruning or not."""
    path = tmp_path / "db"
    path.touch()
    odd = {b"a\0x": b"1", b"a\0x\0p\0q": b"2", b"x": b"3"}
    berkeley.apply(str(path), {**odd, b"b\0x\0userPassword": b"y"}, 0, str(path))
    applied(str(path), wish("a@x", NEW), prune=(b"x",))
    with Database(str(path)) as database:
        assert dict(database.records()) == odd | {b"a\0x\0userPassword": NEW}


def test_missing_database(tmp_path: Path) -> None:
    """A database is made where there is a user to put into it, which a dry run only tells; and not for users to be absent."""
    path = str(tmp_path / "db")
    assert not applied(path, gone(ORG)).changed
    assert f"would make {path}" in applied(path, wish(ORG, NEW), dry_run=True).sentences
    assert not os.path.exists(path)
    assert f"made {path}" in applied(path, wish(ORG, NEW)).sentences
    assert content(path) == {ORG: {"userPassword": NEW}}
    assert os.stat(path).st_mode & 0o777 == 0o640


def test_one_failure_is_everybodys(tmp_path: Path) -> None:
    """Where one wish cannot be met, nothing is changed for anybody."""
    path = make(tmp_path / "db", ALICE_OLD)
    before = stamp(path)
    with pytest.raises(NoSuchUser, match="nobody@x: not there"):
        applied(path, wish(ORG, NEW), wish("nobody@x"))
    with pytest.raises(SasldbError, match="x@y: not hardened: an empty password"):
        applied(make(tmp_path / "other", {"x@y": {"userPassword": b""}}), wish(ORG, NEW), wish("x@y", None, HASHED))
    assert stamp(path) == before


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_is_no_database(tmp_path: Path, dry_run: bool) -> None:
    """An empty file, a damaged one, a link that leads nowhere and a missing directory are errors, in a dry run too."""
    empty, damaged, link = tmp_path / "empty", tmp_path / "damaged", tmp_path / "link"
    empty.touch()
    make(damaged, ALICE_OLD)
    damaged.write_bytes(damaged.read_bytes()[:-4096])
    link.symlink_to("nope")
    for path, error in (empty, EmptyFile), (damaged, Corrupt), (link, NotFound), (tmp_path / "no/db", NotFound):
        with pytest.raises(error):
            applied(str(path), wish(ORG, NEW), dry_run=dry_run)


def test_ownership_counts(tmp_path: Path) -> None:
    """A database that others may read is a change to be made, told in a dry run, made without touching the records, and only once."""
    path = make(tmp_path / "db", ALICE_OLD)
    os.chmod(path, 0o644)
    before = os.stat(path)
    dry = applied(path, wish(ORG, OLD), dry_run=True)
    assert dry.changed and not dry.changes and any("0644, would be" in sentence for sentence in dry.sentences)
    assert os.stat(path).st_mode & 0o777 == 0o644
    assert applied(path, wish(ORG, OLD)).changed
    after = os.stat(path)
    assert (after.st_mode & 0o777, after.st_ino, after.st_mtime_ns) == (0o640, before.st_ino, before.st_mtime_ns)
    assert not applied(path, wish(ORG, OLD)).changed


def test_changed_under_our_eyes(tmp_path: Path) -> None:
    """What another program writes between the comparison and the lock is compared again."""
    path = make(tmp_path / "db", {**ALICE_OLD, "bob@x": {"userPassword": OLD}, "carol@x": {"userPassword": OLD}})
    state = Desired([wish(ORG, NEW), wish("bob@x", OLD), gone("dave@x"), wish("carol@x", OLD)], [b"x"])
    records = {b"bob\0x\0userPassword": b"other", b"dave\0x\0userPassword": b"d", b"erin\0x\0userPassword": b"e"}

    def interfere(done: int, total: int) -> None:
        if done == total:
            berkeley.apply(path, records, os.stat(path).st_size, path)

    done = apply(Target(path, OwnershipOptions()), state, BARE, interfere)
    assert sorted(told(done)) == [
        (ORG, "update", "password"),
        ("bob@x", "update", "password"),
        ("dave@x", "delete", "absent"),
        ("erin@x", "delete", "not listed"),
    ]
    assert content(path) == {
        ORG: {"userPassword": NEW},
        "bob@x": {"userPassword": OLD},
        "carol@x": {"userPassword": OLD},
    }


def test_plug_ins_count(tmp_path: Path) -> None:
    """A new plaintext brings the secrets that libsasl's plug-ins here add to one, and these are as desired the second time."""
    path = str(tmp_path / "db")
    state = Desired([wish(ORG, NEW)])
    assert apply(Target(path, OwnershipOptions()), state, WITH_OTP).changed
    assert set(content(path)[ORG]) == {"userPassword", "cmusaslsecretOTP"}
    assert not apply(Target(path, OwnershipOptions()), state, WITH_OTP).changed
    assert apply(Target(path, OwnershipOptions()), Desired([wish(ORG, OLD)]), WITH_OTP).changes[0].written == [
        "cmusaslsecretOTP",
        "userPassword",
    ]


def test_saslprep_is_told(tmp_path: Path) -> None:
    """Of a password that some clients would change, it is said when it is stored, and not again."""
    path = str(tmp_path / "db")
    odd = wish(ORG, "x\u00a0y".encode())
    assert any("SASLprep" in sentence for sentence in applied(path, odd).sentences)
    assert not any("SASLprep" in sentence for sentence in applied(path, odd).sentences)


def test_progress_is_told(tmp_path: Path) -> None:
    """Progress is called for each user, with how many there are, verifiers or not."""
    for storing in PLAIN, HASHED:
        seen: list[tuple[int, int]] = []
        state = Desired([wish("a@x", OLD, storing), wish("b@x", OLD, storing), gone("c@x")])
        apply(
            Target(str(tmp_path / "db"), OwnershipOptions()),
            state,
            BARE,
            lambda done, total: seen.append((done, total)),
        )
        assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_copy_that_could_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the copy in the chroot cannot be written, the change stands, and the copy is a finding that says so."""
    path = make(tmp_path / "db", ALICE_OLD)
    copy = Path(f"{tmp_path}/chroot{path}")
    copy.mkdir(parents=True)
    (tmp_path / "main.cf").write_text(f"queue_directory = {tmp_path}/chroot\n")
    monkeypatch.setattr(chroot, "DEFAULT_DATABASES", (path, f"{tmp_path}/second"))
    monkeypatch.setattr(chroot, "MAIN_CF", f"{tmp_path}/main.cf")
    done = applied(path, wish(ORG, NEW))
    assert told(done) == [(ORG, "update", "password")] and content(path)[ORG] == {"userPassword": NEW}
    (finding,) = done.findings
    assert finding.startswith(f"{copy}: {path} was changed, this copy of it was not: ")


LOGINS = ("a@x", "b@x", "A@x", "a@y", "b@")
STORED = (
    every_secret(b"p"),
    every_secret(b"q", UserId(b"a", b"x")),
    {"userPassword": b"p\0x", "authPassword": b"?", "h": b"1"},
)
HELD = st.dictionaries(
    st.sampled_from(LOGINS),
    st.sampled_from(STORED).flatmap(lambda all_of: st.sets(st.sampled_from(sorted(all_of)), min_size=1).map(lambda names: {name: all_of[name] for name in names})),
)  # fmt: skip
PASSWORDS = st.sampled_from([b"p", b"q", b"r", "\u00a0".encode()])
STORINGS = st.sampled_from([AS_BEFORE, PLAIN, HASHED, Storing(False, "SHA-1", 4097)])
WISHES = st.one_of(
    st.builds(wish, st.sampled_from(LOGINS), PASSWORDS, STORINGS, st.booleans()),
    st.builds(gone, st.sampled_from(LOGINS)),
)
STATES = st.lists(WISHES, max_size=4, unique_by=lambda each: each.user)


@settings(max_examples=60, deadline=None)
@given(held=HELD, wishes=STATES, prune=st.booleans())
def test_any_state(held: dict[str, dict[str, bytes]], wishes: list[Wish], prune: bool) -> None:
    """Whatever is stored and desired: it comes about, a second run changes nothing, and nobody else is touched.

    Against a database of the desired plaintexts alone, made by other means, every password is found to be the same.
    """
    realms = [b"x"] if prune and any(each.present for each in wishes) else []
    with tempfile.TemporaryDirectory() as directory:
        path = make(Path(directory, "db"), held)
        before = content(path)
        target = Target(path, OwnershipOptions())
        dry = apply(Target(path, OwnershipOptions(), True), Desired(wishes, realms), BARE)
        done = apply(target, Desired(wishes, realms), BARE)
        assert told(dry) == told(done)
        settled = stamp(path)
        assert not apply(target, Desired(wishes, realms), BARE).changed
        assert stamp(path) == settled
        after = content(path)
        named = {str(each.user): each for each in wishes}
        for login in before.keys() | after.keys() - named.keys():
            if login not in named:
                assert after.get(login) == (None if login.endswith("@x") and realms else before[login])
        renewed = {}
        for login, each in named.items():
            had_secret = any(is_secret(name.encode()) for name in before.get(login, {}))
            if not each.present:
                assert login not in after
            elif each.password is not None and (each.always or not had_secret):
                password = renewed[login] = each.password.reveal()
                secrets = {name.encode(): value for name, value in after[login].items() if is_secret(name.encode())}
                assert secrets and all(check_property(*item, each.user, password) for item in secrets.items())
                assert each.storing.plaintext in (None, b"userPassword" in secrets)
        expected = make(Path(directory, "expected"), {login: {"userPassword": renewed[login]} for login in renewed})
        with Database(path) as first, Database(expected) as second:
            differences = {str(each.user): each for each in compare(first, second).differences}
        assert all(differences[login].passwords == SAME for login in renewed if login in differences)


def test_alice_is_alice() -> None:
    """The user of the shared secrets is the one that these tests name."""
    assert str(ALICE) == ORG
