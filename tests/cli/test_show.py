"""sasldb show and count, and passwords on demand: what is stored, without a secret unless it is asked for."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from sasldb.secrets import otp, plain_hash, scram
from tests.cli.conftest import Sasldb, make_database
from tests.conftest import Commands

USERS = {
    b"alice\0x\0userPassword": b"hunter\xff",
    b"alice\0x\0cmusaslsecretOTP": otp.make(b"hunter\xff", "vm"),
    b"alice\0x\0authPassword": scram.make(b"hunter2"),
    b"bob\0y\0authPassword": scram.make(b"hunter3", "SHA-1", 5000),
    b"bob\0y\0cmusaslsecretPLAIN": plain_hash.make(b"hunter3"),
    b"carol\0y\0homeDirectory": b"/home/hunter",
}
WARNING = b"sasldb: passwords are shown in plain text\n"


@pytest.fixture(autouse=True)
def db(tmp_path: Path) -> Path:
    """Return a database of USERS, `db` in the test's directory."""
    make_database(tmp_path / "db", USERS)
    return tmp_path / "db"


def test_show(sasldb: Sasldb) -> None:
    """A user's mechanisms, and each property with size, kind, and why it does not serve."""
    done = sasldb("show", "-f", "db", "alice@x")
    assert (done.returncode, done.stderr) == (0, b"")
    size, long = len(USERS[b"alice\0x\0cmusaslsecretOTP"]), len(USERS[b"alice\0x\0authPassword"])
    assert done.stdout.decode().splitlines() == [
        "alice@x",
        "mechanisms: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 NTLM SCRAM-SHA-1/224/256/384/512 OTP",
        "PROPERTY          SIZE  KIND",
        "userPassword      7     the password itself",
        f"authPassword      {long}   a verifier for SCRAM-SHA-256, 4096 iterations; libsasl ignores it beside userPassword",
        f"cmusaslsecretOTP  {size}    one-time passwords, md5, number 499",
    ]


def test_show_somebody_without_a_password(sasldb: Sasldb) -> None:
    """Who can log in by no mechanism is shown as such."""
    done = sasldb("show", "-f", "db", "-u", "y", "carol")
    assert done.stdout.splitlines()[:2] == [b"carol@y", b"mechanisms: none"]


def test_show_json(sasldb: Sasldb) -> None:
    """JSON has the same, by name."""
    done = sasldb("show", "-f", "db", "--json", "bob@y")
    found = json.loads(done.stdout)
    assert (found["user"], found["realm"]) == ("bob", "y")
    assert found["mechanisms"] == ["PLAIN", "LOGIN", "SCRAM-SHA-1"]
    assert found["properties"][1] == {
        "name": "authPassword",
        "size": len(USERS[b"bob\0y\0authPassword"]),
        "kind": "a verifier for SCRAM-SHA-1, 5000 iterations",
        "mechanisms": ["SCRAM-SHA-1"],
        "flaw": None,
    }
    assert "password" not in found


@pytest.mark.parametrize(
    "command",
    [
        ["show", "alice@x"],
        ["show", "--json", "alice@x"],
        ["show", "bob@y", "--show-passwords"],
        ["list"],
        ["list", "--json"],
        ["list", "--csv"],
        ["list", "--realm", "y", "--json", "--show-passwords"],
        ["count", "--json"],
    ],
    ids=" ".join,
)
def test_no_secret_is_shown(sasldb: Sasldb, command: list[str]) -> None:
    """Without being asked nothing shows a password, and nothing ever shows a part of another secret."""
    done = sasldb(command[0], "-f", "db", *command[1:])
    assert done.returncode == 0
    printed = done.stdout + done.stderr
    assert b"hunter" not in printed and not any(value[20:40] in printed for value in USERS.values() if value[20:])


def test_show_passwords(sasldb: Sasldb) -> None:
    """On demand the plaintext is shown, what does not print in it escaped, and standard error says so."""
    done = sasldb("show", "-f", "db", "--show-passwords", "alice@x")
    assert done.stdout.splitlines()[2] == rb"password: hunter\xff" and done.stderr == WARNING
    assert b"no plaintext is stored" in sasldb("show", "-f", "db", "--show-passwords", "bob@y").stdout
    found = json.loads(sasldb("show", "-f", "db", "--show-passwords", "--json", "alice@x").stdout)
    assert os.fsencode(found["password"]) == b"hunter\xff"


def test_list_with_passwords(sasldb: Sasldb) -> None:
    """A list has them behind a tab, in CSV and JSON in a column of their own; who has none has none there."""
    done = sasldb("list", "-f", "db", "--show-passwords")
    assert sorted(done.stdout.splitlines()) == [rb"alice@x" + b"\t" + rb"hunter\xff", b"bob@y\t", b"carol@y\t"]
    assert done.stderr == WARNING
    csv = sasldb("list", "-f", "db", "--show-passwords", "--csv").stdout.splitlines()
    assert csv[0] == b"user,realm,mechanisms,password"
    assert {line.rpartition(b",")[2] for line in csv[1:]} == {b"hunter\xff", b""}
    found = json.loads(sasldb("list", "-f", "db", "--show-passwords", "--json").stdout)
    assert {entry["user"]: entry["password"] for entry in found} == {
        "alice": "hunter\udcff",
        "bob": None,
        "carol": None,
    }


@pytest.mark.parametrize("command", [["list"], ["list", "--json"], ["show", "alice@x"]], ids=" ".join)
@pytest.mark.parametrize("mode, permitted", [(0o644, False), (0o640, True)])
def test_not_into_a_file_for_all(
    commands: Commands, tmp_path: Path, command: list[str], mode: int, permitted: bool
) -> None:
    """Passwords do not go into a file that everybody may read."""
    (tmp_path / "out").touch()
    (tmp_path / "out").chmod(mode)
    with open(tmp_path / "out", "wb") as out:
        argv = [commands.sasldb, command[0], "-f", "db", "--show-passwords", *command[1:]]
        done = subprocess.run(argv, cwd=tmp_path, stdout=out, stderr=subprocess.PIPE, timeout=30, check=False)
    assert done.returncode == (0 if permitted else 2)
    assert (b"hunter" in (tmp_path / "out").read_bytes()) == permitted
    assert permitted or b"everybody may read the file" in done.stderr


@pytest.mark.parametrize(
    "options, number",
    [([], 3), (["-u", "y"], 2), (["-u", "absent"], 0), (["?ob"], 1), (["*@y"], 2), (["-u", "x", "*o*"], 0)],
)
def test_count(sasldb: Sasldb, options: list[str], number: int) -> None:
    """The number of users, each once; of one realm, or whom a pattern fits."""
    done = sasldb("count", "-f", "db", *options)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"%d\n" % number, b"")


def test_count_json(sasldb: Sasldb) -> None:
    """JSON has the numbers of the realms too."""
    assert json.loads(sasldb("count", "-f", "db", "--json").stdout) == {"users": 3, "realms": {"x": 1, "y": 2}}
