"""`sasldb postfix setup` where the ground is not stock: other places, other backends, refusals; and what it never does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.provider import PORT, Provider
from tests.real.stock import DOMAIN, StockMachine

PASSWORD = "wonder land:7"
ALICE = f"alice@{DOMAIN}"
SETUP = "sasldb postfix setup"
JAIL = "/var/spool/postfix"
COPY = f"{JAIL}/etc/sasldb2"
STDIN = f"{PASSWORD}\n".encode()


@pytest.fixture
def machine(stock_machine: StockMachine) -> Iterator[StockMachine]:
    """Yield the machine, and put back what it was."""
    with stock_machine.restored():
        yield stock_machine


def add(machine: StockMachine, options: str = "") -> None:
    """Make the user ALICE."""
    machine.shell(f"sasldb add --password-stdin {options} {ALICE}", STDIN)


def test_without_a_jail(machine: StockMachine) -> None:
    """Where smtpd is not chrooted there is no copy, and users log in."""
    machine.shell("postconf -F 'smtp/inet/chroot=n'")
    machine.shell(f"{SETUP} --yes")
    add(machine)
    assert machine.tried(f"test -e {COPY}").returncode == 1
    assert machine.login("gsasl", "PLAIN", ALICE, PASSWORD) == 235


def test_every_command_brings_the_copy(machine: StockMachine, cyrus: object) -> None:
    """Users made, changed and deleted by our commands are so inside the jail at once; what Cyrus's own did comes along with the next."""
    machine.shell(f"{SETUP} --yes")
    machine.shell(f"saslpasswd2 -c -p -u {DOMAIN} alice", STDIN)
    assert machine.login("swaks", "PLAIN", ALICE, PASSWORD) == 235
    machine.shell(f"sasldb passwd --password-stdin {ALICE}", b"looking-glass\n")
    assert machine.login("swaks", "PLAIN", ALICE, "looking-glass") == 235
    machine.shell(f"/usr/sbin/saslpasswd2 -c -p -u {DOMAIN} bob", STDIN)
    assert machine.login("swaks", "PLAIN", f"bob@{DOMAIN}", PASSWORD) == 535
    machine.shell(f"saslpasswd2 -d -u {DOMAIN} alice")
    codes = [machine.login("swaks", "PLAIN", user, PASSWORD) for user in (ALICE, f"bob@{DOMAIN}")]
    assert codes == [535, 235]
    assert machine.shell(f"stat -c '%U:%G %a' {COPY}") == "root:postfix 640\n"


def test_a_copy_that_cannot_be_written(machine: StockMachine) -> None:
    """The database is changed, the message says so, and the exit status is one of its own: 1, and 8 of the drop-in."""
    machine.shell(f"{SETUP} --yes")
    machine.shell(f"rm {COPY}; mkdir {COPY}")
    done = machine.tried(f"sasldb add --password-stdin {ALICE}", STDIN)
    assert done.returncode == 1 and f"added {ALICE}".encode() in done.stdout
    assert f"sasldb: {COPY}: /etc/sasldb2 was changed, this copy of it was not".encode() in done.stderr
    done = machine.tried(f"saslpasswd2 -c -p -u {DOMAIN} bob", STDIN)
    assert done.returncode == 8 and f"saslpasswd2: {COPY}: /etc/sasldb2 was changed".encode() in done.stderr
    assert sorted(machine.shell("sasldb list -u example.com").splitlines()) == [ALICE, f"bob@{DOMAIN}"]
    machine.shell(f"rmdir {COPY}")


def test_who_worked_in_the_jail_keeps_the_users(machine: StockMachine) -> None:
    """Beside Debian's empty /etc/sasldb2, a database that was kept in the jail alone becomes the database."""
    machine.shell("sasldb init")
    add(machine, f"-f {COPY}")
    assert f"copied {COPY} to /etc/sasldb2\n" in machine.shell(f"{SETUP} --local-domain mydomain --yes")
    assert machine.shell("sasldb list") == f"{ALICE}\n"
    assert machine.login("gsasl", "PLAIN", ALICE, PASSWORD) == 235


def test_two_databases(machine: StockMachine) -> None:
    """Where both have users of their own nothing is changed, and the error says how to find out."""
    add(machine, "-f /etc/sasldb2")
    machine.shell(f"sasldb add --password-stdin -f {COPY} bob@{DOMAIN}", STDIN)
    before = machine.state()
    done = machine.tried(f"{SETUP} --yes")
    assert done.returncode == 3 and b"both have users; compare them (sasldb diff" in done.stderr
    assert machine.state() == before


def test_another_instance_in_another_jail(machine: StockMachine) -> None:
    """The jail of another Postfix gets the database itself under a second name, which every command then changes, Cyrus's too."""
    provider = Provider(machine, chroot=True)
    try:
        database = f"{provider.home}/etc/sasldb2"
        printed = machine.shell(f"mkdir {provider.home}/etc; {SETUP} -c {provider.config} -f {database} --yes")
        assert f"linked {provider.home}/queue{database} to {database}\n" in printed
        again = machine.shell(f"{SETUP} -c {provider.config} -f {database} --yes")
        assert again == "nothing to change\n"
        machine.shell(f"saslpasswd2 -f {database} -c -p -u {DOMAIN} alice", STDIN)
        machine.shell(f"/usr/sbin/saslpasswd2 -f {database} -c -p -u {DOMAIN} bob", STDIN)
        codes = [machine.login("gsasl", "PLAIN", f"{user}@{DOMAIN}", PASSWORD, PORT) for user in ("alice", "bob")]
        assert codes == [235, 235]
    finally:
        provider.stop()


def test_without_a_certificate(machine: StockMachine) -> None:
    """No password is taken in the clear; mechanisms that send none are offered; submission is refused."""
    machine.shell("postconf -X smtpd_tls_cert_file smtpd_tls_key_file; postconf -e smtpd_tls_security_level=")
    machine.age()
    done = machine.tried(f"{SETUP} --yes")
    assert done.returncode == 0 and b"sasldb: no certificate is configured: passwords are not taken in" in done.stderr
    add(machine)
    offered = next(line for line in machine.offered(tls=False) if line.startswith("AUTH"))
    assert "SCRAM-SHA-256" in offered and "CRAM-MD5" in offered and "PLAIN" not in offered and "LOGIN" not in offered
    lines = machine.swaks(f"auth CRAM-MD5\nauth-user {ALICE}\nauth-password {PASSWORD}\nquit-after AUTH", tls=False)
    assert any(line.startswith("235 ") for line in lines)
    done = machine.tried(f"{SETUP} --submission --yes")
    assert done.returncode == 3 and b"submission: needs a certificate that works" in done.stderr


def test_a_key_that_does_not_fit(machine: StockMachine) -> None:
    """A certificate that smtpd could not use counts as none, and the reason is told."""
    machine.shell(
        "openssl genrsa -out /etc/postfix/other.key 2048 2>/dev/null; postconf -e smtpd_tls_key_file=/etc/postfix/other.key"
    )
    done = machine.tried(f"{SETUP} --dry-run")
    machine.shell("rm /etc/postfix/other.key")
    assert b"/etc/postfix/other.key: the private key is that of another certificate: passwords" in done.stderr


def test_nothing_without_consent(machine: StockMachine) -> None:
    """--dry-run, a no at the terminal, and a call with neither terminal nor --yes change nothing; a yes does."""
    before = machine.state()
    assert "+smtpd_sasl_auth_enable = yes\n" in machine.shell(f"{SETUP} --dry-run")
    done = machine.tried(SETUP)
    assert done.returncode == 2 and b"no terminal to ask at: name --yes, or --dry-run" in done.stderr
    assert "nothing was changed" in machine.tried(f"echo n | script -qec '{SETUP}' /dev/null").stdout.decode()
    assert machine.state() == before
    assert "changed /etc/postfix/main.cf" in machine.tried(f"echo y | script -qec '{SETUP}' /dev/null").stdout.decode()


def test_undo_after_users_came_and_went(machine: StockMachine, cyrus: object) -> None:
    """A setup that renewed the copy, and the one that made it, can be taken back whatever was done to users since, and loses none."""
    machine.shell(f"{SETUP} --local-domain mydomain --yes")
    machine.shell(f"/usr/sbin/saslpasswd2 -c -p -u {DOMAIN} bob", STDIN)
    assert f"copied /etc/sasldb2 to {COPY}\n" in machine.shell(f"{SETUP} --broken-clients --yes")
    assert machine.shell(f"grep -rl '{PASSWORD}' /etc/postfix || :") == ""
    add(machine)
    machine.age()
    assert "sasldb2" not in machine.shell(f"{SETUP} --undo --yes")
    machine.age()
    told = machine.shell(f"{SETUP} --undo --yes").splitlines()
    assert f"removed {COPY}" in told and "changed since, stays: /etc/sasldb2" in told
    assert machine.tried("test -e /etc/postfix/sasldb-undo").returncode == 1
    assert sorted(machine.shell("sasldb list").splitlines()) == [ALICE, f"bob@{DOMAIN}"]
    assert machine.tried(f"test -e {COPY}").returncode == 1


def test_a_queue_that_was_moved(machine: StockMachine) -> None:
    """Where main.cf says that the queue lies elsewhere, on another file system, the copy is made and brought along there."""
    queue = "/etc/queue"
    script = f"""
    postfix abort 2>/dev/null; mkdir {queue}; mount -t tmpfs -o mode=0755 private-queue {queue}
    cp -a {JAIL}/. {queue}; rm -f {queue}/pid/*; postconf -e queue_directory={queue}; postfix start 2>/dev/null
    """
    machine.shell(script)
    try:
        machine.age()
        assert f"copied /etc/sasldb2 to {queue}/etc/sasldb2\n" in machine.shell(f"{SETUP} --yes")
        add(machine)
        machine.shell(f"saslpasswd2 -c -p -u {DOMAIN} bob", STDIN)
        codes = [machine.login("gsasl", "PLAIN", f"{user}@{DOMAIN}", PASSWORD) for user in ("alice", "bob")]
        assert codes == [235, 235]
        assert machine.shell(f"stat -c '%U:%G %a' {queue}/etc/sasldb2") == "root:postfix 640\n"
        machine.age()
        assert f"removed {queue}/etc/sasldb2\n" in machine.shell(f"{SETUP} --undo --yes")
    finally:
        machine.shell("postfix abort 2>/dev/null; postconf -X queue_directory; postfix start 2>/dev/null")
        machine.shell(f"umount -l {queue}; rmdir {queue}")


def test_a_database_that_is_a_link(machine: StockMachine) -> None:
    """Where /etc/sasldb2 is a link, whoever names what it leads to brings the copy along as well."""
    machine.shell(f"{SETUP} --yes; mkdir /etc/db; mv /etc/sasldb2 /etc/db/users; ln -s db/users /etc/sasldb2")
    add(machine, "-f /etc/db/users")
    assert machine.login("gsasl", "PLAIN", ALICE, PASSWORD) == 235
    machine.shell("rm -r /etc/db")


def test_undo_never_loses_an_edit(machine: StockMachine) -> None:
    """Where main.cf was edited since, --undo says so, and where the old one lies, and changes nothing."""
    machine.shell(f"{SETUP} --yes; echo '# mine' >> /etc/postfix/main.cf")
    before = machine.state()
    done = machine.tried(f"{SETUP} --undo --yes")
    assert (
        done.returncode == 3
        and b"/etc/postfix/main.cf: changed since, and not overwritten; the file as it was lies in" in done.stderr
    )
    assert machine.state() == before


def test_undo_of_nothing(machine: StockMachine) -> None:
    """Without a setup there is nothing to take back."""
    done = machine.tried(f"{SETUP} --undo --yes")
    assert done.returncode == 3 and b"no setup to take back" in done.stderr


def test_a_step_that_fails(machine: StockMachine) -> None:
    """Where a file cannot be written, everything that was done before is taken back."""
    machine.shell("mount -t tmpfs -o ro private-ro /etc/postfix/sasl")
    try:
        before = machine.state()
        done = machine.tried(f"{SETUP} --yes")
        assert done.returncode == 3 and b"Read-only file system" in done.stderr
        assert machine.state() == before
    finally:
        machine.shell("umount /etc/postfix/sasl")


def test_saslauthd(machine: StockMachine, cyrus: object) -> None:
    """With saslauthd PLAIN and LOGIN alone are offered; while it cannot be reached the command says so; then the system's users log in.

    Users of a sasldb that is there make no difference: neither setup nor check --fix goes back to it.
    """
    add(machine)
    done = machine.tried(f"{SETUP} --backend saslauthd-shadow --yes")
    assert done.returncode == 1 and b"saslauthd-unreachable: " in done.stderr
    assert b"pwcheck-method" not in done.stderr
    conf = machine.shell("cat /etc/postfix/sasl/smtpd.conf")
    done = machine.tried("sasldb postfix check --fix --yes")
    assert done.returncode == 1 and b"left: saslauthd-unreachable, " in done.stderr
    assert machine.shell("cat /etc/postfix/sasl/smtpd.conf") == conf
    socket = f"{JAIL}/var/run/saslauthd"
    machine.shell(
        f"mkdir -p {socket}; chgrp postfix {socket}; chmod 750 {socket}; saslauthd -a shadow -m {socket} -n 1"
    )
    machine.shell("echo carol:x:9999:9999::/nonexistent:/usr/sbin/nologin >> /etc/passwd")
    machine.shell("echo carol:$(openssl passwd -6 -stdin):19000:0:99999:7::: >> /etc/shadow", STDIN)
    assert [machine.login("swaks", name, "carol", word) for name in ("PLAIN", "LOGIN") for word in (PASSWORD, "x")] == [
        235,
        535,
    ] * 2
    assert "AUTH PLAIN LOGIN" in machine.offered()
    assert machine.shell(f"{SETUP} --backend saslauthd-shadow --yes") == "nothing to change\n"
    before = machine.state()
    done = machine.tried(f"{SETUP} --submission --yes")
    assert (
        done.returncode == 3 and b"sasl/smtpd.conf: pwcheck_method: saslauthd, so users are found else" in done.stderr
    )
    assert machine.state() == before
    assert machine.login("swaks", "PLAIN", "carol", PASSWORD) == 235
    machine.shell("pkill saslauthd; sed -i /^carol:/d /etc/passwd /etc/shadow")


def test_sqlite(machine: StockMachine) -> None:
    """With the backend sql users of an SQLite database log in; a password in the options is never shown, and the conf is root's alone."""
    users, options_file = f"{machine.scratch}/users.sqlite", f"{machine.scratch}/options"
    script = (
        f"python3 -c \"import sqlite3; c = sqlite3.connect('{users}'); c.execute('create table u (n, r, p)');"
        f"c.execute('insert into u values (?, ?, ?)', ('alice', '{DOMAIN}', '{PASSWORD}')); c.commit()\";"
        f"install -D -m 644 {users} {JAIL}/var/users.sqlite"
    )
    machine.shell(script)
    options = (
        "sql_engine: sqlite3\nsql_database: /var/users.sqlite\nsql_user: x\nsql_passwd: geheim\n"
        "sql_select: SELECT p FROM u WHERE n = '%u' AND r = '%r' AND '%p' = 'userPassword'\n"
    )
    machine.shell(f"umask 077; cat > {options_file}", options.encode())
    call = f"{SETUP} --backend sql --backend-options {options_file} --yes 2>&1"
    printed = machine.tried(call).stdout.decode()
    assert "geheim" not in printed and "+sql_passwd: ********" in printed
    assert machine.shell("stat -c '%U %a' /etc/postfix/sasl/smtpd.conf") == "root 600\n"
    codes = [
        machine.login("gsasl", name, ALICE, word) for name in ("PLAIN", "SCRAM-SHA-256") for word in (PASSWORD, "x")
    ]
    assert codes == [235, 535] * 2
    assert machine.shell(call.replace(" 2>&1", "")) == "nothing to change\n"


@pytest.mark.parametrize(
    "options, reason",
    [
        ("--backend sql", "sql: lacks sql_engine, sql_database, sql_select"),
        ("--backend ldapdb", "ldapdb: lacks ldapdb_uri"),
        ("--backend saslauthd-pam --sender-login-maps", "cannot be generated with the backend saslauthd-pam"),
    ],
)
def test_refusals(machine: StockMachine, options: str, reason: str) -> None:
    """What cannot work is refused before anything is changed."""
    before = machine.state()
    done = machine.tried(f"{SETUP} {options} --yes")
    assert done.returncode == 3 and reason.encode() in done.stderr
    assert machine.state() == before


@pytest.mark.parametrize("what", ["setup", "client"])
def test_somebody_else_takes_nothing_back(machine: StockMachine, public_bin: str, what: str) -> None:
    """Who may not see whether there is something to take back is told that, and not that there is none."""
    machine.shell(f"{SETUP} --yes 2>&1")
    for option in ("--yes", "--dry-run"):
        done = machine.tried(f"runuser -u nobody -- {public_bin}/sasldb postfix {what} --undo {option}")
        assert (done.returncode, done.stdout) == (3, b"")
        words = b"sasldb: /etc/postfix/sasldb-undo: root alone may look for backups here; run this as root\n"
        assert done.stderr == words
