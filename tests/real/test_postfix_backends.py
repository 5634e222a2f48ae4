"""`sasldb postfix setup --backend` on Postfix as Debian installs it, with the real server behind each backend.

After each setup users log in by gsasl and swaks under STARTTLS, a second run changes nothing, and --undo leaves no trace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Require, lacking
from tests.real import backends
from tests.real.backends import ALICE, LDAPI, PASSWORD, SECRET
from tests.real.stock import DOMAIN, LOGINS, StockMachine

SETUP = "sasldb postfix setup"
TYPED = [("gsasl", "PLAIN"), ("gsasl", "LOGIN"), ("swaks", "PLAIN"), ("swaks", "LOGIN")]  # those that send the password
OPTIONS_FILE = "/etc/backend-options"
PROXY = f"ldapdb_id: postfix\nldapdb_pw: {SECRET}\nldapdb_mech: DIGEST-MD5\n"
PGSQL = (
    f"sql_engine: pgsql\nsql_user: postfix\nsql_passwd: {SECRET}\nsql_database: postgres\n"
    "sql_select: SELECT password FROM users WHERE name = '%u' AND realm = '%r' AND '%p' = 'userPassword'\n"
)


@contextmanager
def set_up(machine: StockMachine, backend: str, lines: str = "", status: int = 0) -> Iterator[str]:
    """Set up with the backend and `lines` for the conf, and again with no effect; yield what was printed; take it back, without trace."""
    machine.age()
    before = machine.state()
    machine.shell(f"umask 077; cat > {OPTIONS_FILE}", lines.encode())
    options = f"--backend {backend} --local-domain mydomain --submission" + (
        f" --backend-options {OPTIONS_FILE}" if lines else ""
    )
    done = machine.tried(f"{SETUP} {options} --yes 2>&1")
    assert done.returncode == status, done.stdout
    after = machine.state()
    assert machine.tried(f"{SETUP} {options} --yes 2>/dev/null").stdout == b"nothing to change\n"
    assert machine.state() == after
    try:
        yield done.stdout.decode()
    finally:
        machine.shell(f"{SETUP} --undo --yes; rm {OPTIONS_FILE}")
    assert machine.state() == before


def logged_in(machine: StockMachine, user: str, ways: list[tuple[str, str]]) -> set[tuple[int, ...]]:
    """Return what comes of the right and of a wrong password, by every way to log in, and by one of them at the port for submission."""
    ports = [(way, 25) for way in ways] + [(("swaks", "PLAIN"), 587)]
    return {tuple(machine.login(*way, user, word, port) for word in (PASSWORD, "looking-glass")) for way, port in ports}


def offered(machine: StockMachine) -> list[str]:
    """Return the mechanisms offered under TLS; in the clear there must be none."""
    assert not any(line.startswith("AUTH") for line in machine.offered(tls=False))
    return next(line for line in machine.offered() if line.startswith("AUTH ")).split()[1:]


@pytest.fixture
def postgresql(require: Require) -> None:
    """Ask for a PostgreSQL server; Debian keeps its programs where no PATH leads."""
    require("postgresql", "psql", "setpriv")
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        lacking("postgresql", "not installed: postgresql; script/test installs it")


def test_system_users(stock_machine: StockMachine, cyrus: object) -> None:
    """With saslauthd-pam the system's users log in, with and without a realm, by PLAIN and LOGIN, which alone are offered.

    A saslauthd that runs with -a shadow instead lets them in as well; it is told, with exit status 1, unless it is what was asked for.
    """
    machine = stock_machine
    with backends.system_user(machine), backends.saslauthd(machine, "-a pam"), set_up(machine, "saslauthd-pam"):
        assert offered(machine) == ["PLAIN", "LOGIN"]
        assert logged_in(machine, "alice", TYPED) == {(235, 535)}
        assert machine.login("swaks", "PLAIN", ALICE, PASSWORD) == 235
        assert machine.shell("sasldb postfix check --json").startswith('{"findings": [], ')
        backends.saslauthd_anew(machine, "-a shadow")
        assert logged_in(machine, "alice", TYPED) == {(235, 535)}
        told = [machine.tried(f"{SETUP} --backend saslauthd-{name} 2>&1") for name in ("pam", "shadow")]
        assert [done.returncode for done in told] == [1, 0]
        other = f"sasldb: saslauthd at {backends.MUX} runs with -a shadow, not with -a pam\n"
        assert told[0].stdout.decode() == f"nothing to change\n{other}"


def test_rimap(stock_machine: StockMachine, cyrus: object, require: Require) -> None:
    """With saslauthd-rimap users of an IMAP server log in: where saslauthd has -r by user and realm, else by the user alone."""
    require("imap", "dovecot")
    machine = stock_machine
    rimap = "-a rimap -O 127.0.0.1"
    with backends.imap_server(machine), backends.saslauthd(machine, f"{rimap} -r"), set_up(machine, "saslauthd-rimap"):
        assert offered(machine) == ["PLAIN", "LOGIN"]
        assert logged_in(machine, ALICE, TYPED) == {(235, 535)}
        codes = [machine.login("swaks", "PLAIN", user, PASSWORD) for user in ("alice", "bob")]
        assert codes == [235, 535]  # who is alice@example.com, and bob@example.com
        assert machine.shell("sasldb postfix check --json").startswith('{"findings": [], ')
        backends.saslauthd_anew(machine, rimap)
        codes = [machine.login("swaks", "PLAIN", user, PASSWORD) for user in ("bob", f"bob@{DOMAIN}", ALICE)]
        assert codes == [235, 235, 535]  # who is bob, and alice


def test_ldapdb(stock_machine: StockMachine, require: Require) -> None:
    """With ldapdb users of a directory log in by every mechanism; smtpd is taken out of its chroot, where libsasl cannot log in to it."""
    require("ldap", "slapd", "slapadd")
    machine = stock_machine
    with backends.directory(machine), set_up(machine, "ldapdb", f"ldapdb_uri: ldap://127.0.0.1\n{PROXY}") as printed:
        assert "smtp/inet is taken out of its chroot" in printed and SECRET not in printed
        assert machine.shell("postconf -h -F smtp/inet/chroot submission/inet/chroot") == "n\nn\n"
        assert machine.shell("stat -c '%U %a' /etc/postfix/sasl/smtpd.conf") == "root 600\n"
        assert sorted(offered(machine)) == ["LOGIN", "PLAIN", "SCRAM-SHA-256"]
        assert logged_in(machine, ALICE, LOGINS) == {(235, 535)}
        codes = [machine.login("swaks", "PLAIN", user, PASSWORD) for user in ("alice", f"nobody@{DOMAIN}")]
        assert codes == [235, 454]  # the directory lets Postfix act for nobody
        assert machine.shell("sasldb postfix check --json").startswith('{"findings": [], ')


def test_ldapdb_by_a_socket(stock_machine: StockMachine, require: Require) -> None:
    """Postfix's own user logs in at a socket inside the chroot, by EXTERNAL and with no password; smtpd then stays in it.

    Where the socket lies outside, smtpd is to be taken out.
    """
    require("ldap", "slapd", "slapadd")
    machine = stock_machine
    lines = "ldapdb_uri: ldapi://{}\nldapdb_mech: EXTERNAL\n"
    with backends.directory(machine) as outside:
        with set_up(machine, "ldapdb", lines.format(LDAPI.replace("/", "%2F"))):
            assert machine.shell("postconf -h -F smtp/inet/chroot submission/inet/chroot") == "y\ny\n"
            assert logged_in(machine, ALICE, LOGINS) == {(235, 535)}
            assert machine.shell("sasldb postfix check --json").startswith('{"findings": [], ')
        machine.shell(f"cat > {OPTIONS_FILE}", lines.format(outside.replace("/", "%2F")).encode())
        shown = machine.shell(f"{SETUP} --backend ldapdb --backend-options {OPTIONS_FILE} --dry-run 2>&1")
        assert re.search(r"^\+smtp +inet +n +- +n ", shown, re.MULTILINE)
        assert f"smtp/inet is taken out of its chroot: the directory's socket {outside} lies outside" in shown
        machine.shell(f"rm {OPTIONS_FILE}")


def test_postgresql(stock_machine: StockMachine, require: Require, postgresql: None) -> None:
    """With sql and a PostgreSQL server users of a table log in by every mechanism, from inside the chroot."""
    machine = stock_machine
    with backends.sql_server(machine), set_up(machine, "sql", f"sql_hostnames: 127.0.0.1\n{PGSQL}") as printed:
        assert SECRET not in printed
        assert logged_in(machine, ALICE, LOGINS) == {(235, 535)}
        assert machine.login("gsasl", "PLAIN", "alice", PASSWORD) == 235
        assert machine.shell("sasldb postfix check --json").startswith('{"findings": [], ')
