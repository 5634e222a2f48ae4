"""Shapes of main.cf and master.cf, as administrators write them, for `test_nobody_gains`. Raises nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

POLICY_PORT = 10777
ALICE, LOGINS = frozenset({"alice"}), frozenset({"alice", "bob", "mallory"})
NOBODY: frozenset[str] = frozenset()
# Files that every shape may name.
TABLES = {
    "allowed": "alice@example.com OK",
    "blocked": "mallory@example.com REJECT",
    "senders": "alice@example.com permit_sasl_authenticated",
    "clients": "127.0.0.2 OK",
    "classed": "example.net ours",
    "senderclass": "mallory@example.com ours",
    "owners": "alice@example.com alice@example.com\nbob@example.com bob@example.com",
}
_ALLOWED = "check_sasl_access texthash:/etc/postfix/allowed"
_BLOCKED = "check_sasl_access texthash:/etc/postfix/blocked"
_POLICY = f"check_policy_service inet:127.0.0.1:{POLICY_PORT}"
_OWNERS: dict[str, Any] = {"login_maps": "texthash:/etc/postfix/owners"}
_BIND, _KNOWN = "reject_sender_login_mismatch", "reject_known_sender_login_mismatch"
_BIND_USERS = "reject_authenticated_sender_login_mismatch"
_LOGIN, _NEAR, _PROTECT = "permit_sasl_authenticated", "permit_mynetworks", "reject_unauth_destination"
_STOCK = f"{_NEAR}, {_LOGIN}, {_PROTECT}"
_CLASS: dict[str, Any] = {"smtpd_restriction_classes": "ours"}
_SMTP = "smtp inet n - y - - smtpd"
_SUBMISSION = "submission inet n - y - - smtpd"
_NAMES = {
    name: f"smtpd_{name}_restrictions" for name in "client helo etrn sender relay recipient data end_of_data".split()
}
_NAMES["login_maps"] = "smtpd_sender_login_maps"


_EVERY_LIST: dict[str, Any] = {name: f"{_NEAR}, reject" for name in ("client", "helo", "sender", "relay", "recipient")}


class Shape(NamedTuple):
    """`main`: parameter -> value. `gain`: users that may gain by a setup, because a plain list refused every login.

    `services`: lines of master.cf in place of smtp's, or added to it. `fixed`: users that may gain by `check --fix` alone.
    `dead`: whether smtpd ends with an error before it answers anybody.
    """

    main: dict[str, str]
    gain: frozenset[str] = NOBODY
    services: tuple[str, ...] = ()
    fixed: frozenset[str] = NOBODY
    dead: bool = False


def _shape(
    gain: frozenset[str] = NOBODY, services: tuple[str, ...] = (), fixed: frozenset[str] = NOBODY, **main: str
) -> Shape:
    return Shape({_NAMES.get(name, name): value for name, value in main.items()}, gain, services, fixed)


SHAPES = {
    "stock": _shape(),
    "logins of a map alone": _shape(relay=f"{_ALLOWED}, reject"),
    "logins of a map, and own networks": _shape(relay=f"{_NEAR}, {_ALLOWED}, {_PROTECT}"),
    "logins of a map, as before Postfix 2.10": _shape(relay="", recipient=f"{_NEAR}, {_ALLOWED}, {_PROTECT}"),
    "recipients by a map of logins": _shape(recipient=f"{_NEAR}, {_ALLOWED}, reject"),
    "some logins pass what the others do not": _shape(relay=f"{_ALLOWED}, {_PROTECT}, {_LOGIN}"),
    "a map of logins without an end": _shape(relay=_ALLOWED, recipient=f"{_NEAR}, {_ALLOWED}, {_PROTECT}"),
    "a map of logins, and smtpd dead": _shape(gain=ALICE, relay=_ALLOWED)._replace(dead=True),
    "an inline map": _shape(relay="check_sasl_access inline:{ alice@example.com=OK }, reject"),
    "no login": _shape(relay=f"{_NEAR}, check_sasl_access static:reject, {_PROTECT}"),
    "senders that a map permits": _shape(relay="check_sender_access texthash:/etc/postfix/senders, reject"),
    "clients that a map permits": _shape(relay="check_client_access texthash:/etc/postfix/clients, reject"),
    "certificates": _shape(relay="permit_tls_clientcerts, reject"),
    "a policy server": _shape(relay=f"{_POLICY}, reject"),
    "a policy server in braces": _shape(
        relay=f"check_policy_service {{ inet:127.0.0.1:{POLICY_PORT}, timeout=9s }}, reject"
    ),
    "a policy server for recipients": _shape(recipient=f"{_POLICY}, {_PROTECT}"),
    "a policy server behind": _shape(recipient=f"{_NEAR}, {_PROTECT}, {_POLICY}"),
    "a class with a map": _shape(**_CLASS, ours=f"{_ALLOWED}, reject", relay=f"{_NEAR}, ours"),
    "a class that a map names": _shape(
        **_CLASS, ours=f"{_ALLOWED}, reject", relay=f"check_recipient_access texthash:/etc/postfix/classed, {_PROTECT}"
    ),
    "a plain class that a map names as well": _shape(
        **_CLASS,
        ours=f"{_NEAR}, reject",
        recipient="ours",
        sender="check_sender_access texthash:/etc/postfix/senderclass",
    ),
    "a name for a list": _shape(mua=f"{_ALLOWED}, reject", relay="$mua"),
    "client": _shape(client=f"{_ALLOWED}, reject"),
    "helo": _shape(helo=f"{_NEAR}, {_ALLOWED}, reject"),
    "sender": _shape(sender=f"{_ALLOWED}, reject"),
    "sender, when smtpd answers at once": _shape(sender=f"{_ALLOWED}, reject", smtpd_delay_reject="no"),
    "etrn": _shape(etrn=f"{_ALLOWED}, reject"),
    "data": _shape(data=f"{_ALLOWED}, reject"),
    "end of data": _shape(end_of_data=f"{_NEAR}, {_ALLOWED}, reject"),
    "blocked logins ahead": _shape(relay=f"{_BLOCKED}, {_NEAR}, {_PROTECT}"),
    "blocked logins behind": _shape(recipient=f"{_NEAR}, {_PROTECT}, {_BLOCKED}"),
    "senders bound where relaying is decided": _shape(relay=f"{_BIND_USERS}, {_STOCK}", **_OWNERS),
    "senders bound in the client's list": _shape(client=_BIND, **_OWNERS),
    "senders bound behind": _shape(gain=LOGINS, recipient=f"{_PROTECT}, {_BIND}", **_OWNERS),
    "senders bound twice behind": _shape(gain=LOGINS, recipient=f"{_PROTECT}, {_KNOWN}, {_BIND}", **_OWNERS),
    "own networks alone": _shape(gain=LOGINS, relay=f"{_NEAR}, reject"),
    "own networks alone, in every list": _shape(gain=LOGINS, **_EVERY_LIST),
    "own networks alone for etrn and data": _shape(etrn=f"{_NEAR}, reject", data=f"{_NEAR}, reject"),
    "a list of one service": _shape(services=(f"{_SMTP} -o {{ smtpd_relay_restrictions = {_ALLOWED}, reject }}",)),
    "senders bound at one service": _shape(
        **_OWNERS, services=(f"{_SMTP} -o smtpd_sender_restrictions={_BIND_USERS}",)
    ),
    "recipients by a map at one service": _shape(
        services=(f"{_SMTP} -o {{ smtpd_recipient_restrictions = {_ALLOWED}, reject }}",)
    ),
    "a name in one service": _shape(mua=f"{_ALLOWED}, reject", services=(f"{_SMTP} -o smtpd_relay_restrictions=$mua",)),
    "own networks alone at one service": _shape(
        gain=LOGINS, services=(f"{_SMTP} -o smtpd_recipient_restrictions={_NEAR},reject",)
    ),
    "a submission service that has main.cf's list": _shape(
        relay=f"{_ALLOWED}, reject", services=(_SMTP, f"{_SUBMISSION} -o syslog_name=ours")
    ),
    "a submission service with a list of its own": _shape(
        services=(_SMTP, f"{_SUBMISSION} -o {{ smtpd_relay_restrictions = {_NEAR}, {_ALLOWED}, {_PROTECT} }}")
    ),
    "a submission service, senders bound by main.cf": _shape(
        relay=f"{_BIND_USERS}, {_NEAR}, {_PROTECT}", gain=LOGINS, **_OWNERS, services=(_SMTP, _SUBMISSION)
    ),
    "a misspelt map of logins": _shape(
        gain=NOBODY, fixed=ALICE, relay="check_sasl_acces texthash:/etc/postfix/allowed, reject"
    ),
}
