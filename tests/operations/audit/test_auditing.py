"""The audit as a whole: it takes whatever is stored, reads it once, and its fixes cost nobody a login."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sasldb.errors import Corrupt, NotFound
from sasldb.model.record import split_key
from sasldb.operations.audit.auditing import Rules, audit, fix
from sasldb.operations.change import Target
from sasldb.secrets import plain_hash, scram
from sasldb.secrets.mechanisms import mechanisms_of
from sasldb.store.reading import Database
from tests.cli.conftest import make_database
from tests.operations.audit.test_rules import (
    ANYWHERE,
    AUTH,
    CRAM,
    DIGEST,
    FIRES,
    HASHED,
    HERE,
    OTP,
    PASSWORD,
    PLAIN,
    PLAINTEXT,
    A,
    B,
    state,
)
from tests.secrets.conftest import USER, Libsasl, Require
from tests.secrets.test_against_cyrus import INSTALLED

Records = dict[bytes, bytes]
OTHER = b"through the looking-glass"
LONG = b"x" * 8194

VALUES = {
    PLAINTEXT: [PASSWORD, b"", b"\0", PASSWORD + b"\0x", LONG, b"x" * 8193],
    PLAIN: [HASHED, plain_hash.make(OTHER), b"short", LONG, b"x" * 8193],
    AUTH: [scram.make(PASSWORD), scram.make(OTHER, "SHA-1", 100), b"SCRAM-SHA-256$", LONG],
    OTP: [state(499), state(499, OTHER), state(1), state(2), b"broken", LONG],
    CRAM: [b"x" * 32, b"short", LONG],
    DIGEST: [b"x" * 16, b"short", LONG],
    b"cmusaslsecretNEW": [b"x", LONG],
    b"userpassword": [PASSWORD],
    b"homeDirectory": [b"/home", LONG],
}
names = st.sampled_from([b"alice", b"Alice", b"alice ", b"", b"a@b", b"vm", b"51686ed8d2b4", b"\xff", b"a" * 1025])
anything = st.one_of(names, st.binary(max_size=20))
values = st.one_of(st.sampled_from([value for each in VALUES.values() for value in each]), st.binary(max_size=60))
keys = st.one_of(
    st.binary(max_size=20),
    st.tuples(anything, anything, st.one_of(st.sampled_from(list(VALUES)), st.binary(max_size=20))).map(b"\0".join),
)
holdings = st.fixed_dictionaries({}, optional={name: st.sampled_from(each) for name, each in VALUES.items()})


def ways(records: Mapping[bytes, bytes]) -> dict[bytes, tuple[str, ...]]:
    """Return the mechanisms of each user, without users who have none. A value that libsasl cannot read lets nobody in."""
    users: dict[bytes, dict[bytes, bytes]] = {}
    for key, value in records.items():
        if split_key(key) is not None and len(value) < len(LONG):
            user, _, name = key.rpartition(b"\0")
            users.setdefault(user, {})[name] = value
    found = {user: mechanisms_of(properties) for user, properties in users.items()}
    return {user: mechanisms for user, mechanisms in found.items() if mechanisms}


@given(st.lists(st.tuples(keys, values), max_size=12), st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_records(records: list[tuple[bytes, bytes]], deep: bool) -> None:
    """Whatever is stored, under whatever keys, some of them twice, the audit ends, and each finding can be sorted and told."""
    for place in (HERE, ANYWHERE):
        found = audit(iter(records), place, Rules(deep=deep))
        assert [finding.rank for finding in found.findings] == sorted(finding.rank for finding in found.findings)
        assert all(finding.seen and repr(finding) for finding in found.findings)
        assert set(found.removes) <= {key for key, _ in records}


@given(st.dictionaries(keys, values, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_order(records: Records, random: object) -> None:
    """The order of the records in the file does not matter."""
    shuffled = list(records.items())
    getattr(random, "shuffle")(shuffled)
    first, second = (audit(each, HERE, Rules()).findings for each in (records.items(), shuffled))
    assert list(map(repr, first)) == list(map(repr, second))


@given(holdings)
@settings(max_examples=400, deadline=None)
def test_what_goes_costs_no_mechanism(properties: Records) -> None:
    """Without what --fix removes, the user has the same mechanisms; a plaintext never goes, and there is nothing more to fix then."""
    records = {A + name: value for name, value in properties.items()}
    removes = audit(records.items(), HERE, Rules()).removes
    left = {key: value for key, value in records.items() if key not in removes}
    assert ways(left) == ways(records)
    assert A + PLAINTEXT not in removes and A + b"homeDirectory" not in removes
    assert audit(left.items(), HERE, Rules()).removes == []


def test_read_once() -> None:
    """The records are gone through once, so that a file of any size is read once."""
    records = iter([(A + PLAINTEXT, PASSWORD), (B + PLAINTEXT, PASSWORD)])
    assert [finding.rule.name for finding in audit(records, HERE, Rules()).findings] == ["shared-password"]
    assert next(records, None) is None


def test_users_are_counted() -> None:
    """Users are counted once each, records of nobody not at all."""
    records = {A + PLAINTEXT: b"", A + AUTH: b"", B + b"homeDirectory": b"", b"malformed": b""}
    assert audit(records.items(), HERE, Rules()).users == 2


FIXED = {
    A + PLAINTEXT: PASSWORD,
    A + AUTH: scram.make(PASSWORD),
    A + PLAIN: HASHED,
    A + OTP: state(499),
    B + PLAINTEXT: b"builder",
    B + PLAIN: plain_hash.make(OTHER),
    B + OTP: state(1),
    b"malformed": b"x",
}


def records_of(path: Path) -> Records:
    """Return all records of the database."""
    with Database(str(path)) as database:
        return dict(database.records())


def test_fix(tmp_path: Path) -> None:
    """What is of no use is removed in one commit, each with its deed; what needs a decision stays, and is found again."""
    make_database(tmp_path / "db", FIXED)
    found, report = fix(Target(str(tmp_path / "db")), HERE, Rules())
    gone = {A + AUTH, A + PLAIN, B + OTP, b"malformed"}
    assert records_of(tmp_path / "db") == {key: value for key, value in FIXED.items() if key not in gone}
    assert sorted(deed.told() for deed in report.deeds) == [
        "removed authPassword of alice@example.com",
        "removed cmusaslsecretOTP of bob@example.com",
        "removed cmusaslsecretPLAIN of alice@example.com",
        'removed key "malformed"',
    ]
    assert [finding.rule.name for finding in found.findings if not finding.removes] == ["second-password"]
    again, report = fix(Target(str(tmp_path / "db")), HERE, Rules())
    assert [finding.rule.name for finding in again.findings] == ["second-password"] and report.deeds == []


def test_fix_leaves_out(tmp_path: Path) -> None:
    """What belongs to a rule that is left out is not removed either."""
    make_database(tmp_path / "db", FIXED)
    fix(Target(str(tmp_path / "db")), HERE, Rules(["hidden-verifier", "malformed-key"]))
    assert set(FIXED) - set(records_of(tmp_path / "db")) == {A + PLAIN, B + OTP}


def test_nothing_to_fix(tmp_path: Path) -> None:
    """Where nothing can go, the file is not touched; nor is it by a dry run."""
    path = tmp_path / "db"
    for records, dry in (({A + PLAINTEXT: b""}, False), (FIXED, True)):
        make_database(path, records)
        before = (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns)
        fix(Target(str(path), dry_run=dry), HERE, Rules())
        assert (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns) == before
        path.unlink()


def test_no_database(tmp_path: Path) -> None:
    """A file that is missing or damaged is an error, and is left alone."""
    with pytest.raises(NotFound):
        fix(Target(str(tmp_path / "db")), HERE, Rules())
    make_database(tmp_path / "db", FIXED)
    damaged = (tmp_path / "db").read_bytes()[:-4096]
    (tmp_path / "db").write_bytes(damaged)
    with pytest.raises(Corrupt):
        fix(Target(str(tmp_path / "db")), HERE, Rules())
    assert (tmp_path / "db").read_bytes() == damaged


@pytest.fixture
def libsasl(require: Require, tmp_path: Path) -> Libsasl:
    """Return the real libsasl2, with an empty folder to work in."""
    require("cyrus", "saslpasswd2")
    return Libsasl(tmp_path)


def test_libsasl_agrees(libsasl: Libsasl) -> None:
    """Whatever of the examples --fix removes records, libsasl lets the same passwords in by the same mechanisms afterwards."""
    tries = [(mechanism, password) for mechanism in INSTALLED for password in (PASSWORD, OTHER)]
    compared = 0
    for rule in ("hidden-verifier", "redundant-hash", "otp-used-up", "unreadable-value"):
        for records in (*FIRES[rule], {A + PLAINTEXT: PASSWORD, A + b"cmusaslsecretNEW": LONG, A + OTP: LONG}):
            removes = audit(records.items(), ANYWHERE, Rules()).removes
            before, after = (
                {key[len(A) :]: value for key, value in records.items() if key not in without}
                for without in ((), removes)
            )
            if removes:
                was, now = libsasl.results(before, tries), libsasl.results(after, tries)
                assert all(late == 0 for early, late in zip(was, now) if early == 0), rule
                compared += 1
    assert compared


def test_libsasl_accepts_an_empty_password(libsasl: Libsasl) -> None:
    """What is called an empty password lets one in who types none."""
    for properties in ({PLAINTEXT: b""}, {PLAIN: plain_hash.make(b"")}):
        records = {USER.key(name): value for name, value in properties.items()}
        assert audit(records.items(), ANYWHERE, Rules()).findings[0].rule.name == "empty-password"
        assert libsasl.results(properties, [("checkpass", b""), ("PLAIN", b"")]) == [0, 0]
