"""What postfix.config.restrictions says of a list is what a real smtpd does: one Postfix with a service for each case."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator

import pytest

from sasldb.postfix.config import restrictions
from sasldb.postfix.config.instance import Instance, Service
from sasldb.postfix.config.restrictions import CLIENT, HELO, RECIPIENT, RELAY, SENDER, STRANGER, USER
from tests.conftest import ROOT, Require, lacking
from tests.real.faulty import NO_ANSWER, PASSWORD
from tests.real.faulty import USER as LOGIN
from tests.real.faulty import FaultyPostfix
from tests.real.postfix import _free_port

_PATIENCE = 4.0  # seconds, for an answer that does not come
OWN, OWNED, FREE = (
    "own@example.com",
    "owned@example.com",
    "free@example.com",
)  # by the user, by somebody else, by nobody
BIND, BIND_USERS = "reject_sender_login_mismatch", "reject_authenticated_sender_login_mismatch"
GOOD = "permit_sasl_authenticated, reject_unauth_destination"
UNWRITABLE = "a map with a code and words"
CLASSES = {"smtpd_restriction_classes": "inner"}
CASES: dict[str, dict[str, str]] = {
    "stock": {RELAY: "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"},
    "login last": {RELAY: "permit_mynetworks reject_unauth_destination permit_sasl_authenticated"},
    "odd case": {RELAY: "Permit_SASL_Authenticated, REJECT"},
    "a client's list as well": {CLIENT: "permit_sasl_authenticated, reject", RELAY: GOOD},
    "a list before the login": {CLIENT: "permit_sasl_authenticated, reject", RELAY: GOOD, "smtpd_delay_reject": "no"},
    "no recipient yet": {SENDER: "reject_unauth_destination", RELAY: "static:OK, reject", "smtpd_delay_reject": "no"},
    "helo": {HELO: "check_helo_access static:REJECT", RELAY: GOOD},
    "a map that says OK": {RELAY: "check_client_access static:OK, reject_unauth_destination"},
    "a map without a word before it": {RELAY: "static:OK, reject"},
    "a map that refuses": {RELAY: "check_recipient_access static:reject, reject_unauth_destination"},
    "a map with a code": {RELAY: "check_sender_access static:554, reject"},
    "a map with a list": {RELAY: "check_client_access static:permit_sasl_authenticated, reject"},
    "a map that does not know": {RELAY: "check_client_access static:DUNNO, permit_sasl_authenticated, reject"},
    "a map of logins": {RELAY: "check_sasl_access static:OK, reject"},
    "a map with braces": {RELAY: "check_client_access static:{OK}, reject"},
    UNWRITABLE: {RELAY: "check_client_access static:{554 no}, static:OK, reject"},
    "inline": {RELAY: "check_client_access inline:{ a=OK, b=OK }, permit_sasl_authenticated, reject"},
    "only warned": {RELAY: "warn_if_reject reject, permit, reject", RECIPIENT: "permit_sasl_authenticated, reject"},
    "warn_if_reject permit": {RELAY: "warn_if_reject permit, reject"},
    "a class that permits": {
        RELAY: "inner, reject",
        "inner": "permit_mynetworks, permit_sasl_authenticated",
        **CLASSES,
    },
    "a class in a class": {
        RELAY: "outer",
        "outer": "permit_mynetworks, inner",
        "inner": GOOD,
        "smtpd_restriction_classes": "inner outer",
    },
    "a class warned of": {RELAY: "warn_if_reject inner, reject_unauth_destination", "inner": "reject", **CLASSES},
    "a permit in a class": {RELAY: "inner, reject", "inner": "permit, reject", **CLASSES},
    "a name": {RELAY: "permit_mynetworks, $inner", "inner": GOOD},
    "owners alone": {RELAY: "reject_unauthenticated_sender_login_mismatch, static:OK, reject"},
    "recipients too": {RELAY: GOOD, RECIPIENT: "reject"},
    "bound": {RELAY: GOOD, SENDER: BIND},
    "bound by the second policy": {RELAY: GOOD, SENDER: BIND_USERS},
    "bound in another list": {RELAY: f"{BIND}, {GOOD}", SENDER: "permit"},
    "bound in the client's list": {RELAY: GOOD, CLIENT: BIND},
    "bound too late": {RELAY: GOOD, SENDER: f"permit_sasl_authenticated, {BIND}"},
    "bound behind permit": {RELAY: GOOD, SENDER: f"permit, {BIND}"},
    "bound behind a map": {RELAY: GOOD, SENDER: f"check_sender_access static:OK, {BIND}"},
    "bound, only warned": {RELAY: GOOD, SENDER: f"warn_if_reject {BIND}"},
    "bound in a class": {RELAY: GOOD, SENDER: "inner, permit", "inner": BIND, **CLASSES},
    "bound before there is a sender": {RELAY: GOOD, CLIENT: BIND, "smtpd_delay_reject": "no"},
}
STOPPED: dict[str, dict[str, str]] = {
    "nothing": {RELAY: "permit_mynetworks"},
    "behind permit": {RELAY: "permit, reject"},
    "only warned of": {RELAY: "warn_if_reject reject"},
    "behind permit in the class": {RELAY: "inner", "inner": "permit, reject", **CLASSES},
}


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """Return the port of each case."""
    names, found = [*CASES, *STOPPED], set[int]()
    while len(found) < len(names):  # a free port may be told twice
        found.add(_free_port())
    return dict(zip(names, found))


@pytest.fixture(scope="module")
def postfix(postfix_parts: None, require: Require, ports: dict[str, int]) -> Iterator[FaultyPostfix]:
    """Yield a Postfix with all the services."""
    require("namespace", "unshare", "nsenter")
    require("postfix", "openssl")
    try:
        instance = FaultyPostfix(False, f"{ROOT}/bin")
    except OSError as error:
        lacking("namespace", str(error))
    with instance:
        serve(instance, {ports[name]: values for name, values in (*CASES.items(), *STOPPED.items())})
        yield instance


def serve(postfix: FaultyPostfix, services: dict[int, dict[str, str]]) -> None:
    """Have smtpd serve each port with values of its own."""
    lines = []
    for port, values in services.items():
        lines.append(f"127.0.0.1:{port} inet n - n - - smtpd")
        lines += [f"  -o {{ {name} = {value} }}" for name, value in values.items()]
    owned = f'printf "{OWN} %s\\n{OWNED} %s\\n" Alice@Example.COM carol@example.com > "$CONFIG/owners"'
    named = f'{owned}; main "smtpd_sender_login_maps=texthash:$CONFIG/owners"'
    postfix.break_by("cat >> \"$CONFIG/master.cf\" <<'END'\n" + "\n".join(lines) + f"\nEND\n{named}\n")


@pytest.fixture(scope="module")
def services(postfix: FaultyPostfix, ports: dict[str, int]) -> dict[str, Service]:
    """Return the service of each case, as postconf tells it."""
    names = {f"127.0.0.1:{port}": name for name, port in ports.items()}
    return {names[one.name]: one for one in Instance(postfix.config).servers if one.name in names}


def reply(port: int, user: str, sender: str) -> int:
    """Offer mail for a foreign domain, and return the reply to the recipient, or the refusal that came before it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=_PATIENCE) as client:
            client.starttls(context=context)
            if user:
                client.login(user, PASSWORD)
            client.ehlo_or_helo_if_needed()
            code, _ = client.mail(sender)
            return code if code >= 400 else client.rcpt("b@example.net")[0]
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    except (TimeoutError, smtplib.SMTPServerDisconnected):
        return NO_ANSWER


@pytest.mark.parametrize("name", CASES)
def test_who_may_relay(postfix: FaultyPostfix, services: dict[str, Service], ports: dict[str, int], name: str) -> None:
    """Who has logged in and who has not are refused where that is said, and nowhere else."""
    said = [restrictions.refusal(services[name], client) is None for client in (USER, STRANGER)]
    done = [reply(ports[name], *who) == 250 for who in ((LOGIN, OWN), ("", FREE))]
    assert restrictions.works(services[name]) and said == done


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("bound")])
def test_senders_are_bound(
    postfix: FaultyPostfix, services: dict[str, Service], ports: dict[str, int], name: str
) -> None:
    """A user may send as another where that is said, and nowhere else."""
    said = restrictions.binding(services[name]) is not None
    assert reply(ports[name], LOGIN, OWNED) == (553 if said else 250)


@pytest.mark.parametrize("name", STOPPED)
def test_what_smtpd_demands(
    postfix: FaultyPostfix, services: dict[str, Service], ports: dict[str, int], name: str
) -> None:
    """Where nothing protects, smtpd ends, and nobody is let in."""
    assert not restrictions.works(services[name])
    assert reply(ports[name], "", FREE) == NO_ANSWER


def test_remedies(postfix: FaultyPostfix, ports: dict[str, int]) -> None:
    """Once check has mended all of it, users relay, strangers do not, and nobody sends as another, on every port.

    What postconf cannot write, it does not mend, and that does not hinder the rest.
    """
    mended = {name: values for name, values in {**CASES, **STOPPED}.items() if "smtpd_delay_reject" not in values}
    serve(postfix, {ports[name]: values for name, values in mended.items()})
    assert postfix.mend('sasldb postfix check -c "$CONFIG" --fix --yes || true  # and a reload') == ""
    wrong = {}
    for name in mended:
        found = [reply(ports[name], *who) for who in ((LOGIN, OWN), ("", FREE), (LOGIN, OWNED))]
        if found[0] != 250 or found[1] not in (454, 554) or found[2] != 553:
            wrong[name] = found
    assert list(wrong) == [UNWRITABLE]
