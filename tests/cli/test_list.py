"""sasldb list: lines, table and JSON, each user once, whatever its name holds."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from sasldb.secrets import plain_hash, scram
from tests.cli.conftest import Sasldb, make_database, peak_memory
from tests.conftest import Commands, Require, lacking
from tests.real.namespace import PrivateEtc

USERS = {
    b"alice\0example.com\0userPassword": b"secret",
    b"alice\0example.com\0cmusaslsecretOTP": b"md5\t0499\tvm5771\t0123456789abcdef\t00000000000000000000",
    b"alice\0example.org\0userPassword": b"secret",
    b"bob\0example.com\0authPassword": scram.make(b"secret", "SHA-1"),
    b"bob\0example.com\0cmusaslsecretPLAIN": plain_hash.make(b"secret"),
}
WITH_PLAINTEXT = ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM"]
WITH_PLAINTEXT += [f"SCRAM-SHA-{bits}" for bits in (1, 224, 256, 384, 512)]
LINES = {b"alice@example.com", b"alice@example.org", b"bob@example.com"}


def test_lines(sasldb: Sasldb, tmp_path: Path) -> None:
    """In a pipe, each user is one line of user@realm, whatever is stored for it."""
    make_database(tmp_path / "db", USERS)
    done = sasldb("list", "-f", "db")
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.splitlines()
    assert set(lines) == LINES and len(lines) == 3
    assert lines[-1] == b"bob@example.com"  # has no userPassword


@pytest.mark.parametrize("realm, users", [("example.org", [b"alice@example.org"]), ("EXAMPLE.ORG", []), ("org", [])])
def test_one_realm(sasldb: Sasldb, tmp_path: Path, realm: str, users: list[bytes]) -> None:
    """--realm keeps the users of exactly that realm."""
    make_database(tmp_path / "db", USERS)
    assert sasldb("list", "-f", "db", "--realm", realm).stdout.splitlines() == users


def test_empty_realm(sasldb: Sasldb, tmp_path: Path) -> None:
    """--realm with an empty name is the empty realm, not all of them."""
    make_database(tmp_path / "db", {**USERS, b"carol\0\0userPassword": b"x"})
    assert sasldb("list", "-f", "db", "-u", "").stdout == b"carol@\n"


def test_realm_of_postfix(private_etc: PrivateEtc, commands: Commands) -> None:
    """--realm mydomain and --realm postfix ask postconf and never stand for themselves."""
    main_cf = (
        "mkdir -p /etc/postfix; printf 'mydomain = example.com\nmyhostname = Mail.example.org\n' > /etc/postfix/main.cf"
    )
    private_etc.run("sh", "-c", main_cf)
    for user in "alice@example.com", "bob@mail.example.org", "carol@mydomain", "dave@postfix":
        assert private_etc.run(commands.saslpasswd2, "-p", user, stdin=b"secret\n").returncode == 0
    assert private_etc.run(commands.sasldb, "list", "--realm", "mydomain").stdout == b"alice@example.com\n"
    assert private_etc.run(commands.sasldb, "list", "-u", "postfix").stdout == b"bob@mail.example.org\n"


def test_json(sasldb: Sasldb, tmp_path: Path) -> None:
    """--json is one array of objects with user, realm and mechanisms."""
    make_database(tmp_path / "db", USERS)
    done = sasldb("list", "-f", "db", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout)
    assert {b"%b@%b" % (entry["user"].encode(), entry["realm"].encode()) for entry in found} == LINES
    assert [list(entry) for entry in found] == [["user", "realm", "mechanisms"]] * 3
    mechanisms = {f"{entry['user']}@{entry['realm']}": entry["mechanisms"] for entry in found}
    assert mechanisms == {
        "alice@example.com": [*WITH_PLAINTEXT, "OTP"],
        "alice@example.org": WITH_PLAINTEXT,
        "bob@example.com": ["PLAIN", "LOGIN", "SCRAM-SHA-1"],
    }


@pytest.mark.parametrize("form, printed", [((), b""), (("--json",), b"[]\n")], ids=["lines", "json"])
def test_empty_database(sasldb: Sasldb, tmp_path: Path, form: tuple[str, ...], printed: bytes) -> None:
    """A database without users gives no line, and an empty JSON array."""
    make_database(tmp_path / "db", {})
    done = sasldb("list", "-f", "db", *form)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed, b"")


WILD = {
    b"a\nb\0x\0userPassword": rb"a\x0ab@x",
    b"\x1b[31mred\0x\0userPassword": rb"\x1b[31mred@x",
    b"\xe2\x80\xaertl\0x\0userPassword": rb"\xe2\x80\xaertl@x",
    b"\xff\0\x7f\0userPassword": rb"\xff@\x7f",
    "jürgen\0bücher.example\0userPassword".encode(): "jürgen@bücher.example".encode(),
    b"DOM\\u\0x\0userPassword": b"DOM\\u@x",
    b"\0\0userPassword": b"@",
}


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "en_US.ISO-8859-1"])
def test_names_that_do_not_print(sasldb: Sasldb, tmp_path: Path, locale: str) -> None:
    """Control characters and stray bytes are escaped in lines, one user a line; UTF-8 goes out as it is in any locale."""
    make_database(tmp_path / "db", dict.fromkeys(WILD, b"x"))
    done = sasldb("list", "-f", "db", env={"LC_ALL": locale})
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(done.stdout.removesuffix(b"\n").split(b"\n")) == sorted(WILD.values())


def test_json_brings_every_name_back(sasldb: Sasldb, tmp_path: Path) -> None:
    """From JSON, which is ASCII and has no control character, every name comes back byte for byte."""
    make_database(tmp_path / "db", dict.fromkeys(WILD, b"x"))
    printed = sasldb("list", "-f", "db", "--json").stdout
    assert all(byte in b"\n" or 0x20 <= byte < 0x7F for byte in printed)
    names = {(os.fsencode(entry["user"]), os.fsencode(entry["realm"])) for entry in json.loads(printed)}
    assert names == {tuple(key.split(b"\0")[:2]) for key in WILD}


def test_csv(sasldb: Sasldb, tmp_path: Path) -> None:
    """CSV has a heading, the same values as JSON, and every name byte for byte, quoted where it must be."""
    names = [*WILD, b'say "a,b"\0x\0userPassword']
    make_database(tmp_path / "db", {**dict.fromkeys(names, b"x"), **USERS})
    printed = sasldb("list", "-f", "db", "--csv").stdout
    heading, *rows = csv.reader(io.StringIO(printed.decode("utf-8", "surrogateescape"), newline=""))
    assert heading == ["user", "realm", "mechanisms"]
    expected = json.loads(sasldb("list", "-f", "db", "--json").stdout)
    assert rows == [[entry["user"], entry["realm"], " ".join(entry["mechanisms"])] for entry in expected]
    assert len(rows) == len(WILD) + 4


def test_csv_or_json(sasldb: Sasldb, tmp_path: Path) -> None:
    """Both at once are a wrong call."""
    assert sasldb("list", "-f", "db", "--csv", "--json").returncode == 2


@pytest.mark.parametrize("form", [(), ("--csv",)], ids=["lines", "csv"])
def test_pattern(sasldb: Sasldb, tmp_path: Path, form: tuple[str, ...]) -> None:
    """A pattern chooses users by name, or with an @ by name and realm."""
    make_database(tmp_path / "db", USERS)
    for pattern, number in (("a*", 2), ("*@example.com", 2), ("*", 3), ("example.com", 0)):
        assert len(sasldb("list", "-f", "db", pattern, *form).stdout.splitlines()) == number + len(form)


def on_terminal(commands: Commands, directory: Path, *arguments: str) -> bytes:
    """Run sasldb with a terminal as stdout and return what appears there."""
    ours, theirs = pty.openpty()
    argv = [commands.sasldb, *arguments]
    done = subprocess.run(argv, cwd=directory, stdout=theirs, stderr=subprocess.PIPE, timeout=30, check=True)
    os.close(theirs)
    assert done.stderr == b""
    shown = os.read(ours, 1 << 16)
    os.close(ours)
    return shown


def test_table(commands: Commands, tmp_path: Path) -> None:
    """On a terminal it is a table with a heading, sorted."""
    make_database(tmp_path / "db", USERS)
    shown = on_terminal(commands, tmp_path, "list", "-f", "db")
    every = b"PLAIN LOGIN CRAM-MD5 DIGEST-MD5 NTLM SCRAM-SHA-1/224/256/384/512"
    assert shown.splitlines() == [
        b"USER   REALM        MECHANISMS",
        b"alice  example.com  " + every + b" OTP",
        b"alice  example.org  " + every,
        b"bob    example.com  PLAIN LOGIN SCRAM-SHA-1",
    ]


@pytest.mark.parametrize("form", [(), ("--csv",)], ids=["table", "csv"])
def test_table_of_names_that_do_not_print(commands: Commands, tmp_path: Path, form: tuple[str, ...]) -> None:
    """No control character of a name reaches the terminal."""
    make_database(tmp_path / "db", dict.fromkeys(WILD, b"x"))
    shown = on_terminal(commands, tmp_path, "list", "-f", "db", *form)
    assert len(shown.splitlines()) == 1 + len(WILD)
    assert b"\x1b" not in shown and b"\x7f" not in shown


MALFORMED = {
    b"": b"x",
    b"alice": b"x",
    b"alice\0x": b"x",
    b"alice\0x\0userPassword\0": b"x",
    b"a\0b\0c\0userPassword": b"x",
}


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["lines", "json"])
def test_malformed_keys(sasldb: Sasldb, tmp_path: Path, form: tuple[str, ...]) -> None:
    """Keys that are not user, realm and property are passed over, and counted on stderr."""
    make_database(tmp_path / "db", {**USERS, **MALFORMED})
    done = sasldb("list", "-f", "db", *form)
    assert (done.returncode, done.stderr) == (0, b"sasldb: db: 5 records with a malformed key not listed\n")
    assert done.stdout.count(b"example") == 3


def test_damage(sasldb: Sasldb, tmp_path: Path) -> None:
    """A damaged file ends the list with 3 and the page."""
    make_database(tmp_path / "db", {b"user%d\0x\0userPassword" % number: b"x" * 50 for number in range(500)})
    content = bytearray((tmp_path / "db").read_bytes())
    content[3 * 4096 + 20 : 3 * 4096 + 26] = b"\xff" * 6
    (tmp_path / "db").write_bytes(content)
    done = sasldb("list", "-f", "db")
    assert done.returncode == 3
    assert done.stderr.startswith(b"sasldb: db: page 3: ") and done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["lines", "json"])
def test_memory_does_not_grow(commands: Commands, tmp_path: Path, form: tuple[str, ...]) -> None:
    """A hundred thousand users need less than 4 MiB more than ten."""
    make_database(tmp_path / "few", {b"user%d\0example.com\0userPassword" % number: b"x" for number in range(10)})
    many = {b"user%d\0example.com\0userPassword" % number: b"x" for number in range(100_000)}
    make_database(tmp_path / "many", many)
    few = peak_memory([commands.sasldb, "list", "-f", "few", *form], tmp_path)
    assert peak_memory([commands.sasldb, "list", "-f", "many", *form], tmp_path) < few + 4096


@pytest.mark.parametrize(
    "command", [["list"], ["count"], ["show", "alice@x"], ["delete", "alice@x"]], ids=lambda words: words[0]
)
def test_a_file_that_cannot_be_read(open_path: Path, public_bin: str, require: Require, command: list[str]) -> None:
    """Another user's file is no usage error: exit status 3, one line with the reason, nothing changed."""
    (setpriv,) = require("namespace", "setpriv")
    if os.geteuid() != 0:
        lacking("namespace", "only root can become somebody else")
    path = open_path / "db"
    make_database(path, USERS)
    path.chmod(0o600)
    before = path.read_bytes()
    other = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]
    argv = [*other, f"{public_bin}/sasldb", command[0], "-f", str(path), *command[1:]]
    done = subprocess.run(argv, capture_output=True, timeout=60, cwd="/", check=False)
    assert done.returncode == 3 and done.stdout == b""
    assert done.stderr.startswith(f"sasldb: {path}: ".encode()) and b"Permission denied" in done.stderr
    assert done.stderr.count(b"\n") == 1 and path.read_bytes() == before
