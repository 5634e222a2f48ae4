"""The record that a login leads to is the one that the real libsasl looks up; where a realm comes from, and who is out of reach."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sasldb.errors import BadName, SiteConfigError
from sasldb.formats import berkeley
from sasldb.model.identity import UserId
from sasldb.operations.logins.resolving import BareRealm, Server, own_name, resolve, unreachable
from tests.conftest import ROOT, Require
from tests.real.namespace import PrivateEtc

HOST = "Mail.Example.ORG"
LONG = b"b" * 1022

Attempt = tuple[str, "str | None", bytes]  # mechanism, local domain, login
LeadsTo = Callable[..., "list[list[UserId]]"]


def alone(user: bytes, realm: bytes) -> UserId:
    """Return a user id; a shorthand for tables."""
    return UserId(user, realm)


@pytest.fixture
def leads_to(require: Require, tmp_path: Path) -> LeadsTo:
    """Return `leads_to(users, attempts, host=HOST)`: it asks the real libsasl which of the users each attempt leads to."""
    require("cyrus", "saslpasswd2")
    conf = f"sasldb_path: {tmp_path}/db\npwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
    (tmp_path / "secretstest.conf").write_text(conf)

    def ask(users: Sequence[UserId], attempts: Sequence[Attempt], host: str | None = HOST) -> list[list[UserId]]:
        passwords = [b"password %d" % number for number in range(len(users))]
        records = {user.key(b"userPassword"): password for user, password in zip(users, passwords)}
        (tmp_path / "db").write_bytes(b"")
        berkeley.apply(str(tmp_path / "db"), records, 0, "db")
        order = {
            "passwords": [password.hex() for password in passwords],
            "attempts": [
                (host and host.encode().hex(), domain and domain.encode().hex(), mechanism, login.hex())
                for mechanism, domain, login in attempts
            ],
        }
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("libsasl_resolve.py"))],
            input=json.dumps(order).encode(),
            env={**os.environ, "SASL_CONF_PATH": str(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            timeout=60,
            check=True,
        )
        return [[users[number] for number in accepted] for accepted in json.loads(done.stdout)]

    return ask


TABLE = [
    # local domain, login, user id (None: refused)
    (None, b"alice", alone(b"alice", b"mail.example.org")),
    ("example.com", b"alice", alone(b"alice", b"example.com")),
    ("Example.com", b"alice", alone(b"alice", b"Example.com")),
    ("example.com", b"Alice", alone(b"Alice", b"example.com")),
    ("a@b", b"alice", alone(b"alice", b"a@b")),
    (None, b"alice@example.com", alone(b"alice", b"example.com")),
    ("example.com", b"alice@Example.com", alone(b"alice", b"Example.com")),
    ("example.com", b"alice@x@y", alone(b"alice", b"x@y")),
    ("example.com", b"alice@", alone(b"alice", b"")),
    ("example.com", b"@example.com", alone(b"", b"example.com")),
    (None, b"@", alone(b"", b"")),
    ("example.com", b" \t\n\v\f\ralice@x \t\n\v\f\r", alone(b"alice", b"x")),
    ("example.com", b" alice ", alone(b"alice", b"example.com")),
    (None, b" alice ", alone(b"alice", b"mail.example.org")),
    ("example.com", b"alice @ x", alone(b"alice ", b" x")),
    ("example.com", b"a b", alone(b"a b", b"example.com")),
    ("example.com", b"\xa0alice", alone(b"\xa0alice", b"example.com")),
    ("example.com", b"  ", alone(b"", b"example.com")),
    (None, b"  ", None),
    ("example.com", b"", None),
    (None, b"", None),
    (None, LONG + b"@r", alone(LONG, b"r")),
    (None, LONG + b"@rs", None),
    (None, b"  " + LONG + b"@r  ", alone(LONG, b"r")),
    (None, LONG + b"bb", alone(LONG + b"bb", b"mail.example.org")),
    (None, LONG + b"bbb", None),
    ("e", LONG, alone(LONG, b"e")),
    ("ex", LONG, None),
    (None, b" a", None),
    (None, b"  ab ", None),
    (None, b"  abc ", alone(b"abc", b"mail.example.org")),
    ("example.com", b"   ab ", alone(b"ab", b"example.com")),
]


def predicted(domain: str | None, login: bytes) -> UserId | None:
    """Return what we say that `login` leads to on HOST, with `domain` as the local domain."""
    return resolve(login, Server(domain or "", HOST)).user


@pytest.mark.parametrize("domain, login, user", TABLE)
def test_table(domain: str | None, login: bytes, user: UserId | None) -> None:
    """A login leads to the record in this table."""
    assert predicted(domain, login) == user


def test_table_holds_in_libsasl(leads_to: LeadsTo) -> None:
    """The real sasl_checkpass takes each login of the table to that very record and to no other."""
    users = sorted({user for _, _, user in TABLE if user})
    found = leads_to(users, [("checkpass", domain, login) for domain, login, _ in TABLE])
    assert found == [[user] if user else [] for _, _, user in TABLE]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-256"])
def test_mechanisms_agree(leads_to: LeadsTo, mechanism: str) -> None:
    """Every mechanism looks the login up in the same record (logins that libsasl's own client can send)."""
    logins = [b"alice", b" alice ", b"alice@example.com", b"alice@Example.com", b"Alice", b"alice@x@y", b"a b"]
    attempts = [(mechanism, domain, login) for domain in (None, "example.com") for login in logins]
    users = sorted({user for _, domain, login in attempts if (user := predicted(domain, login))})
    assert leads_to(users, attempts) == [[predicted(domain, login)] for _, domain, login in attempts]


def test_all_short_logins(leads_to: LeadsTo) -> None:
    """Of all logins of up to three of the characters `@`, blank, a and B, each leads where we say, with and without a local domain."""
    logins = [bytes(letters) for length in range(4) for letters in itertools.product(b"@ aB", repeat=length)]
    attempts = [("checkpass", domain, login) for domain in (None, "a", "a ") for login in logins]
    users = sorted({user for _, domain, login in attempts if (user := predicted(domain, login))})
    expected = [predicted(domain, login) for _, domain, login in attempts]
    assert leads_to(users, attempts) == [[user] if user else [] for user in expected]


def test_unreachable_is_what_no_login_leads_to() -> None:
    """A user is out of reach exactly if none of the logins that could name it leads there."""
    names = [bytes(letters) for length in range(3) for letters in itertools.product(b"@ a", repeat=length)]
    for bare in BareRealm(b"a", "", appended=True), BareRealm(b"a ", "", appended=True), BareRealm(b"a", ""), None:
        server = Server("", "unused") if bare is None else with_bare(bare)
        logins = {b"%b%b%b" % pieces for pieces in itertools.product(names, (b"", b"@"), names)}
        reached = {resolve(login, server).user for login in logins if bare or b"@" in login}
        for user, realm in itertools.product(names, names):
            assert (unreachable(UserId(user, realm), bare) == "") == (UserId(user, realm) in reached), (
                user,
                realm,
                bare,
            )


def with_bare(bare: BareRealm) -> Server:
    """Return a server that has this realm."""
    name = bare.name.decode()
    return Server(name) if bare.appended else Server("", name)


@pytest.mark.parametrize(
    "user, reason",
    [
        (alone(b"a@b", b"c"), "an @"),
        (alone(b" a", b"c"), "a blank"),
        (alone(b"a", b"c\t"), "a blank"),
        (alone(LONG, b"rs"), "more than 1024"),
    ],
)
def test_why_unreachable(user: UserId, reason: str) -> None:
    """The reason says what keeps logins from a user."""
    assert unreachable(user).startswith(reason)


def test_long_name_on_a_host() -> None:
    """A name so long that with its realm it is refused is still found as a bare login, where the realm is the host's name."""
    assert unreachable(UserId(LONG, b"mail.example.org"), BareRealm(b"mail.example.org", "")) == ""


def test_nul_is_refused() -> None:
    """A login with a NUL is an error and not the record of what stands before it."""
    with pytest.raises(BadName):
        resolve(b"alice\0x@y", Server("example.com"))


@pytest.mark.parametrize(
    "domain, host, realm, origin",
    [
        ("Given.example", None, b"Given.example", "local domain"),
        ("Given.example", "Host.example", b"Given.example", "local domain"),
        ("", "Host.example", b"host.example", "host name"),
    ],
)
def test_given_realms(domain: str, host: str | None, realm: bytes, origin: str) -> None:
    """A local domain comes before a host name, which is taken in lower case; with both given nobody is asked."""
    bare = Server(domain, host).bare
    assert (bare.name, bare.origin) == (realm, origin)


def test_nobody_is_asked_for_a_realm_that_is_in_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login with a realm needs no Postfix; a bare one is an error where there is none."""
    monkeypatch.setattr("sasldb.postfix.config.postconf.POSTCONF", ())
    assert resolve(b"alice@example.com", Server()).origin == "login"
    with pytest.raises(SiteConfigError, match="no Postfix"):
        resolve(b"alice", Server())
    assert Server(hostname="Host.example").bare.name == b"host.example"


POSTFIX = """
import sys
sys.path.insert(0, sys.argv[1])
from sasldb.operations.logins.resolving import Server
for options in ({}, {"hostname": "Other.example"}, {"local_domain": ""}, {"application": "smtpd"}):
    bare = Server(**options).bare
    print(bare.name.decode(), bare.origin, bare.appended)
"""


@pytest.mark.parametrize(
    "domain, lines",
    [
        (
            "Example.com",
            [
                "Example.com smtpd_sasl_local_domain True",
                "Example.com smtpd_sasl_local_domain True",
                "mail.example.org myhostname False",
                "Example.com smtpd_sasl_local_domain True",
            ],
        ),
        (
            "",
            [
                "mail.example.org myhostname False",
                "other.example host name False",
                "mail.example.org myhostname False",
                "mail.example.org myhostname False",
            ],
        ),
    ],
    ids=["local domain", "none"],
)
def test_postfix_is_asked(private_etc: PrivateEtc, require: Require, domain: str, lines: list[str]) -> None:
    """What is not given is asked of Postfix: smtpd_sasl_local_domain, and where that is empty, myhostname in lower case."""
    require("postfix", "postconf")
    main_cf = f"myhostname = Mail.Example.org\nsmtpd_sasl_local_domain = {domain}\n"
    private_etc.run("sh", "-c", 'mkdir -p /etc/postfix; printf "$1" > /etc/postfix/main.cf', "sh", main_cf)
    done = private_etc.run(sys.executable, "-c", POSTFIX, str(ROOT))
    assert (done.stdout.decode().splitlines(), done.stderr) == (lines, b"")


def test_other_applications(leads_to: LeadsTo) -> None:
    """An application other than Postfix has this machine's name as its realm, which is the one that libsasl takes by itself."""
    server = Server(application="libvirt")
    assert (server.bare.name, server.bare.origin) == (own_name(), "this host")
    users = [UserId(b"alice", own_name()), UserId(b"alice", own_name() + b".x"), UserId(b"alice", b"")]
    assert leads_to(users, [("checkpass", None, b"alice")], host=None) == [users[:1]]
