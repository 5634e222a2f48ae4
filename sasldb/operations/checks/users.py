"""Checks of the users in the database: the realm that a bare login is looked up in, names and passwords that cannot work, sender maps.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
"""

from __future__ import annotations

import os

from sasldb.operations.checks import remedies
from sasldb.operations.checks.finding import WARNING, Problem
from sasldb.operations.checks.site import Site
from sasldb.siteconf import maps

_LOGIN_MAPS = "smtpd_sender_login_maps"
_ENFORCING = (
    "reject_sender_login_mismatch",
    "reject_authenticated_sender_login_mismatch",
    "reject_known_sender_login_mismatch",
)
_LISTS = (
    "smtpd_sender_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_client_restrictions",
)
_SHOWN = 3  # names in a sentence


def realm(site: Site) -> Problem | None:
    """Look for a realm in which bare logins are looked up, and that has no users."""
    domain = site.offering[0].value("smtpd_sasl_local_domain")
    looked_up = domain or site.postfix["myhostname"].lower()
    realms = site.contents.realms
    if looked_up in realms or not realms or (len(realms) > 1 and not domain):
        return None
    where = (
        f"smtpd_sasl_local_domain = {domain}"
        if domain
        else f"myhostname = {looked_up}, for smtpd_sasl_local_domain is empty"
    )
    users = " and ".join(_shown(sorted(realms)))
    seen = f"a bare login is looked up in the realm {looked_up} ({where}); the users are in {users}"
    why = "Realms are compared exactly. Only user@realm in full works as a login."
    if os.uname().nodename.lower() in realms:
        why += " saslpasswd2 took the host's name, as it does without -u."
    if len(realms) > 1:
        return Problem.without_remedy(seen, why, "there are several realms, and only you know which one is meant.")

    def wrong(_: object) -> bool:
        return True

    remedy = remedies.setting(site, "smtpd_sasl_local_domain", wrong, lambda _: next(iter(realms)))
    return Problem(seen, why, remedy)


def unreachable(site: Site) -> Problem | None:
    """Look for users whose name no login can match."""
    names = site.contents.unreachable
    if not names:
        return None
    seen = f"{_count(names)}: an @ in the user, or a blank at an end"
    why = "libsasl splits a login at its first @ and strips blanks, so it never asks for such a name."
    return Problem.without_remedy(seen, why, "make the user anew, with -u for the realm, and delete this one.", WARNING)


def odd_passwords(site: Site) -> Problem | None:
    """Look for passwords that were stored with a line end, or that libsasl cannot read."""
    names = site.contents.odd
    if not names:
        return None
    seen = f"{_count(names)}: the stored password ends in a line end, has a NUL in it, or is too long"
    why = "Nobody types that: a script stored more, or less, than was meant."
    return Problem.without_remedy(seen, why, "set the password anew; scripts use printf '%s', not echo -e.", WARNING)


def unknown_owners(site: Site) -> Problem | None:
    """Look for owners in smtpd_sender_login_maps who are no users."""
    domain = site.offering[0].value("smtpd_sasl_local_domain") or site.postfix["myhostname"].lower()
    owners = {owner for name in _login_maps(site) for owner in maps.values(name, site.option)}
    logins = site.contents.logins
    if not site.uses_sasldb:
        return None
    unknown = sorted(owner for owner in owners if (owner if "@" in owner else f"{owner}@{domain}") not in logins)
    if not unknown:
        return None
    seen = f"{_LOGIN_MAPS} names {_count(unknown)}, who is not in {site.database}"
    why = "Owners are logins: nobody can log in as this one, so nobody may use its addresses."
    reason = "make the user with saslpasswd2, or correct the map and run postmap."
    return Problem.without_remedy(seen, why, reason, WARNING)


def unenforced(site: Site) -> Problem | None:
    """Look for sender login maps that no restriction asks."""
    named = _login_maps(site)
    if not named:
        return None
    enforced = [
        service
        for service in site.offering
        if any(word in service.value(name) for name in _LISTS for word in _ENFORCING)
    ]
    if enforced:
        return None
    name = "smtpd_sender_restrictions"
    value = ", ".join(part for part in ("reject_sender_login_mismatch", site.postfix[name]) if part)
    seen = f"{_LOGIN_MAPS} is set, and no restriction asks it"
    why = "Every user may send as anybody: the map alone forbids nothing."
    return Problem(seen, why, remedies.together(remedies.main_cf(site, name, value), remedies.reload(site)), WARNING)


def stale_login_maps(site: Site) -> Problem | None:
    """Look for sender login maps that postmap has not brought up to date."""
    for name in _login_maps(site):
        problem = stale_map(site, name, "what was changed in the map has no effect.")
        if problem:
            return problem
    return None


def stale_map(site: Site, name: str, effect: str) -> Problem | None:
    """Return the problem of a map (`hash:/path`) whose database is missing or older than its source."""
    state = maps.state(name)
    if state == maps.CURRENT:
        return None
    option = f" -c {site.option}" if site.option else ""
    kind, _, path = name.partition(":")
    if state == maps.NO_SOURCE:
        return Problem.without_remedy(f"{path}: no such file", "Postfix cannot look anything up in it.", "write it.")
    seen = f"{path} was changed, and postmap was not run" if state == maps.STALE else f"postmap was not run for {path}"
    return Problem(seen, f"Postfix reads the database made from it: {effect}", f"postmap{option} {kind}:{path}")


def _login_maps(site: Site) -> list[str]:
    """Return the sender login maps of all services, without repetition."""
    values = [service.value(_LOGIN_MAPS) for service in site.offering]
    return list(dict.fromkeys(name for value in values for name in value.replace(",", " ").split()))


def _shown(names: list[str]) -> list[str]:
    return names[:_SHOWN] + ([f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else [])


def _count(names: list[str]) -> str:
    return ", ".join(_shown(names))
