"""`sasldb postfix setup` on sites that work: who could log in and send before can do so afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Require
from tests.real import backends
from tests.real.stock import DOMAIN, StockMachine
from tests.real.test_postfix_setup import ALICE, PASSWORD, SETUP, add
from tests.real.test_postfix_setup_lists import findings, serve

BEFORE, UNDER = "smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"
SUBMISSION = "587 inet n - y - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes"

DOVECOT = f"{SUBMISSION} -o smtpd_sasl_type=dovecot -o smtpd_sasl_path=private/auth -o smtpd_relay_restrictions=permit_sasl_authenticated,reject"
LISTENER = "service auth {\n unix_listener /var/spool/postfix/private/auth {\n  mode = 0666\n }\n}\n"


@pytest.fixture
def machine(stock_machine: StockMachine) -> Iterator[StockMachine]:
    """Yield the machine without neighbours, and put back what it was."""
    with stock_machine.restored():
        stock_machine.shell("postconf -e mynetworks=192.0.2.0/24")
        yield stock_machine


def reloaded(machine: StockMachine) -> None:
    """Have Postfix read what was changed."""
    machine.age()
    machine.shell("postfix reload 2>/dev/null")


def served(machine: StockMachine, conf: str, *settings: str) -> None:
    """Let users of a sasldb log in, by a conf file and main.cf as an administrator wrote them."""
    machine.shell("cat > /etc/postfix/sasl/smtpd.conf", conf.encode())
    words = ["smtpd_sasl_auth_enable = yes", "smtpd_sasl_local_domain = $mydomain", *settings]
    machine.shell("postconf -e " + " ".join(f"'{word}'" for word in words))
    add(machine, ALICE)
    machine.shell("install -D -o root -g postfix -m 0640 /etc/sasldb2 /var/spool/postfix/etc/sasldb2")
    reloaded(machine)


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN SCRAM-SHA-256", "PLAIN LOGIN"])
def test_options_under_tls_that_follow_by_name(machine: StockMachine, mechanisms: str) -> None:
    """PLAIN stays under TLS where its options are written as those without it, in main.cf and in master.cf; check finds nothing."""
    serve(machine, f"{SUBMISSION} -o {UNDER}=${BEFORE}")
    conf = f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: {mechanisms}\n"
    served(machine, conf, f"{BEFORE} = noanonymous", f"{UNDER} = ${BEFORE}")
    for _ in range(2):
        assert [machine.login("swaks", "PLAIN", ALICE, PASSWORD, port) for port in (25, 587)] == [235, 235]
        machine.shell(f"{SETUP} --yes")
        machine.age()
    offered = next(line for line in machine.offered() if line.startswith("AUTH"))
    assert set(offered.split()[1:]) == set(mechanisms.split())
    assert machine.shell(f"postconf -h {UNDER}; postconf -Ph 587/inet/{UNDER}") == "noanonymous\n" * 2
    assert machine.shell(f"{SETUP} --yes") == "nothing to change\n"
    assert findings(machine) == []


@pytest.mark.parametrize("policy", ["authenticated", "everybody"])
def test_senders_of_dovecots_users(machine: StockMachine, require: Require, policy: str) -> None:
    """Who logs in by Dovecot at a service that goes on asking it sends as before; the sasldb's users are bound to their addresses."""
    require("imap", "dovecot")
    machine.shell("sasldb init")
    serve(machine, DOVECOT)
    reloaded(machine)
    with backends.imap_server(machine, LISTENER):
        user, address = backends.ALICE, f"sales@{DOMAIN}"
        assert machine.sent(user, address, backends.PASSWORD, 587) == 250
        machine.age()
        machine.shell(f"{SETUP} --local-domain mydomain --sender-login-maps --sender-login-policy {policy} --yes")
        add(machine, ALICE, f"bob@{DOMAIN}", address)
        machine.shell("sasldb postfix sender-login-maps")
        assert [machine.sent(user, sender, backends.PASSWORD, 587) for sender in (user, address)] == [250, 250]
        assert [machine.sent(ALICE, sender, PASSWORD) for sender in (ALICE, address)] == [250, 553]
        assert findings(machine) == []


def test_neighbours_of_submission(machine: StockMachine) -> None:
    """Submission as it was written before Postfix 2.10 goes on taking mail from neighbours without a login, and from users, and no other."""
    serve(
        machine,
        f"{SUBMISSION} -o smtpd_relay_restrictions= "
        "-o smtpd_recipient_restrictions=permit_mynetworks,permit_sasl_authenticated,reject",
    )
    machine.shell("postconf -e mynetworks=127.0.0.0/8")
    served(machine, "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n")
    for _ in range(2):
        assert [machine.sent(user, ALICE, PASSWORD, 587) for user in ("", ALICE)] == [250, 250]
        machine.shell(f"{SETUP} --submission --yes")
        machine.age()
    machine.shell("postconf -e mynetworks=192.0.2.0/24")
    reloaded(machine)
    assert [machine.sent(user, ALICE, PASSWORD, 587) for user in ("", ALICE)] == [554, 250]
    assert findings(machine) == []


def test_a_stricter_policy(machine: StockMachine) -> None:
    """Who bound everybody to sender login maps does so after a setup that names no policy; one that is named takes its place."""
    machine.shell("postconf -e smtpd_sender_restrictions=reject_sender_login_mismatch")
    machine.age()
    for options, code in [("", 553), ("--sender-login-policy authenticated", 454)]:
        machine.shell(f"{SETUP} --local-domain mydomain --sender-login-maps {options} --yes")
        machine.shell(f"sasldb list | grep -q {ALICE} || sasldb add --password-stdin {ALICE}", PASSWORD.encode())
        machine.shell("sasldb postfix sender-login-maps")
        reloaded(machine)
        assert machine.sent("", ALICE, "") == code  # 454: a stranger, and no more than that
        assert machine.sent(ALICE, ALICE, PASSWORD) == 250


@pytest.mark.parametrize("chroot", ["y", "n"])
def test_a_database_that_another_server_reads(machine: StockMachine, chroot: str) -> None:
    """The group by which Cyrus IMAP reads the database stays; smtpd has its copy, or the note says how it gets in; undo leaves what changed since."""
    groups = machine.shell("cat /etc/group")
    machine.shell(f"usermod -a -G sasl games; postconf -F smtp/inet/chroot={chroot} && echo")
    try:
        add(machine, ALICE)
        machine.shell("chown root:sasl /etc/sasldb2; chmod 0664 /etc/sasldb2")
        done = machine.tried(f"{SETUP} --yes")
        assert done.returncode == (0 if chroot == "y" else 1)  # all is set up, and nobody can log in yet
        advice = (
            "/etc/sasldb2: smtpd (user postfix) cannot read it, because it keeps group sasl, which gives games access; "
        )
        assert (advice in done.stdout.decode() + done.stderr.decode()) == (chroot == "n")
        assert machine.shell("stat -c '%U:%G %a' /etc/sasldb2") == "root:sasl 660\n"
        if chroot == "n":
            machine.age()
            assert "database-unreadable" in findings(machine)
            machine.shell("sasldb postfix check --fix --yes; true")
            assert machine.shell("id -nG postfix; stat -c '%U:%G %a' /etc/sasldb2") == "postfix sasl\nroot:sasl 660\n"
        assert machine.login("swaks", "PLAIN", ALICE, PASSWORD) == 235
        if chroot == "y":
            machine.shell("chown root:mail /etc/sasldb2")
            undone = machine.shell(f"{SETUP} --undo --yes")
            assert "changed since, stays: /etc/sasldb2" in undone
            assert machine.shell("stat -c '%U:%G %a' /etc/sasldb2") == "root:mail 660\n"
    finally:
        machine.shell("cat > /etc/group; gpasswd -d games sasl 2>/dev/null; true", groups.encode())


def test_a_map_that_was_closed_stays_closed(machine: StockMachine) -> None:
    """Who took the generated sender login map from others, or gave the table of passwords to a group, finds it so after the next run."""
    machine.shell("sasldb init")
    add(machine, ALICE)
    machine.shell(f"{SETUP} --sender-login-maps --yes")
    maps = machine.shell("ls -d /etc/postfix/sasldb_*").split()
    machine.shell(f"chown root:postfix {' '.join(maps)}; chmod 0640 {' '.join(maps)}")
    add(machine, f"bob@{DOMAIN}")
    machine.shell("sasldb postfix sender-login-maps")
    assert set(machine.shell(f"stat -c '%U:%G %a' {' '.join(maps)}").splitlines()) == {"root:postfix 640"}
