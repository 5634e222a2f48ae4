"""sasldb audit: what it tells people and programs, its exit status, and what --fix does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sasldb.operations.audit.rules import RULES
from sasldb.secrets import plain_hash, scram
from tests.cli.conftest import Sasldb, make_database
from tests.conftest import ROOT, Commands, Require
from tests.operations.audit.test_auditing import records_of
from tests.real.namespace import PrivateEtc

HERE = ("--local-domain", "example.com")
SECRET = b"wonderland"
RECORDS = {
    b"alice\0example.com\0userPassword": SECRET,
    b"alice\0example.com\0authPassword": scram.make(SECRET),
    b"bob\0example.com\0userPassword": SECRET,
    b"\x1b[1mcarol\0office\0userPassword": b"",
    b"broken\nkey": b"",
}
SOUND = {b"alice\0example.com\0userPassword": SECRET}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a database of RECORDS, `db` in the test's directory."""
    make_database(tmp_path / "db", RECORDS)
    return tmp_path / "db"


def test_people(sasldb: Sasldb, database: Path) -> None:
    """Findings come by rule, the worst first, with why and what to do, and a count; exit status 1; nothing reaches the terminal raw."""
    done = sasldb("audit", "-f", "db", *HERE)
    assert (done.returncode, done.stderr) == (1, b"")
    lines = done.stdout.decode().splitlines()
    assert [line for line in lines if "to do: " not in line] == [
        f"high empty-password: {RULES['empty-password'].why}",
        r"  \x1b[1mcarol@office: userPassword is empty",
        f"medium shared-password: {RULES['shared-password'].why}",
        "  alice@example.com, bob@example.com: 2 users with the same userPassword",
        f"medium malformed-key: {RULES['malformed-key'].why}",
        r'  key "broken\x0akey"',
        f"medium stray-realm: {RULES['stray-realm'].why}",
        r'  \x1b[1mcarol@office: realm "office", no domain; a bare login is looked up in "example.com"',
        f"low hidden-verifier: {RULES['hidden-verifier'].why}",
        "  alice@example.com: authPassword",
        "3 users, 5 findings, 2 that --fix mends",
    ]
    assert sum(line.startswith("  to do: ") for line in lines) == 5


def test_a_postfix_that_cannot_be_asked(
    private_etc: PrivateEtc, require: Require, commands: Commands, database: Path
) -> None:
    """Where Postfix is installed and cannot tell its realm, that is said, realms are not looked at, and all else is."""
    require("postfix", "postconf")
    private_etc.run("sh", "-c", "mkdir -p /etc/postfix; rm -f /etc/postfix/main.cf; mkdir /etc/postfix/main.cf")
    done = private_etc.run(commands.sasldb, "audit", "-f", str(database))
    assert done.returncode == 1 and done.stderr.startswith(b"sasldb: realms are not looked at: ")
    assert b"empty-password" in done.stdout and b"stray-realm" not in done.stdout


def test_many_users(sasldb: Sasldb, tmp_path: Path) -> None:
    """Of a finding with many users the first five are named."""
    make_database(tmp_path / "db", {b"user%d\0example.com\0userPassword" % number: SECRET for number in range(9)})
    done = sasldb("audit", "-f", "db", *HERE)
    assert b"  user0@example.com, " in done.stdout and b"user4@example.com and 4 more: 9 users with" in done.stdout
    rows = json.loads(sasldb("audit", "-f", "db", *HERE, "--json").stdout)
    assert [len(row["users"]) for row in rows] == [9]


def test_sound(sasldb: Sasldb, tmp_path: Path) -> None:
    """Without a finding there is the count alone, an empty array, and exit status 0."""
    make_database(tmp_path / "db", SOUND)
    for options, out in (([], b"1 user, 0 findings\n"), (["--json"], b"[]\n"), (["--fix"], b"1 user, 0 findings\n")):
        done = sasldb("audit", "-f", "db", *HERE, *options)
        assert (done.returncode, done.stdout, done.stderr) == (0, out, b"")


def test_json(sasldb: Sasldb, database: Path) -> None:
    """JSON has an object a finding, with all users, and what --fix does about it; the exit status is the same."""
    done = sasldb("audit", "-f", "db", *HERE, "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 1 and {tuple(row) for row in rows} == {
        ("severity", "name", "users", "seen", "why", "remedy", "fix")
    }
    assert [(row["severity"], row["name"], row["users"], row["fix"]) for row in rows] == [
        ("high", "empty-password", ["\x1b[1mcarol@office"], None),
        ("medium", "shared-password", ["alice@example.com", "bob@example.com"], None),
        ("medium", "malformed-key", [], "possible"),
        ("medium", "stray-realm", ["\x1b[1mcarol@office"], None),
        ("low", "hidden-verifier", ["alice@example.com"], "possible"),
    ]
    assert SECRET not in done.stdout


def test_ignore(sasldb: Sasldb, database: Path) -> None:
    """What is left out is no finding; a name of no rule is a wrong call."""
    options = [word for name in RULES if name != "shared-password" for word in ("--ignore", name)]
    rows = json.loads(sasldb("audit", "-f", "db", *HERE, "--json", *options).stdout)
    assert [row["name"] for row in rows] == ["shared-password"]
    done = sasldb("audit", "-f", "db", *HERE, *options, "--ignore", "shared-password")
    assert (done.returncode, done.stdout) == (0, b"3 users, 0 findings\n")
    assert sasldb("audit", "-f", "db", "--ignore", "no-such-rule").returncode == 2


def test_fix(sasldb: Sasldb, database: Path) -> None:
    """--fix removes what is of no use, says so of each, and what is left is still exit status 1."""
    done = sasldb("audit", "-f", "db", *HERE, "--fix")
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"  alice@example.com: authPassword (removed)\n" in done.stdout
    assert done.stdout.endswith(b"3 users, 5 findings, 2 fixed\n")
    gone = {b"broken\nkey", b"alice\0example.com\0authPassword"}
    assert records_of(database) == {key: value for key, value in RECORDS.items() if key not in gone}


def test_everything_fixed(sasldb: Sasldb, tmp_path: Path) -> None:
    """Where every finding was fixed the exit status is 0; JSON tells it."""
    make_database(tmp_path / "db", {**SOUND, b"alice\0example.com\0cmusaslsecretPLAIN": plain_hash.make(SECRET)})
    done = sasldb("audit", "-f", "db", *HERE, "--fix", "--json")
    assert done.returncode == 0 and [row["fix"] for row in json.loads(done.stdout)] == ["done"]
    assert records_of(tmp_path / "db") == SOUND


def test_dry_run(sasldb: Sasldb, database: Path) -> None:
    """A dry run of --fix says what would be removed, removes nothing, and ends with 1; without --fix it is a wrong call."""
    before = (database.read_bytes(), database.stat().st_ino, database.stat().st_mtime_ns)
    done = sasldb("audit", "-f", "db", *HERE, "--fix", "--dry-run")
    assert done.returncode == 1 and b"authPassword (would be removed)\n" in done.stdout
    assert done.stdout.endswith(b"2 would be fixed\n")
    assert sasldb("audit", "-f", "db", *HERE, "--dry-run").returncode == 2
    assert (database.read_bytes(), database.stat().st_ino, database.stat().st_mtime_ns) == before


def test_looking_needs_no_right_to_write(sasldb: Sasldb, database: Path) -> None:
    """Without --fix nothing is written, not even beside the file."""
    before = (database.stat().st_mtime_ns, database.parent.stat().st_mtime_ns)
    assert sasldb("audit", "-f", "db", *HERE).returncode == 1
    assert (database.stat().st_mtime_ns, database.parent.stat().st_mtime_ns) == before


@pytest.mark.parametrize("options", [[], ["--fix"]], ids=["look", "fix"])
def test_no_database(sasldb: Sasldb, tmp_path: Path, options: list[str]) -> None:
    """Without a sound database there is an error, and no verdict."""
    (tmp_path / "text").write_bytes(b"alice: wonderland\n" * 300)
    for name in ("missing", "text"):
        done = sasldb("audit", "-f", name, *options)
        assert (done.returncode, done.stdout) == (3, b"") and done.stderr.splitlines()[-1].startswith(b"sasldb: ")


def test_realms_of_this_postfix(private_etc: PrivateEtc, require: Require, commands: Commands, tmp_path: Path) -> None:
    """Where nothing is said of the server, Postfix is asked which realm a bare login gets."""
    require("postfix", "postconf")
    make_database(tmp_path / "db", RECORDS)
    main_cf = "smtpd_sasl_local_domain = example.com\n"
    private_etc.run("sh", "-c", 'mkdir -p /etc/postfix; printf "$1" > /etc/postfix/main.cf', "sh", main_cf)
    done = private_etc.run(commands.sasldb, "audit", "-f", str(tmp_path / "db"), "--json")
    assert done.stderr == b"" and "stray-realm" in {row["name"] for row in json.loads(done.stdout)}
    private_etc.run("sh", "-c", 'printf "smtpd_sasl_local_domain = office\n" > /etc/postfix/main.cf')
    done = private_etc.run(commands.sasldb, "audit", "-f", str(tmp_path / "db"), "--json")
    assert done.stderr == b"" and "stray-realm" not in {row["name"] for row in json.loads(done.stdout)}


def test_manual_explains_every_finding() -> None:
    """sasldb(8) has an entry for each name that a finding can have, and no other."""
    text = (ROOT / "docs/man/sasldb.8").read_text().partition("\n.SS audit\n")[2].partition("\n.SS ")[0]
    entries = re.findall(r"^\.TP\n\.B (.*)$", text, re.MULTILINE)
    assert {name for line in entries for name in line.replace("\\-", "-").split(", ")} == set(RULES)
