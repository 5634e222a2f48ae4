"""sasldb resolve: what it tells of a login, for people and for programs, and its exit status."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sasldb.cli.commands.resolve import _ORIGINS
from sasldb.operations.logins import resolving
from tests.cli.conftest import Sasldb, make_database
from tests.conftest import Commands, Require
from tests.real.namespace import PrivateEtc

USERS = {
    b"alice\0example.com\0userPassword": b"secret",
    b"alice\x0051686ed8d2b4\0userPassword": b"secret",
    b"Alice\0example.com\0authPassword": b"broken",
    b"alice@example.com\0vm\0userPassword": b"secret",
    b"carol\0example.com\0homeDirectory": b"/home/carol",
}


@pytest.fixture
def database(tmp_path: Path) -> str:
    """Return the name of a database with USERS, in the test's directory."""
    make_database(tmp_path / "db", USERS)
    return "db"


def test_found(sasldb: Sasldb, database: str) -> None:
    """A login that leads to somebody: the record, the realm's source, the mechanisms, what is close; exit status 0."""
    done = sasldb("resolve", "-f", database, "--local-domain", "example.com", " alice ")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        '" alice ": user "alice" in realm "example.com", the realm from --local-domain',
        "  blanks around the login are dropped",
        "  lets in: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 NTLM SCRAM-SHA-1 SCRAM-SHA-224 SCRAM-SHA-256 SCRAM-SHA-384 SCRAM-SHA-512",
        '  close: user "Alice" in realm "example.com" (differs in: case), logs in as "Alice@example.com"',
        '  close: user "alice@example.com" in realm "vm" (differs in: user@realm stored as the user), no login leads there',
        '  close: user "alice" in realm "51686ed8d2b4" (differs in: realm of a container, realm), '
        'logs in as "alice@51686ed8d2b4"',
    ]


@pytest.mark.parametrize(
    "login, line",
    [
        ("bob", b"  there is no such user"),
        ("Alice", b"  lets in: nobody, by any mechanism"),
        ("carol", b"  lets in: nobody, by any mechanism"),
        ("", b'"": refused by libsasl: '),
    ],
)
def test_not_found(sasldb: Sasldb, database: str, login: str, line: bytes) -> None:
    """A login that leads to nobody, or to somebody whom nothing lets in, is a finding."""
    done = sasldb("resolve", "-f", database, "--hostname", "Example.COM", "--local-domain", "", login)
    assert (done.returncode, done.stderr) == (1, b"")
    assert line in done.stdout


def test_json(sasldb: Sasldb, database: str) -> None:
    """--json has an object for each login, with the same in it; one login without a user makes the exit status 1."""
    done = sasldb(
        "resolve", "-f", database, "--hostname", "Example.COM", "--local-domain", "", "--json", "Carol", "", "a@b"
    )
    assert (done.returncode, done.stderr) == (1, b"")
    carol, refused, other = json.loads(done.stdout)
    assert carol == {
        "login": "Carol",
        "user": "Carol",
        "realm": "example.com",
        "realm_from": "host name",
        "trimmed": False,
        "refused": None,
        "exists": False,
        "mechanisms": [],
        "near": [{"user": "carol", "realm": "example.com", "differs": ["case"], "login": "carol@example.com"}],
    }
    assert (refused["user"], refused["realm"], refused["realm_from"]) == (None, None, None)
    assert refused["refused"].startswith("as many blanks")
    assert (other["user"], other["realm"], other["realm_from"], other["near"]) == ("a", "b", "login", [])


def test_few_are_shown(sasldb: Sasldb, tmp_path: Path) -> None:
    """People are shown ten near misses, programs all of them."""
    make_database(tmp_path / "many", {b"info\0domain%d.example\0userPassword" % number: b"x" for number in range(40)})
    shown = sasldb("resolve", "-f", "many", "info@example.com").stdout
    assert shown.count(b"\n  close: ") == 10 and shown.endswith(b"\n  and 30 more that are close\n")
    (answer,) = json.loads(sasldb("resolve", "-f", "many", "--json", "info@example.com").stdout)
    assert len(answer["near"]) == 40


def test_names_that_do_not_print(sasldb: Sasldb, tmp_path: Path) -> None:
    """Control characters and stray bytes of a name do not reach the terminal."""
    make_database(tmp_path / "wild", {b"\x1b[31m\xff\0x\0userPassword": b"x", b"\x1b[31m\xff \0x\0userPassword": b"x"})
    done = sasldb("resolve", "-f", "wild", b"\x1b[31m\xff@x")
    assert done.returncode == 0 and b"\x1b" not in done.stdout and b"\xff" not in done.stdout
    assert done.stdout.startswith(rb'"\x1b[31m\xff@x": user "\x1b[31m\xff" in realm "x"')
    (answer,) = json.loads(sasldb("resolve", "-f", "wild", "--json", b"\x1b[31m\xff@x").stdout)
    assert os.fsencode(answer["user"]) == b"\x1b[31m\xff"


def test_realm_of_postfix(private_etc: PrivateEtc, commands: Commands, require: Require) -> None:
    """Without options it is this Postfix's realm, and that of the machine for another application."""
    require("postfix", "postconf")
    main_cf = "myhostname = Mail.example.org\nsmtpd_sasl_local_domain = $mydomain\nmydomain = Example.com\n"
    private_etc.run("sh", "-c", 'mkdir -p /etc/postfix; printf "$1" > /etc/postfix/main.cf', "sh", main_cf)
    for user in "alice@Example.com", "alice@vm.example.com":
        assert private_etc.run(commands.saslpasswd2, "-p", user, stdin=b"secret\n").returncode == 0
    done = private_etc.run(commands.sasldb, "resolve", "alice")
    assert done.stdout.startswith(
        b'"alice": user "alice" in realm "Example.com", the realm from Postfix\'s smtpd_sasl_local_domain\n'
    )
    done = private_etc.run(commands.sasldb, "resolve", "--app", "libvirt", "alice")
    assert done.stdout.startswith(
        b'"alice": user "alice" in realm "vm.example.com", the realm from the name of this machine, in lower case\n'
    )


def test_empty_host_name(sasldb: Sasldb, database: str) -> None:
    """An empty --hostname is a wrong call, not an empty realm."""
    done = sasldb("resolve", "-f", database, "--hostname", "", "alice")
    assert (done.returncode, done.stdout) == (2, b"")


def test_every_origin_has_a_phrase() -> None:
    """Whatever a realm comes from can be told."""
    names = ("LOGIN", "LOCAL_DOMAIN", "HOSTNAME", "POSTFIX_DOMAIN", "POSTFIX_HOST", "THIS_HOST")
    assert set(_ORIGINS) == {getattr(resolving, name) for name in names}
