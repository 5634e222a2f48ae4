"""Each rule of the audit finds what it is for, and says nothing of what only looks like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

import pytest

from sasldb.operations.audit.auditing import Rules, audit
from sasldb.operations.audit.naming import Place
from sasldb.operations.audit.rules import RULES, SEVERITIES, TABLE
from sasldb.operations.logins.resolving import BareRealm
from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, scram

Records = Mapping[bytes, bytes]

HERE = Place(BareRealm(b"example.com", "local domain", appended=True), [b"vm.example.net"])
ANYWHERE = Place()
A, B, C = b"alice\0example.com\0", b"bob\0example.com\0", b"alice\0example.org\0"
PLAINTEXT, PLAIN, AUTH, OTP = b"userPassword", b"cmusaslsecretPLAIN", b"authPassword", b"cmusaslsecretOTP"
CRAM, DIGEST = b"cmusaslsecretCRAM-MD5", b"cmusaslsecretDIGEST-MD5"
PASSWORD = b"wonderland"
HASHED = plain_hash.make(PASSWORD)
SEED = b"vm1234"


def state(sequence: int, password: bytes = PASSWORD, algorithm: bytes = b"md5", seed: bytes = SEED) -> bytes:
    """Return a state of one-time passwords."""
    last = otp.one_time_password(algorithm.decode(), sequence, seed, password).hex().encode()
    return b"%b\t%04d\t%b\t%b\t%020d" % (algorithm, sequence, seed, last, 0)


def user(name: bytes, realm: bytes = b"example.com", password: bytes = PASSWORD) -> Records:
    """Return the records of a user with a plaintext."""
    return {b"%b\0%b\0userPassword" % (name, realm): password}


FIRES: dict[str, list[Records]] = {
    "empty-password": [{A + PLAINTEXT: b""}, {A + PLAINTEXT: b"\0rest"}, {A + PLAIN: plain_hash.make(b"")}],
    "second-password": [
        {A + PLAINTEXT: PASSWORD, A + PLAIN: plain_hash.make(b"other")},
        {A + PLAINTEXT: PASSWORD, A + PLAIN: plain_hash.make(b"")},
    ],
    "otp-second-password": [
        {A + PLAINTEXT: PASSWORD, A + OTP: state(499, b"other")},
        {A + PLAINTEXT: PASSWORD, A + OTP: state(499, b"other", b"sha1")},
    ],
    "otp-md4": [{A + PLAINTEXT: PASSWORD, A + OTP: state(499, algorithm=b"md4")}],
    "unreadable-value": [{A + PLAINTEXT: b"x" * 8193}, {A + AUTH: b"x" * 8193}, {A + b"homeDirectory": b"x" * 9000}],
    "shared-password": [
        {A + PLAINTEXT: PASSWORD, B + PLAINTEXT: PASSWORD},
        {A + PLAIN: HASHED, B + PLAIN: HASHED},
        {A + PLAINTEXT: PASSWORD, B + PLAINTEXT: PASSWORD + b"\0more"},
    ],
    "nul-in-password": [{A + PLAINTEXT: b"wonder\0land"}],
    "orphaned-secret": [{A + AUTH: scram.make(PASSWORD)}, {A + OTP: state(499)}, {A + b"cmusaslsecretNEW": b"x"}],
    "broken-secret": [
        {A + AUTH: b"SCRAM-SHA-256"},
        {A + PLAINTEXT: PASSWORD, A + PLAIN: b"short"},
        {A + PLAIN: HASHED, A + CRAM: b"short"},
        {A + PLAIN: HASHED, A + DIGEST: b"short"},
        {A + PLAINTEXT: PASSWORD, A + OTP: b"md5\t0499"},
    ],
    "weak-iterations": [{A + PLAIN: HASHED, A + AUTH: scram.make(PASSWORD, iterations=4095)}],
    "otp-used-up": [{A + OTP: state(1)}, {A + PLAINTEXT: PASSWORD, A + OTP: state(0)}],
    "malformed-key": [{b"alice": b""}, {b"alice\0example.com": b""}, {A + b"x\0y": b""}, {b"": b""}],
    "oversized-key": [{b"a" * 16384 + b"\0example.com\0userPassword": b"x"}, {A + b"p" * 16384: b"x"}],
    "unreachable-name": [user(b" alice"), user(b"a@b"), user(b"alice", b"example.com "), user(b"a" * 1024)],
    "names-differ-in-case": [
        {**user(b"alice"), **user(b"Alice")},
        {**user(b"alice", b"example.org"), **user(b"alice", b"Example.org")},
        {**user("ä".encode()), **user("Ä".encode())},
    ],
    "names-differ-in-blanks": [{**user(b"alice"), **user(b"alice ")}, {**user(b"alice"), **user(b"\talice")}],
    "container-realm": [user(b"alice", b"51686ed8d2b4")],
    "stray-realm": [user(b"alice", realm) for realm in (b"vm", b"Example.com", b"vm.example.net", b"")],
    "excessive-iterations": [{A + PLAIN: HASHED, A + AUTH: scram.make(PASSWORD, iterations=65537)}],
    "reused-password": [{A + PLAINTEXT: PASSWORD, C + PLAINTEXT: PASSWORD}],
    "hidden-verifier": [
        {A + PLAINTEXT: PASSWORD, A + AUTH: scram.make(PASSWORD)},
        {A + PLAINTEXT: PASSWORD, A + CRAM: cram_md5.make(b"other")},
        {A + PLAINTEXT: PASSWORD, A + DIGEST: b"broken"},
    ],
    "redundant-hash": [{A + PLAINTEXT: PASSWORD, A + PLAIN: HASHED}],
    "otp-running-out": [{A + PLAINTEXT: PASSWORD, A + OTP: state(2)}, {A + OTP: state(10)}],
    "otp-seed": [{A + PLAINTEXT: PASSWORD, A + OTP: state(499, seed=b"my-1234")}],
    "misspelt-property": [{A + b"userpassword": PASSWORD}, {A + b"AuthPassword": b"x"}],
    "no-secret": [{A + b"homeDirectory": b"/home/alice"}, {A + b"userpassword": PASSWORD}],
}
QUIET: dict[str, list[Records]] = {
    "empty-password": [{A + PLAINTEXT: b" "}, {A + PLAIN: HASHED}],
    "second-password": [
        {A + PLAINTEXT: PASSWORD, A + PLAIN: HASHED},
        {A + PLAINTEXT: PASSWORD + b"\0cut", A + PLAIN: HASHED},
        {A + PLAINTEXT: PASSWORD, B + PLAIN: plain_hash.make(b"other")},
    ],
    "otp-second-password": [{A + PLAINTEXT: PASSWORD, A + OTP: state(499)}, {A + OTP: state(499, b"other")}],
    "otp-md4": [{A + OTP: state(499, algorithm=b"sha1")}],
    "unreadable-value": [
        {A + PLAINTEXT: b"x" * 8192},
        {A + b"homeDirectory": b"x" * 8192},
        {A + PLAIN: HASHED.ljust(8192, b"x")},
    ],
    "shared-password": [
        {A + PLAINTEXT: PASSWORD, B + PLAINTEXT: b"other"},
        {A + PLAINTEXT: PASSWORD, C + PLAINTEXT: PASSWORD},
        {A + PLAINTEXT: b"", B + PLAINTEXT: b""},
        {A + PLAIN: HASHED, B + PLAIN: plain_hash.make(PASSWORD)},  # other salts: not to be told
    ],
    "nul-in-password": [{A + PLAINTEXT: b"wonder\\0land"}, {A + PLAIN: HASHED}],
    "orphaned-secret": [
        {A + PLAINTEXT: PASSWORD, A + OTP: state(499)},
        {A + AUTH: scram.make(PASSWORD), A + PLAIN: HASHED},
    ],
    "broken-secret": [
        {A + AUTH: scram.make(PASSWORD), A + PLAIN: HASHED, A + OTP: state(499)},
        {A + CRAM: cram_md5.make(PASSWORD), A + DIGEST: digest_md5.make(b"alice", b"example.com", PASSWORD)},
        {A + PLAINTEXT: PASSWORD, A + AUTH: b"SCRAM-SHA-256"},  # nobody looks at it
    ],
    "weak-iterations": [{A + AUTH: scram.make(PASSWORD, iterations=4096)}],
    "otp-used-up": [{A + OTP: state(2)}],
    "malformed-key": [{A: b""}, {b"\0\0": b""}, {A + PLAINTEXT: b"\0\0\0"}],
    "oversized-key": [{b"a" * 16383 + b"\0example.com\0userPassword": b"x"}],
    "unreachable-name": [user(b"alice"), user(b"a b", b"x y"), user(b"alice", b"a@b"), user(b"alice", b""), user(b"")],
    "names-differ-in-case": [
        {**user(b"alice"), **user(b"alice ")},
        {**user(b"alice"), **user(b"Alice", b"example.org")},
    ],
    "names-differ-in-blanks": [{**user(b"alice"), **user(b"Alice")}, {**user(b"alice"), **user(b"al ice")}],
    "container-realm": [user(b"alice", realm) for realm in (b"51686ed8d2b", b"51686ED8D2B4", b"51686ed8d2bg")],
    "stray-realm": [user(b"alice", realm) for realm in (b"example.com", b"example.org", b"51686ed8d2b4")],
    "excessive-iterations": [{A + AUTH: scram.make(PASSWORD, iterations=65536)}],
    "reused-password": [
        {A + PLAINTEXT: PASSWORD, C + PLAINTEXT: b"other"},
        {A + PLAINTEXT: PASSWORD, B + PLAINTEXT: PASSWORD},
    ],
    "hidden-verifier": [
        {A + AUTH: scram.make(PASSWORD)},
        {A + PLAINTEXT: PASSWORD, A + PLAIN: HASHED, A + OTP: state(499)},
    ],
    "redundant-hash": [{A + PLAIN: HASHED}, {A + PLAINTEXT: b"other", A + PLAIN: HASHED}],
    "otp-running-out": [{A + OTP: state(11)}, {A + OTP: state(1)}],
    "otp-seed": [{A + OTP: state(499, seed=b"aB1")}],
    "misspelt-property": [{A + PLAINTEXT: PASSWORD, A + b"homedirectory": b"/"}],
    "no-secret": [{A + PLAINTEXT: PASSWORD, A + b"homeDirectory": b"/home/alice"}, {A + b"cmusaslsecretNEW": b"x"}],
}


def found(records: Records, place: Place = HERE, rules: Optional[Rules] = None) -> set[str]:
    """Return the names of the rules that find something."""
    findings = audit(records.items(), place, rules or Rules(deep=True)).findings
    return {finding.rule.name for finding in findings}


def test_table() -> None:
    """Each rule has a name of its own, a severity, a reason and a remedy, stands behind no milder one, and is shown both ways here."""
    assert len(RULES) == len(TABLE) and all(rule.why and rule.remedy for rule in TABLE)
    severities = [SEVERITIES.index(rule.severity) for rule in TABLE]
    assert severities == sorted(severities)
    assert set(FIRES) == set(QUIET) == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_fires(name: str) -> None:
    """The rule finds each of its examples, and not where it is left out."""
    for records in FIRES[name]:
        assert name in found(records), records
        assert name not in found(records, rules=Rules([name], deep=True))


@pytest.mark.parametrize("name", RULES)
def test_quiet(name: str) -> None:
    """The rule has nothing to say of what is close to its examples."""
    for records in QUIET[name]:
        assert name not in found(records), records


def test_sound() -> None:
    """Of a sound database, of every usual kind of storage, nothing is said at all."""
    sound = {
        A + PLAINTEXT: PASSWORD,
        A + OTP: state(499),
        A + b"homeDirectory": b"/home/alice",
        B + AUTH: scram.make(PASSWORD),
        B + PLAIN: plain_hash.make(PASSWORD),
        b"carol\0elsewhere.org\0userPassword": b"christmas",
    }
    assert found(sound) == found(sound, ANYWHERE) == set()


def test_long_keys() -> None:
    """Of a malformed key sixty characters are shown, and that there are more."""
    for length, seen in ((60, "x" * 60), (61, "x" * 60 + "...")):
        (finding,) = audit({b"x" * length: b""}.items(), HERE, Rules()).findings
        assert finding.seen.replace('"', "") == f"key {seen}"


def test_realms_need_a_place() -> None:
    """Where it is not known which realm a bare login gets, only the realms of containers are told."""
    assert found(user(b"alice", b"vm"), ANYWHERE) == set()
    assert found(user(b"alice", b"51686ed8d2b4"), ANYWHERE) == {"container-realm"}


def test_deep() -> None:
    """One-time passwords are compared with a plaintext only when that is asked for."""
    records, _ = FIRES["otp-second-password"]
    assert found(records, rules=Rules()) == set()


@pytest.mark.parametrize("name", RULES)
def test_no_secret_is_shown(name: str) -> None:
    """No finding holds a stored secret or a part of one, in what is seen or in its repr."""
    for records in FIRES[name]:
        values = [value for value in records.values() if len(value) > 5]
        for finding in audit(records.items(), HERE, Rules(deep=True)).findings:
            shown = (finding.seen + repr(finding)).encode("utf-8", "surrogateescape")
            assert not any(value[:200] in shown for value in values)
