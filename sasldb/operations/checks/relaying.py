"""Checks of the restrictions that decide whether mail is taken: after a login yes, from strangers to foreign domains no.

Restrictions are gone through as smtpd does, for one situation at a time; those that ask maps, policy servers or DNS are passed over,
for what they answer is not known here. Each function is a check of the table in `checks.table`.
Source: Postfix 3.7, SMTPD_ACCESS_README and postconf(5).
"""

from __future__ import annotations

import re

from sasldb.operations.checks import remedies
from sasldb.operations.checks.finding import THROTTLED, Problem
from sasldb.operations.checks.site import Site
from sasldb.siteconf.instance import Service

RELAY, RECIPIENT = "smtpd_relay_restrictions", "smtpd_recipient_restrictions"
_LISTS = ("smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions", RELAY, RECIPIENT)
GOOD = "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
_DEMANDED = {"reject", "reject_unauth_destination", "defer", "defer_if_permit", "defer_unauth_destination"}
_PERMIT, _REFUSE = "permit", "refuse"
_REFUSING = {"reject", "defer", "reject_unauth_destination", "defer_unauth_destination", "defer_if_permit"}
_PERMITTING = {"permit", "static:ok", "static:permit"}  # the latter two as what a check_..._access finds
_NO_LOGIN = {"reject_unauthenticated_sender_login_mismatch"}
_WIDEST = 8  # bits; a network with fewer holds a good part of the Internet


def refused(site: Site) -> Problem | None:
    """Look for restrictions that refuse a user who has logged in."""
    for service in site.offering:
        for name in _LISTS:
            culprit = _decision(service.value(name), login=True)
            if culprit[0] != _REFUSE:
                continue
            seen = f"{name} of {service.label} refuses by {culprit[1]} whoever has logged in"
            why = "A login is of use only where permit_sasl_authenticated comes before what refuses."

            def wrong(other: Service, name: str = name) -> bool:
                return _decision(other.value(name), login=True)[0] == _REFUSE

            return Problem(seen, why, remedies.setting(site, name, wrong, _with_login))
    return None


def demanded(site: Site) -> Problem | None:
    """Look for restrictions without any that protects from relaying: smtpd refuses to take mail then."""

    def wrong(service: Service) -> bool:
        return not _DEMANDED & {word for name in (RELAY, RECIPIENT) for word in _reached(service.value(name))}

    if not any(map(wrong, site.offering)):
        return None
    seen = f"neither {RELAY} nor {RECIPIENT} has reject_unauth_destination or the like"
    why = f"smtpd ends with an error rather than relay for everybody. {THROTTLED}"
    return Problem(seen, why, remedies.setting(site, RELAY, wrong, lambda _: GOOD))


def open_relay(site: Site) -> Problem | None:
    """Look for restrictions that let strangers send mail to foreign domains."""

    def wrong(service: Service) -> bool:
        decisions = [_decision(service.value(name), login=False)[0] for name in _LISTS]
        return _REFUSE not in decisions

    services = [service for service in site.offering if wrong(service)]
    if not services:
        return None
    seen = f"{RELAY} = {services[0].value(RELAY)}"
    why = "Strangers may send mail to everybody through this host, without a login: an open relay."
    return Problem(seen, why, remedies.setting(site, RELAY, wrong, lambda _: GOOD))


def wide_networks(site: Site) -> Problem | None:
    """Look for a mynetworks so wide that a login is not needed."""
    wide = [word for word in _words(site.postfix["mynetworks"]) if _is_wide(word)]
    trusting = [
        service for service in site.offering if any("permit_mynetworks" in service.value(name) for name in _LISTS)
    ]
    if not wide or not trusting:
        return None
    rest = [word for word in _words(site.postfix["mynetworks"]) if not _is_wide(word)]
    command = remedies.main_cf(site, "mynetworks", ", ".join(rest) or "127.0.0.0/8, [::1]/128")
    seen = f"mynetworks has {wide[0]} in it, and permit_mynetworks lets it relay"
    why = "Who is in mynetworks needs no login; this network takes in strangers."
    return Problem(seen, why, remedies.together(command, remedies.reload(site)))


def _decision(value: str, login: bool) -> tuple[str, str]:
    """Return (what this list comes to, the restriction that decides); ("", "") at its end.

    The client is no neighbour, the recipient's domain a foreign one; `login` tells whether the client has logged in.
    """
    skip = False
    for word in map(str.lower, _words(value)):
        if skip or word == "warn_if_reject":
            skip = word == "warn_if_reject"
            continue
        if word in _PERMITTING or (word == "permit_sasl_authenticated" and login):
            return _PERMIT, word
        if word in _REFUSING or (word in _NO_LOGIN and not login):
            return _REFUSE, word
    return "", ""


def _reached(value: str) -> list[str]:
    """Return the restrictions that smtpd counts: those before a plain permit, and not those that only warn."""
    words = _words(value)
    words = words[: words.index("permit")] if "permit" in words else words
    return [word for before, word in zip(["", *words], words) if before != "warn_if_reject"]


def _with_login(value: str) -> str:
    """Return the restrictions with permit_sasl_authenticated first, once."""
    rest = [word for word in re.split(r"\s*,\s*", value.strip()) if word and word != "permit_sasl_authenticated"]
    ahead = ["permit_mynetworks"] if "permit_mynetworks" in rest else []
    behind = [word for word in rest if word not in ahead]
    return ", ".join([*ahead, "permit_sasl_authenticated", *behind])


def _words(value: str) -> list[str]:
    return value.replace(",", " ").split()


def _is_wide(network: str) -> bool:
    bits = network.rpartition("/")[2]
    return "/" in network and not network.startswith(("/", "!")) and bits.isdigit() and int(bits) < _WIDEST
