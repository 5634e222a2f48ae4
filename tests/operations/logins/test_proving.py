"""Proofs: the verdict of the library, the mechanisms that this very password opens, and many of them in one pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.errors import ExchangeError
from sasldb.model.identity import UserId
from sasldb.model.secret import Secret
from sasldb.model.verdict import Outcome
from sasldb.operations.logins.proving import Proof, prove, prove_all, read_batch
from sasldb.secrets import plain_hash, scram
from sasldb.secrets.mechanisms import mechanisms_of
from sasldb.store.reading import Database
from tests.operations.databases import every_secret, make

P, Q = b"wonderland", b"looking-glass"
USERS = {
    "plain@x": {"userPassword": P},
    "hashed@x": {"authPassword": scram.make(P), "cmusaslsecretPLAIN": plain_hash.make(P)},
    "both@x": {"userPassword": P, "cmusaslsecretPLAIN": plain_hash.make(Q)},
    "junk@x": {"authPassword": b"junk"},
    "data@x": {"homeDirectory": P},
    "alice@example.org": every_secret(P),
}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Return a database of USERS."""
    return Database(make(tmp_path / "db", USERS))


def short(proof: Proof) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return verdict, mechanisms and what refused."""
    return proof.verdict.outcome.value, proof.mechanisms, proof.refused


ALL = mechanisms_of({b"userPassword": P})
CASES = [
    ("plain@x", P, ("ok", ALL, ())),
    ("plain@x", Q, ("mismatch", (), ("userPassword",))),
    ("plain@x", b"", ("mismatch", (), ("userPassword",))),
    ("hashed@x", P, ("ok", ("PLAIN", "LOGIN", "SCRAM-SHA-256"), ())),
    ("hashed@x", Q, ("mismatch", (), ("authPassword", "cmusaslsecretPLAIN"))),
    ("both@x", P, ("ok", ALL, ("cmusaslsecretPLAIN",))),
    ("both@x", Q, ("ok", ("PLAIN", "LOGIN"), ("userPassword",))),
    ("junk@x", P, ("secret unusable", (), ())),
    ("data@x", P, ("secret unusable", (), ())),
    ("nobody@x", P, ("no such user", (), ())),
    ("Plain@x", P, ("no such user", (), ())),
    ("alice@example.org", P, ("ok", (*ALL, "OTP"), ())),
]


@pytest.mark.parametrize("login, password, expected", CASES)
def test_one(
    database: Database, login: str, password: bytes, expected: tuple[str, tuple[str, ...], tuple[str, ...]]
) -> None:
    """A proof says what the password opens: not all that the user has, where two secrets belong to two passwords."""
    proof = prove(database, login, password)
    verdict, mechanisms, refused = short(proof)
    assert (verdict, mechanisms, tuple(sorted(refused))) == expected
    assert bool(proof) == (proof.verdict.outcome is Outcome.OK)


def test_the_librarys_verdict(database: Database) -> None:
    """Database.verify and a proof agree, one by one and in a batch."""
    attempts = [(UserId.parse(login), Secret(password)) for login, password, _ in CASES]
    for attempt, proof in zip(attempts, prove_all(database, attempts)):
        verdict = database.verify(*attempt)
        assert (proof.user, proof.verdict.outcome) == (attempt[0], verdict.outcome)
        assert (proof.verdict.accepted_by, proof.verdict.unusable) == (verdict.accepted_by, verdict.unusable)


def test_progress(database: Database) -> None:
    """Progress is called once for each attempt, with how many there are; a user may be there twice."""
    seen: list[tuple[int, int]] = []
    attempts = [(UserId.parse("hashed@x"), Secret(password)) for password in (P, Q)]
    proofs = list(prove_all(database, attempts, lambda done, total: seen.append((done, total))))
    assert [bool(proof) for proof in proofs] == [True, False] and seen == [(1, 2), (2, 2)]


def test_secrets_do_not_show(database: Database) -> None:
    """The repr of a proof and of an attempt shows no password."""
    attempt = read_batch(b"plain@x\twonderland\n", "b")[0]
    assert "wonder" not in f"{attempt!r} {prove(database, *attempt)!r}"


@pytest.mark.parametrize(
    "line, user, password",
    [
        (b"alice\tp", "alice@r", b"p"),
        (b"alice@x\tp", "alice@x", b"p"),
        (b"a@b@c\tp", "a@b@c", b"p"),
        (b"alice\tp\tq", "alice@r", b"p\tq"),
        (b"alice\t", "alice@r", b""),
        (b"alice\t p ", "alice@r", b" p "),
        (b"\xff\t\xfe", "\udcff@r", b"\xfe"),
    ],
)
def test_batch_line(line: bytes, user: str, password: bytes) -> None:
    """A line is a user, a tab and all the rest as the password; a bare user is in the realm given."""
    for content in line, line + b"\n":
        ((who, secret),) = read_batch(content, "b", "r")
        assert (str(who), secret.reveal()) == (user, password)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"alice\tp\nbob wonderland\n", "b:2: no tab"),
        (b"alice\tp\n\nbob\tp\n", "b:2: no tab"),
        (b"\twonderland\n", "b:1: an empty user"),
        (b"@x\twonderland\n", "b:1: an empty user"),
        (b"alice\twonderland\r\n", "b:1: a carriage return"),
        (b"alice\twonder\0land\n", "b:1: a carriage return or a NUL"),
    ],
)
def test_bad_batch(content: bytes, message: str) -> None:
    """A line that is none is named by its number; no password is shown."""
    with pytest.raises(ExchangeError) as caught:
        read_batch(content, "b", "r")
    assert message in str(caught.value) and "wonder" not in str(caught.value)


def test_raw_batch() -> None:
    """Raw, a carriage return and a NUL belong to the password, but a NUL in a user is still none."""
    ((_, secret),) = read_batch(b"alice\tp\0q\r\n", "b", "r", raw=True)
    assert secret.reveal() == b"p\0q\r"
    with pytest.raises(ExchangeError, match="b:1: a NUL in the user"):
        read_batch(b"al\0ice\tp\n", "b", "r", raw=True)


@given(st.binary(max_size=60))
def test_any_batch(content: bytes) -> None:
    """Any bytes are attempts, as many as lines, or the one error."""
    try:
        attempts = read_batch(content, "b", "r")
    except ExchangeError:
        return
    assert len(attempts) == len(content.removesuffix(b"\n").split(b"\n")) if content else attempts == []
