"""Commands that change users, as they are typed: names and realms, what is printed, exit status."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import sasldb as library
from sasldb.model.identity import UserId
from sasldb.secrets import otp, scram
from tests.cli.conftest import Sasldb, make_database
from tests.conftest import Commands
from tests.real.namespace import PrivateEtc

HOST = os.uname().nodename.lower()
USERS = {
    b"alice\0example.com\0userPassword": b"wonderland",
    b"alice\0example.com\0homeDirectory": b"/home/alice",
    b"bob\0example.com\0userPassword": b"builder",
    b"carol\0example.org\0authPassword": scram.make(b"verifier"),
}


def content(path: Path) -> dict[str, set[str]]:
    """Return user@realm -> names of properties."""
    with library.open(str(path)) as database:
        return {str(account.id): set(account.properties) for account in database}


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Return a database of USERS, `db` in the test's directory."""
    make_database(tmp_path / "db", USERS)
    return tmp_path / "db"


@pytest.mark.parametrize(
    "arguments, user",
    [
        (["alice"], f"alice@{HOST}"),
        (["alice", "-u", "x"], "alice@x"),
        (["alice@y", "-u", "x"], "alice@y"),
        (["alice@y@z"], "alice@y@z"),
        (["alice@"], "alice@"),
        (["Alice@X"], "Alice@X"),
    ],
)
def test_name_and_realm(sasldb: Sasldb, tmp_path: Path, arguments: list[str], user: str) -> None:
    """A name is split at its first @; without one the realm is that of --realm, else the host's name; case is kept."""
    done = sasldb("add", "-f", "new", "--password-stdin", *arguments, stdin=b"pw")
    assert (done.returncode, done.stdout) == (0, f"added {user}\n".encode())
    assert set(content(tmp_path / "new")) == {user}


def test_realm_of_postfix(private_etc: PrivateEtc, commands: Commands) -> None:
    """--realm postfix and mydomain, and those words as the new realm, are replaced by what Postfix says."""
    main_cf = (
        "mkdir -p /etc/postfix; printf 'mydomain = a.example\nmyhostname = Mail.example.org\n' > /etc/postfix/main.cf"
    )
    private_etc.run("sh", "-c", main_cf)
    printed = [
        private_etc.run(commands.sasldb, *command, stdin=b"pw").stdout.decode().strip()
        for command in (
            ["add", "--password-stdin", "-u", "mydomain", "alice"],
            ["add", "--password-stdin", "-u", "postfix", "bob"],
            ["rename-realm", "a.example", "postfix"],
            ["copy-realm", "mail.example.org", "mydomain"],
            ["list"],
        )
    ]
    assert printed[:4] == [
        "added alice@a.example",
        "added bob@mail.example.org",
        "renamed 1 user of realm a.example to realm mail.example.org",
        "copied 2 users of realm mail.example.org to realm a.example",
    ]
    assert {line.partition("@")[2] for line in printed[4].split()} == {"a.example", "mail.example.org"}


def test_plug_ins_decide(sasldb: Sasldb, tmp_path: Path) -> None:
    """Beside the plaintext stands what Cyrus's plug-ins here would add, by the configuration of the application."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    for name in "sasldb", "otp", "scram":
        (plugins / f"lib{name}.so").touch()
    conf = f"sasldb_path: {tmp_path}/app\notp_mda: sha1\n"
    (tmp_path / "smtpd.conf").write_text(conf)
    environment = {"SASL_PATH": str(plugins), "SASL_CONF_PATH": str(tmp_path)}
    for options in ["-f", "plain"], ["-a", "smtpd"]:
        assert sasldb("add", *options, "--password-stdin", "a@x", stdin=b"pw", env=environment).returncode == 0
    for name, algorithm in ("plain", "md5"), ("app", "sha1"):
        with library.open(str(tmp_path / name)) as database:
            account = database.get("a@x")
        assert account is not None and set(account.properties) == {"userPassword", "cmusaslsecretOTP"}
        assert otp.parse(account.properties["cmusaslsecretOTP"]).algorithm == algorithm


@pytest.mark.parametrize("command", ["add", "passwd"])
@pytest.mark.parametrize(
    "options, mechanism",
    [
        (["--no-plaintext"], "SCRAM-SHA-256"),
        (["--scram", "sha-1", "--iterations", "5000"], "SCRAM-SHA-1"),
        (["--iterations", "100", "--force-iterations"], "SCRAM-SHA-256"),
    ],
)
def test_no_plaintext(sasldb: Sasldb, db: Path, command: str, options: list[str], mechanism: str) -> None:
    """Verifiers instead of the plaintext, of the hash asked for; the password itself is nowhere in the file."""
    user = "alice@example.com" if command == "passwd" else "dave@example.com"
    done = sasldb(command, "-f", "db", "--password-stdin", *options, user, stdin=b"hunter2")
    assert done.returncode == 0
    with library.open(str(db)) as database:
        account = database.get(user)
        assert account is not None and database.verify(user, b"hunter2")
    assert set(account.properties) - {"homeDirectory"} == {"authPassword", "cmusaslsecretPLAIN"}
    assert scram.parse(account.properties["authPassword"]).mechanism == mechanism
    assert b"hunter2" not in db.read_bytes()
    assert command == "add" or b"wonderland" not in db.read_bytes()


@pytest.mark.parametrize(
    "options, reason",
    [
        (["--plaintext", "--scram=SHA-1"], b"beside it libsasl uses no SCRAM verifier"),
        (["--scram=MD5"], b"--scram"),
        (
            ["--iterations=1"],
            b"1 iterations: not between 4096 and 65536; to have it nevertheless, add --force-iterations",
        ),
        (["--iterations=many"], b"--iterations"),
    ],
)
def test_wrong_choices(sasldb: Sasldb, db: Path, options: list[str], reason: bytes) -> None:
    """A choice of storage that cannot be is a wrong call."""
    done = sasldb("passwd", "-f", "db", "--password-stdin", "alice@example.com", *options, stdin=b"pw")
    assert (done.returncode, done.stdout) == (2, b"") and reason in done.stderr


def test_passwd_keeps_the_storage(sasldb: Sasldb, db: Path) -> None:
    """A password is stored as the old one was: a plaintext, or a verifier; other properties stay."""
    for user in "alice@example.com", "carol@example.org":
        assert (
            sasldb("passwd", "-f", "db", "--password-stdin", user, stdin=b"new").stdout
            == f"set password of {user}\n".encode()
        )
        with library.open(str(db)) as database:
            assert database.verify(user, b"new") and not database.verify(user, b"wonderland")
    assert content(db) == {
        "alice@example.com": {"userPassword", "homeDirectory"},
        "bob@example.com": {"userPassword"},
        "carol@example.org": {"authPassword"},
    }


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["add", "--password-stdin", "alice@example.com"], b"alice@example.com: in db already; to change the password"),
        (["add", "--password-stdin", "@example.com"], b"@example.com: an empty user name"),
        (["passwd", "--password-stdin", "alice@example.org"], b"alice@example.org: no such user in db"),
        (["delete", "bob@example.com", "a@x", "b@x"], b"a@x, b@x: no such user in db"),
        (["rename", "alice@example.com", "bob"], b"bob@example.com: in db already, and nothing was changed"),
        (["rename-realm", "absent", "x"], b"realm absent: has no user in db"),
        (["harden", "nobody@x"], b"nobody@x: no such user in db"),
        (["show", "nobody@x"], b"nobody@x: no such user in db"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_refusals(sasldb: Sasldb, db: Path, arguments: list[str], reason: bytes) -> None:
    """What may not be ends with 3 and one line that says why."""
    done = sasldb(*arguments[:1], "-f", "db", *arguments[1:], stdin=b"pw")
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"sasldb: " + reason) and done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "command", ["passwd a@x --password-stdin", "delete a@x", "rename a@x b", "rename-realm x y", "harden --all"]
)
def test_no_database_is_made(sasldb: Sasldb, tmp_path: Path, command: str) -> None:
    """Only add makes a database that is missing."""
    name, *rest = command.split()
    done = sasldb(name, "-f", "absent", *rest, stdin=b"pw")
    assert (done.returncode, done.stdout) == (3, b"") and done.stderr.startswith(b"sasldb: absent: ")
    assert os.listdir(tmp_path) == []


def test_delete(sasldb: Sasldb, db: Path) -> None:
    """Several are deleted at once, each is told; those who do not exist are passed over on demand."""
    done = sasldb("delete", "-f", "db", "-u", "example.com", "alice", "carol@example.org")
    assert (done.returncode, done.stdout) == (0, b"deleted alice@example.com\ndeleted carol@example.org\n")
    done = sasldb("delete", "-f", "db", "-u", "example.com", "--missing-ok", "alice", "bob")
    assert (done.returncode, done.stdout) == (0, b"deleted bob@example.com\n")
    assert content(db) == {}
    assert sasldb("delete", "-f", "db").returncode == 2


@pytest.mark.parametrize(
    "arguments, new",
    [
        (["alice@example.com", "ally"], "ally@example.com"),
        (["alice@example.com", "ally@example.org"], "ally@example.org"),
        (["alice@example.com", "ally", "-u", "x"], "ally@x"),
        (["alice", "ally", "-u", "example.com"], "ally@example.com"),
    ],
)
def test_rename(sasldb: Sasldb, db: Path, arguments: list[str], new: str) -> None:
    """Without a realm of its own, and without --realm, the new name stays in the realm of the old one."""
    done = sasldb("rename", "-f", "db", *arguments)
    assert (done.returncode, done.stdout) == (0, f"renamed alice@example.com to {new}\n".encode())
    assert set(content(db)) == {new, "bob@example.com", "carol@example.org"}
    assert content(db)[new] == {"userPassword", "homeDirectory"}


def test_harden(sasldb: Sasldb, db: Path) -> None:
    """What stops working for whom is told, by a dry run beforehand in the same words."""
    lost = "; no longer CRAM-MD5 DIGEST-MD5 NTLM SCRAM-SHA-1/224/256/384\n"
    would = sasldb("harden", "-f", "db", "--all", "--scram", "SHA-512", "--dry-run").stdout.decode()
    assert sorted(would.splitlines(keepends=True)) == [
        f"would harden {user}@example.com: PLAIN LOGIN SCRAM-SHA-512{lost}" for user in ("alice", "bob")
    ]
    done = sasldb("harden", "-f", "db", "--all", "--scram", "SHA-512")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == would.replace("would harden", "hardened")
    assert "userPassword" not in set().union(*content(db).values())


def test_harden_finding(sasldb: Sasldb, db: Path) -> None:
    """A plaintext that cannot be hardened is told, and the exit status is 1."""
    make_database(db.with_name("other"), {**USERS, b"dave\0x\0userPassword": b""})
    done = sasldb("harden", "-f", "other", "--all")
    assert done.returncode == 1 and done.stdout.count(b"hardened") == 2
    assert done.stderr == b"sasldb: dave@x: not hardened: an empty password\n"


@pytest.mark.parametrize("arguments", [[], ["--all", "alice@example.com"], ["--plaintext", "--all"]])
def test_harden_whom(sasldb: Sasldb, db: Path, arguments: list[str]) -> None:
    """Either users are named or --all; and there is no hardening with plaintext."""
    assert sasldb("harden", "-f", "db", *arguments).returncode == 2


def test_owner_and_mode(sasldb: Sasldb, db: Path) -> None:
    """--mode is carried out by each of these commands, and told."""
    done = sasldb("delete", "-f", "db", "--mode", "0600", "bob@example.com")
    assert db.stat().st_mode & 0o777 == 0o600 and b" 0640, is now " in done.stderr


def test_names_that_do_not_print(sasldb: Sasldb, tmp_path: Path) -> None:
    """A control character of a name does not reach the terminal, and a byte that is no UTF-8 is kept."""
    name = b"a\x1b[31m\xff@x"
    done = sasldb("add", "-f", "db", "--password-stdin", name, stdin=b"pw")
    assert done.stdout == rb"added a\x1b[31m\xff@x" + b"\n"
    with library.open(str(tmp_path / "db")) as database:
        assert [account.id for account in database] == [UserId(b"a\x1b[31m\xff", b"x")]
    assert sasldb("delete", "-f", "db", name).returncode == 0
