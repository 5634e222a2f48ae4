"""sasldb verify: right, wrong, or no answer, in words, status and JSON; and many at once."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import termios
import time
from pathlib import Path

import pytest

from sasldb.secrets import plain_hash, scram
from tests.cli.conftest import Sasldb, make_database
from tests.conftest import Commands

LOCAL_MODES = 3  # their place in what tcgetattr returns
P = b"wonderland"
RECORDS = {
    b"alice\0x\0userPassword": P,
    b"bob\0x\0authPassword": scram.make(P),
    b"bob\0x\0cmusaslsecretPLAIN": plain_hash.make(P),
    b"both\0x\0userPassword": P,
    b"both\0x\0cmusaslsecretPLAIN": plain_hash.make(b"old"),
    b"junk\0x\0authPassword": b"junk",
}


@pytest.fixture(autouse=True)
def database(tmp_path: Path) -> None:
    """Make the database `db` of RECORDS."""
    make_database(tmp_path / "db", RECORDS)


@pytest.mark.parametrize(
    "user, password, status, out, err",
    [
        (
            "alice@x",
            P,
            0,
            b"alice@x: right, by userPassword, for PLAIN LOGIN CRAM-MD5 DIGEST-MD5 NTLM SCRAM-SHA-1",
            b"",
        ),
        ("bob@x", P, 0, b"bob@x: right, by cmusaslsecretPLAIN, authPassword, for PLAIN LOGIN SCRAM-SHA-256\n", b""),
        ("both@x", b"old", 0, b"both@x: right, by cmusaslsecretPLAIN, for PLAIN LOGIN; userPassword of another", b""),
        ("alice@x", b"Wonderland", 1, b"alice@x: wrong\n", b""),
        ("bob@x", b"Wonderland", 1, b"bob@x: wrong\n", b""),
        ("carol@x", P, 3, b"", b"sasldb: carol@x: no such user in db\n"),
        ("Alice@x", P, 3, b"", b"sasldb: Alice@x: no such user in db\n"),
        ("junk@x", P, 3, b"", b"sasldb: junk@x: no stored secret can be checked; authPassword: not of the form"),
    ],
)
def test_one(sasldb: Sasldb, user: str, password: bytes, status: int, out: bytes, err: bytes) -> None:
    """0 and what accepted it, 1 for wrong, 3 with the reason for no such user and for nothing that can be checked; never the password."""
    done = sasldb("verify", "-f", "db", user, "--password-stdin", stdin=password + b"\n")
    assert done.returncode == status
    assert done.stdout.startswith(out) and done.stderr.startswith(err) and bool(done.stderr) == bool(err)
    assert password not in done.stdout + done.stderr


def test_realm(sasldb: Sasldb) -> None:
    """A bare user is in the realm of -u."""
    assert sasldb("verify", "-f", "db", "-u", "x", "alice", "--password-stdin", stdin=P).returncode == 0
    assert sasldb("verify", "-f", "db", "alice", "--password-stdin", stdin=P).returncode == 3


def test_other_sources(sasldb: Sasldb, tmp_path: Path) -> None:
    """The password may come from a file; without a source and a terminal it is a wrong call."""
    (tmp_path / "p").write_bytes(P + b"\n")
    (tmp_path / "p").chmod(0o600)
    assert sasldb("verify", "-f", "db", "alice@x", "--password-file", "p").returncode == 0
    assert sasldb("verify", "-f", "db", "alice@x").returncode == 2


def test_on_a_terminal(commands: Commands, tmp_path: Path) -> None:
    """A person is asked once, without echo."""
    ours, theirs = pty.openpty()
    argv = [commands.sasldb, "verify", "-f", "db", "alice@x"]
    process = subprocess.Popen(
        argv, cwd=tmp_path, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    while b"Password: " not in shown:
        shown += os.read(ours, 1024)
    while termios.tcgetattr(ours)[LOCAL_MODES] & termios.ECHO:  # what is typed before is thrown away
        time.sleep(0.01)
    os.write(ours, P + b"\n")
    out, _ = process.communicate(timeout=30)
    shown += os.read(ours, 1024)
    os.close(ours)
    assert (process.returncode, out[:15]) == (0, b"alice@x: right,")
    assert P not in shown


@pytest.mark.parametrize(
    "user, status, verdict", [("both@x", 0, "ok"), ("bob@x", 1, "mismatch"), ("y@x", 3, "no such user"), ("junk@x", 3, "secret unusable")]
)  # fmt: skip
def test_json(sasldb: Sasldb, user: str, status: int, verdict: str) -> None:
    """--json is one object with the verdict, whatever it is; the status is the same."""
    done = sasldb("verify", "-f", "db", user, "--password-stdin", "--json", stdin=b"old")
    assert (done.returncode, done.stderr) == (status, b"")
    found = json.loads(done.stdout)
    assert (f"{found['user']}@{found['realm']}", found["verdict"]) == (user, verdict)
    if verdict == "ok":
        assert found["accepted_by"] == ["cmusaslsecretPLAIN"] and found["mechanisms"] == ["PLAIN", "LOGIN"]
        assert found["refused_by"] == ["userPassword"] and found["unusable"] == []


BATCH = b"alice\twonderland\nbob@x\twonderland\nbob\tx\ncarol\tx\njunk\tx\n"
VERDICTS = ["ok", "ok", "mismatch", "no such user", "secret unusable"]


def test_batch(sasldb: Sasldb, tmp_path: Path) -> None:
    """One line for each, in their order, from standard input or a file; status 1 unless all are right."""
    (tmp_path / "lines").write_bytes(BATCH)
    piped = sasldb("verify", "-f", "db", "-u", "x", "--batch", stdin=BATCH)
    read = sasldb("verify", "-f", "db", "-u", "x", "--batch", "lines")
    assert piped.stdout == read.stdout and piped.returncode == read.returncode == 1
    lines = piped.stdout.splitlines()
    assert [line.partition(b":")[0] for line in lines] == [b"alice@x", b"bob@x", b"bob@x", b"carol@x", b"junk@x"]
    assert lines[0].startswith(b"alice@x: right, by userPassword, for PLAIN")
    assert lines[2:4] == [b"bob@x: wrong", b"carol@x: no such user"]
    assert lines[4].startswith(b"junk@x: cannot be checked; authPassword: ")
    assert P not in piped.stdout + piped.stderr
    right = sasldb("verify", "-f", "db", "--batch", stdin=b"alice@x\twonderland\n")
    assert (right.returncode, right.stderr) == (0, b"")
    assert (sasldb("verify", "-f", "db", "--batch").returncode, sasldb("verify", "-f", "db", "--batch").stdout) == (
        0,
        b"",
    )


def test_batch_json(sasldb: Sasldb) -> None:
    """--json of a batch is an array with an object for each line."""
    done = sasldb("verify", "-f", "db", "-u", "x", "--batch", "--json", stdin=BATCH)
    assert [entry["verdict"] for entry in json.loads(done.stdout)] == VERDICTS
    assert done.returncode == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["alice@x", "--batch="], b"name a user, or --batch"),
        ([], b"name a user, or --batch"),
        (["--password-stdin", "--batch"], b"name no other source"),
    ],
)
def test_wrong_calls(sasldb: Sasldb, arguments: list[str], message: bytes) -> None:
    """A user beside a batch, neither of them, and a second source of passwords are wrong calls."""
    done = sasldb("verify", "-f", "db", *arguments)
    assert done.returncode == 2 and message in done.stderr


@pytest.mark.parametrize(
    "content, message", [(b"alice wonderland\n", b"standard input:2: no tab"), (b"a\tx\r\n", b"--raw")]
)
def test_bad_batch(sasldb: Sasldb, content: bytes, message: bytes) -> None:
    """A line that is none ends it before anything is checked, by its number and without its content."""
    done = sasldb("verify", "-f", "db", "--batch", stdin=b"alice@x\twonderland\n" + content)
    assert (done.returncode, done.stdout) == (3, b"") and message in done.stderr and P not in done.stderr


def test_the_file_is_only_read(sasldb: Sasldb, tmp_path: Path) -> None:
    """Nothing is written, and a missing database is not made."""
    before = os.stat(tmp_path / "db")
    sasldb("verify", "-f", "db", "alice@x", "--password-stdin", stdin=P)
    assert os.stat(tmp_path / "db").st_mtime_ns == before.st_mtime_ns
    done = sasldb("verify", "-f", "none", "alice@x", "--password-stdin", stdin=P)
    assert done.returncode == 3 and b"none: no such file" in done.stderr and not (tmp_path / "none").exists()
