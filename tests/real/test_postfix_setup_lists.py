"""`sasldb postfix setup` where restriction lists refuse who logs in, and where something listens at the submission port already.

The machine is Debian's, but nobody is in mynetworks, so that a client without a login is a stranger.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from tests.real.stock import DOMAIN, StockMachine
from tests.real.test_postfix_setup import ALICE, PASSWORD, SETUP, add, login, set_up

BOB, STRANGER = f"bob@{DOMAIN}", "x@example.org"
BOUND = "reject_authenticated_sender_login_mismatch"
LOGIN = "permit_sasl_authenticated"
REFUSED = (450, 454, 550, 553, 554)
LOCAL = "--local-domain mydomain"
PORT = 2525
# To what setup is given -> what it makes of lists: (in main.cf or a service, list) -> value.
CASES: dict[str, tuple[str, dict[str, str]]] = {
    "recipient": (
        "postconf -e 'smtpd_recipient_restrictions=reject_unauth_destination, permit_sasl_authenticated'",
        {"smtpd_recipient_restrictions": f"{LOGIN}, reject_unauth_destination, {LOGIN}"},
    ),
    "as before Postfix 2.10": (
        "postconf -e smtpd_relay_restrictions= 'smtpd_recipient_restrictions=permit_mynetworks, reject_unauth_destination'",
        {
            "smtpd_relay_restrictions": "",
            "smtpd_recipient_restrictions": f"permit_mynetworks, {LOGIN}, reject_unauth_destination",
        },
    ),
    "client": (
        "postconf -e 'smtpd_client_restrictions=permit_mynetworks, reject'",
        {"smtpd_client_restrictions": f"permit_mynetworks, {LOGIN}, reject"},
    ),
    "helo": ("postconf -e smtpd_helo_restrictions=reject", {"smtpd_helo_restrictions": f"{LOGIN}, reject"}),
    "sender": (
        "postconf -e 'smtpd_sender_restrictions=reject_non_fqdn_sender, reject'",
        {"smtpd_sender_restrictions": f"reject_non_fqdn_sender, {LOGIN}, reject"},
    ),
    "sender, when smtpd answers at once": (
        "postconf -e smtpd_delay_reject=no smtpd_sender_restrictions=reject",
        {"smtpd_sender_restrictions": f"{LOGIN}, reject"},
    ),
    "all of them": (
        "for one in client helo sender relay recipient; do postconf -e smtpd_${one}_restrictions=reject; done",
        {f"smtpd_{one}_restrictions": f"{LOGIN}, reject" for one in ("client", "helo", "sender", "relay", "recipient")},
    ),
    "a class, and a name for a list": (
        "postconf -e smtpd_restriction_classes=ours 'ours=permit_mynetworks, reject' smtpd_recipient_restrictions=ours "
        "'mua=reject' 'smtpd_client_restrictions=$mua'",
        {"ours": f"permit_mynetworks, {LOGIN}, reject", "mua": f"{LOGIN}, reject"},
    ),
}
SERVICE = f"{PORT} inet n - y - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=$mua \
-o smtpd_recipient_restrictions=permit_mynetworks,reject"
FILTER = """127.0.0.1:10025 inet n - n - - smtpd -o content_filter= -o mynetworks=127.0.0.0/8 -o smtpd_delay_reject=no \
-o smtpd_client_restrictions=permit_mynetworks,reject -o smtpd_helo_restrictions= -o smtpd_sender_restrictions= \
-o smtpd_relay_restrictions=permit_mynetworks,reject -o smtpd_recipient_restrictions=permit_mynetworks,reject"""

# swaks speaks IPv6 only with a module that is not installed everywhere. Prints the replies to MAIL before TLS, to AUTH and to RCPT.
_SIX = """
import smtplib, ssl, sys
context = ssl.create_default_context(cafile="/etc/ssl/certs/ssl-cert-snakeoil.pem")
context.check_hostname = False
with smtplib.SMTP("::1", 587, timeout=20) as client:
    client.ehlo()
    early = client.mail(sys.argv[1])[0]
    client.starttls(context=context)
    inside = client.login(sys.argv[1], sys.stdin.read())[0]
    client.mail(sys.argv[1])
    print(early, inside, client.rcpt("somebody@example.net")[0])
"""


@pytest.fixture
def machine(stock_machine: StockMachine) -> Iterator[StockMachine]:
    """Yield the machine without neighbours, and put back what it was."""
    with stock_machine.restored():
        stock_machine.shell("postconf -e mynetworks=192.0.2.0/24")
        yield stock_machine


def serve(machine: StockMachine, *lines: str) -> None:
    """Add services to master.cf."""
    machine.shell("cat >> /etc/postfix/master.cf", "".join(f"{line}\n" for line in lines).encode())


def codes(machine: StockMachine, port: int = 25) -> list[int]:
    """Return what ALICE and a stranger are told of a foreign recipient."""
    return [machine.sent(ALICE, ALICE, PASSWORD, port), machine.sent("", STRANGER, "", port)]


def findings(machine: StockMachine) -> list[str]:
    """Return the names of what the check finds."""
    done = machine.tried("sasldb postfix check --json")
    return [finding["name"] for finding in json.loads(done.stdout)["findings"]]


@pytest.mark.parametrize("name", CASES)
def test_users_pass_and_strangers_do_not(machine: StockMachine, name: str) -> None:
    """Whatever list of main.cf refused it, ALICE's mail is taken after a login and a stranger's is not, and check finds nothing."""
    script, lists = CASES[name]
    machine.shell(script)
    machine.age()
    before = machine.state()
    shown = machine.shell(f"{SETUP} {LOCAL} --dry-run").splitlines()
    assert {f"+{one} = {value}".rstrip() for one, value in lists.items() if value} <= set(shown)
    assert machine.state() == before
    with set_up(machine, LOCAL):
        add(machine, ALICE)
        user, stranger = codes(machine)
        assert user == 250 and stranger in (0, *REFUSED)
        assert findings(machine) == []
        assert machine.shell("postconf -xh " + " ".join(lists)).splitlines() == [*lists.values()]


@pytest.mark.parametrize("refusing", ["reject_non_fqdn_sender, reject", f"reject, {BOUND}", f"{LOGIN}, reject"])
def test_users_are_bound_before_they_pass(machine: StockMachine, refusing: str) -> None:
    """With sender login maps a user gets through a list of senders that refuses, and only with the own address; so at a service's own."""
    machine.shell(f"postconf -e 'smtpd_sender_restrictions={refusing}'")
    serve(machine, f"{PORT} inet n - y - - smtpd -o smtpd_sender_restrictions={refusing.replace(', ', ',')}")
    with set_up(machine, f"{LOCAL} --sender-login-maps"):
        add(machine, ALICE, BOB)
        machine.shell("sasldb postfix sender-login-maps")
        for port in (25, PORT):
            assert [machine.sent(ALICE, sender, PASSWORD, port) for sender in (ALICE, BOB, STRANGER)] == [250, 553, 553]
            assert machine.sent("", STRANGER, "", port) in REFUSED
        assert findings(machine) == []
        machine.shell("rm /etc/postfix/sasldb_sender_logins*")


def test_maps_after_the_setup(machine: StockMachine) -> None:
    """Where a setup has let users pass already, a second one with sender login maps binds them."""
    machine.shell("postconf -e smtpd_sender_restrictions=reject")
    machine.age()
    machine.shell(f"{SETUP} --yes")
    machine.age()
    machine.shell(f"{SETUP} --sender-login-maps --yes")
    add(machine, ALICE)
    machine.shell("sasldb postfix sender-login-maps")
    assert [machine.sent(ALICE, sender, PASSWORD) for sender in (ALICE, BOB)] == [250, 553]
    assert machine.shell("postconf -h smtpd_sender_restrictions") == f"{BOUND}, {LOGIN}, reject\n"


def test_lists_of_a_service(machine: StockMachine) -> None:
    """A service that offers AUTH and has lists of its own, or names one of main.cf's, lets users pass as well."""
    machine.shell("postconf -e mua=reject 'smtpd_client_restrictions=$mua'")
    serve(machine, SERVICE)
    with set_up(machine, LOCAL):
        add(machine, ALICE)
        for port in (25, PORT):
            user, stranger = codes(machine, port)
            assert user == 250 and stranger in REFUSED
        assert machine.shell("postconf -h mua") == f"{LOGIN}, reject\n"
        wanted = f"{PORT}/inet/smtpd_recipient_restrictions = permit_mynetworks,{LOGIN},reject\n"
        assert machine.shell(f"postconf -P {PORT}/inet/smtpd_recipient_restrictions") == wanted
        assert findings(machine) == []


def test_a_client_that_is_refused_before_it_can_log_in(machine: StockMachine) -> None:
    """With smtpd_delay_reject = no setup does the rest, and says what only the administrator can change; then users get in."""
    machine.shell(
        "postconf -e smtpd_delay_reject=no 'smtpd_client_restrictions=permit_mynetworks, reject' smtpd_recipient_restrictions=reject"
    )
    machine.age()
    done = machine.tried(f"{SETUP} {LOCAL} --yes")
    said = done.stderr.decode()
    assert done.returncode == 1 and b"changed /etc/postfix/main.cf\n" in done.stdout
    assert (
        "smtpd_client_restrictions of smtp/inet goes on refusing whoever has logged in, until you change it: "
        "with smtpd_delay_reject = no, this list is gone through before the login\n" in said
    )
    assert "relay-refused: smtpd_client_restrictions of smtp/inet refuses by reject" in said
    assert machine.shell("postconf -h smtpd_recipient_restrictions") == f"{LOGIN}, reject\n"
    add(machine, ALICE)
    assert codes(machine) == [0, 0] and findings(machine) == ["relay-refused"]
    machine.shell("postconf -X smtpd_delay_reject")
    machine.age()
    machine.shell(f"{SETUP} {LOCAL} --yes")
    user, stranger = codes(machine)
    assert user == 250 and stranger in REFUSED and findings(machine) == []


@pytest.mark.parametrize("options", ["", "--sender-login-maps --sender-login-policy everybody"])
def test_a_content_filter_gives_its_mail_back(machine: StockMachine, options: str) -> None:
    """The service to which a content filter gives mail back stays as it is, and takes users' mail without a login."""
    serve(machine, FILTER)
    overrides = machine.shell("postconf -P 127.0.0.1:10025/inet")
    with set_up(machine, f"{LOCAL} {options}"):
        add(machine, ALICE)
        if options:
            machine.shell("sasldb postfix sender-login-maps")
        given = machine.swaks(f"from {ALICE}\nto somebody@example.net\nquit-after RCPT", 10025, tls=False)
        place = next(number for number, line in enumerate(given) if line.startswith("RCPT TO:"))
        assert given[place + 1].startswith("250 ")
        assert machine.shell("postconf -P 127.0.0.1:10025/inet") == overrides
        assert findings(machine) == []
        machine.shell("rm -f /etc/postfix/sasldb_sender_logins*")


def test_a_content_filter_that_would_be_bound(machine: StockMachine) -> None:
    """With the policy everybody it is said which service would refuse users' mail for lack of a login; what is said then lets it pass."""
    serve(machine, "127.0.0.1:10025 inet n - n - - smtpd -o content_filter= -o mynetworks=127.0.0.0/8")
    with set_up(machine, f"{LOCAL} --sender-login-maps --sender-login-policy everybody") as printed:
        add(machine, ALICE)
        machine.shell("sasldb postfix sender-login-maps")
        said = "127.0.0.1:10025/inet is a content filter's, and would refuse users' mail: give it -o smtpd_sender_restrictions="
        assert f"sasldb: {said}\n" in printed
        assert machine.sent("", ALICE, "", 10025) == 553
        kept = f"{machine.scratch}/master.cf"
        machine.shell(
            f"cp -a /etc/postfix/master.cf {kept}; postconf -P 127.0.0.1:10025/inet/smtpd_sender_restrictions="
        )
        machine.age()
        machine.shell("postfix stop 2>/dev/null; postfix start 2>/dev/null")
        assert machine.sent("", ALICE, "", 10025) == 250
        machine.shell(f"cp -a {kept} /etc/postfix/master.cf; rm /etc/postfix/sasldb_sender_logins*")


def test_a_port_without_logins(machine: StockMachine) -> None:
    """A service that offers no AUTH, and relays for nobody, stays as it is."""
    serve(machine, f"{PORT} inet n - y - - smtpd -o smtpd_sasl_auth_enable=no -o smtpd_relay_restrictions=reject")
    with set_up(machine, f"{LOCAL} --submission --sender-login-maps"):
        assert not any(line.startswith("AUTH") for line in machine.offered(PORT))
        assert machine.shell(f"postconf -Ph {PORT}/inet/smtpd_relay_restrictions") == "reject\n"
        assert machine.sent("", STRANGER, "", PORT) in REFUSED


@pytest.mark.parametrize("name", ["587", "127.0.0.1:submission", "submission"])
def test_what_listens_at_the_port_is_submission(machine: StockMachine, name: str) -> None:
    """Whatever it is called, it serves users after the setup, with main.cf's lists mended for it, and nobody else."""
    machine.shell("postconf -e 'smtpd_client_restrictions=reject_unknown_client_hostname, reject'")
    serve(
        machine, f"{name} inet n - n - - smtpd -o syslog_name=mine -o smtpd_helo_restrictions=permit_mynetworks,defer"
    )
    with set_up(machine, f"{LOCAL} --submission"):
        add(machine, ALICE)
        assert login(machine, "gsasl", "SCRAM-SHA-256", 587) == (235, 535)
        user, stranger = codes(machine, 587)
        assert user == 250 and stranger in REFUSED
        assert machine.shell("postconf -F */inet/command | grep -c 'syslog_name=mine'") == "1\n"
        assert machine.shell("postconf -Fh */inet/service | grep -c -e 587 -e submission") == "1\n"
        assert findings(machine) == []


def test_submission_on_the_other_loopback(machine: StockMachine) -> None:
    """A service at [::1] alone is submission too: users log in there, and no second service is made."""
    _protocols(machine, "all")
    serve(machine, "[::1]:submission inet n - n - - smtpd")
    try:
        with set_up(machine, f"{LOCAL} --submission"):
            add(machine, ALICE)
            done = machine.run(sys.executable, "-c", _SIX, ALICE, stdin=PASSWORD.encode())
            assert done.stdout == b"530 235 250\n", done.stderr
            assert machine.offered(587) == []  # nobody is at the other address
            assert machine.shell("postconf -Fh */inet/service | grep -c -e 587 -e submission") == "1\n"
    finally:
        machine.shell("sed -i /::1/d /etc/postfix/master.cf")
        _protocols(machine, "ipv4")


def test_another_program_at_the_port(machine: StockMachine) -> None:
    """Where postscreen is at the port, nothing is changed."""
    serve(machine, "587 inet n - n - 1 postscreen", "smtpd pass - - n - - smtpd")
    machine.age()
    before = machine.state()
    done = machine.tried(f"{SETUP} --submission --yes")
    assert done.returncode == 3 and b"port 587 is served by postscreen already (587/inet in master.cf)" in done.stderr
    assert machine.state() == before


def _protocols(machine: StockMachine, protocols: str) -> None:
    """Have Postfix speak them, for which it has to be started anew."""
    machine.shell(f"postfix stop 2>/dev/null; postconf -e inet_protocols={protocols}")
    machine.age()
    machine.shell("postfix start 2>/dev/null")
