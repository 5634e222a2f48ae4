"""sasldb diff: lines, JSON and status; what is compared how is in tests/operations/test_comparing.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sasldb.secrets import plain_hash, scram
from tests.cli.conftest import Sasldb, make_database

P = b"wonderland"
FIRST = {
    b"same\0x\0userPassword": P,
    b"gone\0x\0userPassword": P,
    b"other\0x\0userPassword": P,
    b"hashed\0x\0userPassword": P,
    b"salted\0x\0authPassword": scram.make(P),
    b"data\0y\0userPassword": P,
    b"data\0y\0home": b"1",
}
SECOND = {
    b"same\0x\0userPassword": P,
    b"new\0x\0userPassword": P,
    b"other\0x\0userPassword": b"looking-glass",
    b"hashed\0x\0authPassword": scram.make(P),
    b"hashed\0x\0cmusaslsecretPLAIN": plain_hash.make(P),
    b"salted\0x\0authPassword": scram.make(P),
    b"data\0y\0userPassword": P,
    b"data\0y\0home": b"2",
}
LINES = [
    b"+ new@x: userPassword",
    b"- gone@x: userPassword",
    b"~ data@y: home, userPassword; the same password; other values: home",
    b"~ hashed@x: userPassword -> authPassword, cmusaslsecretPLAIN; the same password; PLAIN LOGIN CRAM-MD5 DIGEST-MD5 NTLM "
    b"SCRAM-SHA-1 SCRAM-SHA-224 SCRAM-SHA-256 SCRAM-SHA-384 SCRAM-SHA-512 -> PLAIN LOGIN SCRAM-SHA-256",
    b"~ other@x: userPassword; another password",
    b"~ salted@x: authPassword; passwords that cannot be compared",
]


@pytest.fixture(autouse=True)
def databases(tmp_path: Path) -> None:
    """Make the databases `a` and `b`."""
    make_database(tmp_path / "a", FIRST)
    make_database(tmp_path / "b", SECOND)


def test_lines(sasldb: Sasldb) -> None:
    """One line for each user who is not the same, status 1; no secret in it."""
    done = sasldb("diff", "a", "b")
    assert (done.returncode, done.stderr) == (1, b"")
    assert sorted(done.stdout.splitlines()) == LINES
    assert P not in done.stdout and b"looking" not in done.stdout


def test_equal(sasldb: Sasldb) -> None:
    """Two databases with the same users give no line and status 0."""
    done = sasldb("diff", "a", "a")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_with_the_database_at_hand(sasldb: Sasldb) -> None:
    """Without B, A is compared with the database of -f, or of SASLDB_PATH."""
    assert sasldb("diff", "a", "-f", "b").stdout == sasldb("diff", "a", "b").stdout
    assert sasldb("diff", "a", env={"SASLDB_PATH": "b"}).stdout == sasldb("diff", "a", "b").stdout


def test_one_realm(sasldb: Sasldb) -> None:
    """--realm compares only that realm."""
    assert sasldb("diff", "a", "b", "-u", "y").stdout.splitlines() == [LINES[2]]
    assert sasldb("diff", "a", "b", "-u", "z").returncode == 0


def test_json(sasldb: Sasldb) -> None:
    """--json is one object: how many are the same, and each difference with both sides."""
    done = sasldb("diff", "a", "b", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1 and found["same"] == 1
    by_user = {entry["user"]: entry for entry in found["differences"]}
    assert by_user["hashed"]["passwords"] == "same" and by_user["hashed"]["first"] == ["userPassword"]
    assert by_user["gone"]["second"] == [] and by_user["data"]["values"] == ["home"]
    assert P not in done.stdout
    assert json.loads(sasldb("diff", "a", "a", "--json").stdout) == {"same": 6, "differences": []}


def test_missing(sasldb: Sasldb) -> None:
    """A database that is not there is status 3, on either side, and never taken for an empty one."""
    for arguments in ("none", "b"), ("a", "none"):
        done = sasldb("diff", *arguments)
        assert (done.returncode, done.stdout) == (3, b"") and b"none: no such file" in done.stderr
