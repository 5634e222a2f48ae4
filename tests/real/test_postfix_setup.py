"""`sasldb postfix setup` on Postfix as Debian installs it: users log in, a second run changes nothing, --undo leaves no trace."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.real.stock import DOMAIN, LOGINS, StockMachine

PASSWORD = "wonder land:7"
ALICE = f"alice@{DOMAIN}"
SETUP = "sasldb postfix setup"
_LOCAL, _HIDDEN = "--local-domain mydomain", "--exceptions-networks '!127.0.0.1, 127.0.0.0/8'"
_SENDERS = "--sender-login-maps"
COMPANIES = [
    f"{_SENDERS} --sender-login-policy everybody",
    f"--authenticated-header {_SENDERS}",
    f"--submission --broken-clients {_SENDERS}",
    f"--submission {_HIDDEN} --authenticated-header",
    f"{_LOCAL} --broken-clients",
    f"{_LOCAL} {_HIDDEN} {_SENDERS}",
    f"{_LOCAL} --submission {_HIDDEN} --authenticated-header --broken-clients {_SENDERS} --sender-login-policy everybody",
]


@contextmanager
def set_up(machine: StockMachine, options: str) -> Iterator[str]:
    """Set up with `options`, again with no effect, yield what was printed, and take it back; the machine must be as it was then."""
    machine.age()
    before = machine.state()
    printed = machine.shell(f"{SETUP} {options} --yes 2>&1")
    after = machine.state()
    assert machine.shell(f"{SETUP} {options} --yes 2>/dev/null") == "nothing to change\n"
    assert machine.state() == after
    try:
        yield printed
    finally:
        # A database with users is not the setup's any more, and stays.
        machine.shell("rm -f /etc/sasldb2 /var/spool/postfix/etc/sasldb2")
        machine.shell(f"{SETUP} --undo --yes")
    assert machine.state() == before


def add(machine: StockMachine, *users: str) -> None:
    """Make users with PASSWORD."""
    for user in users:
        machine.shell(f"sasldb add --password-stdin {user}", f"{PASSWORD}\n".encode())


def login(machine: StockMachine, client: str, mechanism: str, port: int = 25) -> tuple[int, int]:
    """Return what the server answers ALICE with the right and with a wrong password."""
    right = machine.login(client, mechanism, ALICE, PASSWORD, port)
    return right, machine.login(client, mechanism, ALICE, PASSWORD + "x", port)


def header(machine: StockMachine) -> str:
    """Send a message as ALICE, and return it as it lies in the queue, which is empty afterwards."""
    login = f"auth PLAIN\nauth-user {ALICE}\nauth-password {PASSWORD}\n"
    machine.swaks(f"{login}from {ALICE}\nto somebody@example.net")
    message = machine.shell("postcat -q $(mailq | awk 'NR == 2 { print $1 }' | tr -d '*')")
    machine.shell("postsuper -d ALL 2>/dev/null")
    return message


def name_login_maps(machine: StockMachine, value: str) -> None:
    """Set smtpd_sender_login_maps, and have Postfix read it."""
    machine.shell(f"postconf -e 'smtpd_sender_login_maps = {value}'")
    machine.age()
    machine.shell("postfix reload 2>&1")


def test_stock_postfix_offers_no_login(stock_machine: StockMachine) -> None:
    """Before, there is STARTTLS and no AUTH: what the following tests find is the setup's doing."""
    assert "STARTTLS" in stock_machine.offered(tls=False)
    assert not any(line.startswith("AUTH") for line in stock_machine.offered())


def test_login_under_starttls(stock_machine: StockMachine) -> None:
    """After a setup with no option at all users log in, by every client and mechanism, and a wrong password is refused.

    The database and its copy in the jail are root:postfix 0640; all that is done is shown before, and told.
    """
    with set_up(stock_machine, "") as printed:
        add(stock_machine, ALICE)
        assert {login(stock_machine, *each) for each in LOGINS} == {(235, 535)}
        assert [line for line in stock_machine.offered(tls=False) if line.startswith("AUTH")] == []
        owners = stock_machine.shell("stat -c '%U:%G %a' /etc/sasldb2 /var/spool/postfix/etc/sasldb2")
        assert owners == "root:postfix 640\n" * 2
        assert "+smtpd_sasl_auth_enable = yes\n" in printed and "+mech_list: PLAIN LOGIN SCRAM-SHA-256\n" in printed
        assert printed.splitlines()[-6:-1] == [
            "made /etc/sasldb2, root:postfix 0640",
            "copied /etc/sasldb2 to /var/spool/postfix/etc/sasldb2",
            "made /etc/postfix/sasl/smtpd.conf",
            "changed /etc/postfix/main.cf",
            "reloaded Postfix",
        ]


def test_each_two_options_meet() -> None:
    """Any two options are in one company together, in one each without the other, and in one neither is there; so with both policies."""
    names = [
        "--local",
        "--submission",
        "--exceptions",
        "--auth",
        "--broken",
        "--sender-login-maps",
        "-policy everybody",
    ]
    for one, other in itertools.combinations(names, 2):
        met = {(one in options, other in options) for options in COMPANIES}
        impossible = {(False, True)} if (one, other) == (names[-2], names[-1]) else set()
        assert met == {(False, False), (False, True), (True, False), (True, True)} - impossible, (one, other)


@pytest.mark.parametrize("options", COMPANIES)
def test_options_together(stock_machine: StockMachine, options: str) -> None:
    """With options in any company users log in, on both ports; each option has its effect, and Postfix complains of nothing."""
    with set_up(stock_machine, options):
        add(stock_machine, ALICE)
        assert stock_machine.shell("postfix check 2>&1; postconf -n 2>&1 >/dev/null") == ""
        assert login(stock_machine, "gsasl", "SCRAM-SHA-256") == (235, 535)
        assert login(stock_machine, "swaks", "PLAIN") == (235, 535)
        assert any(line.startswith("AUTH=") for line in stock_machine.offered()) == ("--broken" in options)
        bare = stock_machine.login("gsasl", "PLAIN", "alice", PASSWORD)
        assert bare == (235 if "--local-domain" in options else 535)
        if _SENDERS in options:
            stock_machine.shell("sasldb postfix sender-login-maps")
        if "--local-domain" in options:
            assert stock_machine.shell("sasldb postfix check --json").startswith('{"findings": [], ')
        assert bool(stock_machine.offered(587)) == ("--submission" in options)
        if "--submission" in options:
            assert login(stock_machine, "swaks", "LOGIN", 587) == (235, 535)
            assert stock_machine.sent("", ALICE, "", 587) == 554
        assert (f"(Authenticated sender: {ALICE})" in header(stock_machine)) == ("--authenticated-header" in options)
        assert stock_machine.sent(ALICE, "x@example.org", PASSWORD) == (553 if _SENDERS in options else 250)
        assert stock_machine.sent("", ALICE, "") == (553 if "everybody" in options else 250)
        stock_machine.shell("rm -f /etc/postfix/sasldb_sender_logins*")


def test_exceptions_networks(stock_machine: StockMachine) -> None:
    """Clients of the networks named are not offered AUTH."""
    with set_up(stock_machine, "--exceptions-networks 127.0.0.0/8"):
        assert not any(line.startswith("AUTH") for line in stock_machine.offered())


def test_a_user_sends_as_itself_alone(stock_machine: StockMachine) -> None:
    """With sender login maps a user may use the own address, and neither another user's nor a stranger's; logins without a realm too."""
    with set_up(stock_machine, "--sender-login-maps"):
        bob, dora = f"bob@{DOMAIN}", f"dora@mail.{DOMAIN}"
        add(stock_machine, ALICE, bob, dora)
        printed = stock_machine.shell("sasldb postfix sender-login-maps")
        assert "changed /etc/postfix/sasldb_sender_logins\n" in printed
        assert [stock_machine.sent(ALICE, sender, PASSWORD) for sender in (ALICE, ALICE.upper())] == [250, 250]
        assert [stock_machine.sent(ALICE, sender, PASSWORD) for sender in (bob, "x@example.org")] == [553, 553]
        assert [stock_machine.sent(bob, sender, PASSWORD) for sender in (bob, ALICE)] == [250, 553]
        # myhostname is the realm of a bare login, and smtpd reports the login without it.
        assert [stock_machine.sent("dora", sender, PASSWORD) for sender in (dora, bob)] == [250, 553]
        assert stock_machine.sent("", ALICE, "") == 250  # strangers are not bound
        assert stock_machine.shell("sasldb postfix sender-login-maps") == "up to date: 3 addresses\n"
        stock_machine.shell(f"sasldb delete {bob}; sasldb postfix sender-login-maps")
        assert stock_machine.sent(ALICE, ALICE, PASSWORD) == 250
        stock_machine.shell("rm /etc/postfix/sasldb_sender_logins*")


def test_users_in_a_realm_that_nobody_sends_as(stock_machine: StockMachine) -> None:
    """Users in the realm of the host's name cannot send as the domain: that is said, by setup too, and both ways out work."""
    host = f"mail.{DOMAIN}"
    setup, update = f"{SETUP} {_SENDERS} --yes 2>&1 >/dev/null", "sasldb postfix sender-login-maps 2>&1 >/dev/null"
    with set_up(stock_machine, _SENDERS) as printed:
        assert "send as user@" not in printed  # nobody is there yet
        add(stock_machine, f"alice@{host}")
        said = stock_machine.shell(update)
        assert said in stock_machine.shell(setup)
        assert f"lets users of the realm {host} send as user@{host} alone: as user@{DOMAIN} they are refused" in said
        assert [stock_machine.sent("alice", sender, PASSWORD) for sender in (ALICE, f"alice@{host}")] == [553, 250]
        # A map of the administrator's own, before the generated one.
        ours = stock_machine.shell("postconf -h smtpd_sender_login_maps").strip()
        stock_machine.shell(f"echo '{ALICE} alice' > /etc/postfix/own; postmap /etc/postfix/own")
        name_login_maps(stock_machine, f"hash:/etc/postfix/own, {ours}")
        assert stock_machine.shell(update) == ""
        assert [stock_machine.sent("alice", sender, PASSWORD) for sender in (ALICE, f"alice@{host}")] == [250, 250]
        stock_machine.shell("rm /etc/postfix/own*")
        name_login_maps(stock_machine, ours)
        # The command that is named.
        command = said.partition("run: ")[2].partition(" (they log in")[0]
        stock_machine.shell(command)
        assert stock_machine.shell(update) == "" and "send as user@" not in stock_machine.shell(setup)
        assert [stock_machine.sent(ALICE, sender, PASSWORD) for sender in (ALICE, f"alice@{host}")] == [250, 553]
        assert "sender-login" not in stock_machine.shell("sasldb postfix check --json; true").partition('"passed"')[0]
        stock_machine.shell("rm /etc/postfix/sasldb_sender_logins*")


def test_senders_of_everybody(stock_machine: StockMachine) -> None:
    """With the policy everybody, and a local domain, nobody else may use a user's address, and the user may, with a bare login."""
    with set_up(stock_machine, "--local-domain mydomain --sender-login-maps --sender-login-policy everybody"):
        add(stock_machine, ALICE)
        stock_machine.shell("sasldb postfix sender-login-maps")
        assert [stock_machine.sent(login, ALICE, PASSWORD) for login in (ALICE, "alice", "")] == [250, 250, 553]
        assert stock_machine.sent("", "x@example.org", "") == 250
        stock_machine.shell(f"{SETUP} --sender-login-maps --sender-login-policy authenticated --yes")
        assert [stock_machine.sent(login, ALICE, PASSWORD) for login in (ALICE, "")] == [250, 250]
        assert stock_machine.sent(ALICE, "x@example.org", PASSWORD) == 553
        found = stock_machine.shell("postconf -h smtpd_sender_restrictions")
        assert found == "reject_authenticated_sender_login_mismatch\n"
        stock_machine.shell(f"{SETUP} --undo --yes")
        stock_machine.shell("rm /etc/postfix/sasldb_sender_logins*")
