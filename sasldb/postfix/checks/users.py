"""Checks of the users in the database: the realm that a bare login is looked up in, names and passwords that cannot work, maps
that are out of date.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
"""

from __future__ import annotations

import os
from shlex import quote

from sasldb.model.text import counted, some_of
from sasldb.postfix.checks.finding import ERROR, Problem, WARNING
from sasldb.postfix.config import maps
from sasldb.postfix.config.instance import Service
from sasldb.postfix.config.postconf import LOCAL_DOMAIN
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site


def realm(site: Site) -> Problem | None:
    """Look for a realm in which bare logins are looked up, and that has no users."""
    realms = site.contents.realms

    def wrong(service: Service) -> bool:
        meant = bool(service.value(LOCAL_DOMAIN)) or len(realms) == 1 or _for_bare_logins(service, realms)
        return meant and looked_up(service) not in realms

    services = [service for service in site.offering if wrong(service)] if realms else []
    if not services:
        return None
    service, domain = services[0], services[0].value(LOCAL_DOMAIN)
    wanted = looked_up(service)
    where = f"{LOCAL_DOMAIN} = {domain}" if domain else f"myhostname = {wanted}, for {LOCAL_DOMAIN} is empty"
    users = " and ".join(some_of(sorted(realms)))
    at = f" by {service.label}" if len(services) < len(site.offering) else ""
    seen = f"a bare login is looked up{at} in the realm {wanted} ({where}); the users are in {users}"
    why = "Realms are compared exactly. Only user@realm in full works as a login."
    if os.uname().nodename.lower() in realms:
        why += " saslpasswd2 took the host's name, as it does without -u."
    if len(realms) > 1:
        return Problem.without_remedy(seen, why, "there are several realms, and only you know which one is meant.")
    severity = ERROR
    if not domain and not _for_bare_logins(service, realms):
        why, severity = f"{why} Where everybody logs in so, nothing is wrong.", WARNING
    only = next(iter(realms))
    decided = bool(domain) and only.lower() != domain.lower()  # by the administrator
    if decided:
        why += f" If {domain} is right, move the users: sasldb rename-realm {quote(only)} {quote(domain)}."
    remedy = fixes.setting(site, LOCAL_DOMAIN, wrong, lambda _: only.replace("$", "$$"))
    return Problem(seen, why, remedy, severity, safe=not decided)


def looked_up(service: Service) -> str:
    """Return the realm in which a service looks up a login without one."""
    return service.value(LOCAL_DOMAIN) or service.value("myhostname").lower()


def unreachable(site: Site) -> Problem | None:
    """Look for users whose name no login can match."""
    names = site.contents.unreachable
    if not names:
        return None
    seen = f"{counted(names)}: an @ in the user, or a blank at an end"
    why = "libsasl splits a login at its first @ and strips blanks, so it never asks for such a name."
    return Problem.without_remedy(seen, why, "make the user anew, with -u for the realm, and delete this one.", WARNING)


def odd_passwords(site: Site) -> Problem | None:
    """Look for passwords that were stored with a line end, or that libsasl cannot read."""
    names = site.contents.odd
    if not names:
        return None
    seen = f"{counted(names)}: the stored password ends in a line end, has a NUL in it, or is too long"
    why = "Nobody types that: a script stored more, or less, than was meant."
    return Problem.without_remedy(seen, why, "set the password anew; scripts use printf '%s', not echo -e.", WARNING)


def stale_map(site: Site, name: str, effect: str) -> Problem | None:
    """Return the problem of a map (`hash:/path`, also behind `proxy:`) whose database is missing or older than its source."""
    state = maps.state(name)
    if state == maps.CURRENT:
        return None
    kind, _, path = maps.plain(name).partition(":")
    if state == maps.NO_SOURCE:
        return Problem.without_remedy(f"{path}: no such file", "Postfix cannot look anything up in it.", "write it.")
    seen = f"{path} was changed, and postmap was not run" if state == maps.STALE else f"postmap was not run for {path}"
    return Problem(seen, f"Postfix reads the database made from it: {effect}", fixes.postmap(site, kind, path))


def _for_bare_logins(service: Service, realms: dict[str, int]) -> bool:
    """Tell whether users log in without a realm though none is configured: theirs are names of hosts, not domains of mail."""
    hosts = {os.uname().nodename.lower(), service.value("myhostname").lower()}
    return all("." not in realm or realm.lower() in hosts for realm in realms)
