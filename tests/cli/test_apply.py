"""sasldb apply: what is said, printed and answered; what it does is in tests/operations/test_applying.py."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Sasldb, make_database

STATE = """
realm: x
users:
  - {name: alice, password: wonderland}
  - {name: bob, password: builder, storage: no_plaintext}
  - {name: carol, state: absent}
"""
RECORDS = {b"alice\0x\0userPassword": b"old", b"carol\0x\0userPassword": b"x", b"dave\0x\0userPassword": b"y"}
LINES = [
    b"~ alice@x: another password is stored; userPassword",
    b"+ bob@x: new; authPassword, cmusaslsecretPLAIN",
    b"- carol@x: to be absent; -userPassword",
]
NO_PLUGINS = {"SASL_PATH": "/nonexistent"}


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    """Make the database `db` and the state file `s.yml`."""
    make_database(tmp_path / "db", RECORDS)
    (tmp_path / "db").chmod(0o640)
    (tmp_path / "s.yml").write_text(STATE)
    (tmp_path / "s.yml").chmod(0o600)


def stamp(path: Path) -> tuple[int, int, int]:
    """Return what a write would change."""
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def test_check_then_apply_then_nothing(sasldb: Sasldb, tmp_path: Path) -> None:
    """--check answers 1 and changes nothing; applying does it and answers 0; then --check answers 0, and the file is left alone."""
    before = stamp(tmp_path / "db")
    check = sasldb("apply", "-f", "db", "--check", "--diff", "s.yml", env=NO_PLUGINS)
    assert (check.returncode, check.stderr) == (1, b"")
    assert check.stdout.splitlines() == [*LINES, b"db: would be 1 created, 1 updated, 1 deleted; 0 as they shall be"]
    assert stamp(tmp_path / "db") == before
    done = sasldb("apply", "-f", "db", "s.yml", env=NO_PLUGINS)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        b"db: 1 created, 1 updated, 1 deleted; 0 as they shall be\n",
        b"",
    )
    after = stamp(tmp_path / "db")
    assert after != before
    for options in ["--check"], [], ["--diff"]:
        done = sasldb("apply", "-f", "db", *options, "s.yml", env=NO_PLUGINS)
        summary = b"db: 0 created, 0 updated, 0 deleted; 3 as they shall be\n"
        assert (done.returncode, done.stdout, done.stderr) == (0, summary, b"")
    assert stamp(tmp_path / "db") == after
    assert sasldb("list", "-f", "db").stdout.splitlines() != []


def test_diff_while_applying(sasldb: Sasldb) -> None:
    """--diff without --check does it and says what it did."""
    done = sasldb("apply", "-f", "db", "--diff", "s.yml", env=NO_PLUGINS)
    assert done.stdout.splitlines()[:3] == LINES and done.returncode == 0
    assert sasldb("apply", "-f", "db", "--check", "s.yml", env=NO_PLUGINS).returncode == 0


def test_dry_run(sasldb: Sasldb, tmp_path: Path) -> None:
    """--dry-run says what would be done, changes nothing, and answers 0."""
    before = stamp(tmp_path / "db")
    done = sasldb("apply", "-f", "db", "--dry-run", "s.yml", env=NO_PLUGINS)
    assert (done.returncode, done.stdout.splitlines()[:3]) == (0, LINES)
    assert stamp(tmp_path / "db") == before


@pytest.mark.parametrize("options", [[], ["--check"], ["--diff"], ["--json"], ["--json", "--check"]])
def test_no_secret_is_shown(sasldb: Sasldb, options: list[str]) -> None:
    """No password, new or old, is in any output."""
    done = sasldb("apply", "-f", "db", *options, "s.yml", env=NO_PLUGINS)
    for password in b"wonderland", b"builder":
        assert password not in done.stdout + done.stderr


def test_json(sasldb: Sasldb) -> None:
    """--json is one object: the counts, and each change with its reason and the names of properties."""
    check = sasldb("apply", "-f", "db", "--check", "--json", "s.yml", env=NO_PLUGINS)
    found = json.loads(check.stdout)
    assert check.returncode == 1 and found["changed"] and found["dry_run"] and found["database"] == "db"
    assert [found[name] for name in ("created", "updated", "deleted", "unchanged")] == [1, 1, 1, 0]
    assert found["changes"][1] == {
        "user": "bob",
        "realm": "x",
        "action": "create",
        "reason": "new",
        "written": ["authPassword", "cmusaslsecretPLAIN"],
        "removed": [],
    }
    sasldb("apply", "-f", "db", "s.yml", env=NO_PLUGINS)
    again = json.loads(sasldb("apply", "-f", "db", "--json", "s.yml", env=NO_PLUGINS).stdout)
    assert not again["changed"] and again["changes"] == []


def test_prune(sasldb: Sasldb) -> None:
    """Nobody is deleted who is not named, unless --prune names the realm."""
    sasldb("apply", "-f", "db", "s.yml", env=NO_PLUGINS)
    assert b"dave@x" in sasldb("list", "-f", "db").stdout
    done = sasldb("apply", "-f", "db", "--prune", "x", "--prune", "y", "--diff", "s.yml", env=NO_PLUGINS)
    assert done.stdout.splitlines()[0] == b"- dave@x: not listed, in a pruned realm; -userPassword"
    assert b"dave@x" not in sasldb("list", "-f", "db").stdout


def test_standard_input(sasldb: Sasldb) -> None:
    """The state may come from standard input, in either language; errors name it so."""
    done = sasldb("apply", "-f", "db", "-", stdin=STATE.encode(), env=NO_PLUGINS)
    assert done.returncode == 0
    state = {"users": [{"name": "alice@x", "password": "wonderland"}]}
    assert sasldb("apply", "-f", "db", "--check", "-", stdin=json.dumps(state).encode()).returncode == 0
    done = sasldb("apply", "-f", "db", "-", stdin=b"users: 1")
    assert (done.returncode, done.stderr) == (
        3,
        b"sasldb: standard input:1: users: a number where a list is expected\n",
    )


def test_directory(sasldb: Sasldb, tmp_path: Path) -> None:
    """A directory of files named after users is a state in the realm of -u."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/alice").write_bytes(b"old\n")
    (tmp_path / "secret/erin").write_bytes(b"new\n")
    done = sasldb("apply", "-f", "db", "-u", "x", "--diff", "secret", env=NO_PLUGINS)
    assert done.stdout.splitlines() == [
        b"+ erin@x: new; userPassword",
        b"db: 1 created, 0 updated, 0 deleted; 1 as they shall be",
    ]
    assert done.stderr == b"sasldb: secret: everybody may read passwords in it\n"


def test_new_database(sasldb: Sasldb, tmp_path: Path) -> None:
    """A missing database is made, with the mode asked for, and that is said."""
    done = sasldb("apply", "-f", "new", "--mode", "0600", "s.yml", env=NO_PLUGINS)
    assert (done.returncode, done.stderr) == (0, b"sasldb: made new\n")
    assert os.stat(tmp_path / "new").st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "state, message",
    [
        ("users: [{name: a@x, pasword: wonderland}]", "unknown key 'pasword'; did you mean password?"),
        ("users: [{name: a@x, password: wonderland}, {name: a@x}]", "users[2]: a@x stands twice"),
        ("users: [{name: a@x, password: wonderland}, {name: nobody@x}]", "nobody@x: not there, and the desired state has no"),
        ("users: [{name: a@x, password: wonderland", ": not YAML"),
    ],
)  # fmt: skip
def test_errors(sasldb: Sasldb, tmp_path: Path, state: str, message: str) -> None:
    """What is wrong with a state is status 3 and one line, before anything is changed, --check or not."""
    before = stamp(tmp_path / "db")
    (tmp_path / "bad.yml").write_text(state)
    (tmp_path / "bad.yml").chmod(0o600)
    for options in [], ["--check"]:
        done = sasldb("apply", "-f", "db", *options, "bad.yml")
        assert (done.returncode, done.stdout) == (3, b"")
        assert message.encode() in done.stderr and done.stderr.count(b"\n") == 1
        assert b"wonderland" not in done.stderr
    assert stamp(tmp_path / "db") == before


def test_a_reader_may_check(sasldb: Sasldb, tmp_path: Path) -> None:
    """--check takes no lock: it answers while another program has the database locked."""
    import fcntl

    with open(tmp_path / "db", "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert sasldb("apply", "-f", "db", "--check", "s.yml", env=NO_PLUGINS).returncode == 1
