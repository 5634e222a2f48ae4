"""Checks of smtpd_sender_login_maps: who may send as whom is written there, and restrictions see to it.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
Source: Postfix 3.7, postconf(5), and smtpd observed: it compares owners with the login without regard to case; libsasl appends
smtpd_sasl_local_domain to a login without a realm, and nothing where that is empty.
"""

from __future__ import annotations

from sasldb.errors import SiteConfigError
from sasldb.model.text import counted
from sasldb.postfix.checks.finding import Problem, WARNING
from sasldb.postfix.checks.users import stale_map
from sasldb.postfix.config import maps, restriction_lists, restrictions
from sasldb.postfix.config.instance import Service
from sasldb.postfix.config.postconf import LOCAL_DOMAIN
from sasldb.postfix.config.restriction_lists import Edit
from sasldb.postfix.config.restrictions import AUTHENTICATED, BINDING, LOGIN_MAPS, SENDER, USER
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site


def unknown_owners(site: Site) -> Problem | None:
    """Look for owners in smtpd_sender_login_maps who are no users, or under whose name no user is reported."""
    if not site.uses_sasldb:
        return None
    logins = {login.lower() for login in site.contents.logins}
    owned: dict[str, list[Service]] = {}  # owner -> the services that ask for it
    for service in site.offering:
        for name in maps.named(service.value(LOGIN_MAPS)):
            for owner in maps.values(name, site.option):
                owned.setdefault(owner, []).append(service)
    unknown = sorted(o for o, services in owned.items() if not any(_is_reported(o, one, logins) for one in services))
    if not unknown:
        return None
    domains = {service.value(LOCAL_DOMAIN) for service in owned[unknown[0]]} - {""}
    full = [login for login in (f"{unknown[0]}@{domain}" for domain in sorted(domains)) if login.lower() in logins]
    if "@" not in unknown[0] and full:
        seen = f"{LOGIN_MAPS} names {unknown[0]}, whom smtpd knows as {full[0]}"
        why = f"smtpd appends {LOCAL_DOMAIN} to a login without a realm, so this owner is nobody."
        return Problem.without_remedy(seen, why, f"write {full[0]} into the map, and run postmap.", WARNING)
    seen = f"{LOGIN_MAPS} names {counted(unknown)}, who is not in {site.database}"
    why = "Owners are logins: nobody can log in as this one, so nobody may use its addresses."
    reason = "make the user with saslpasswd2, or correct the map and run postmap."
    return Problem.without_remedy(seen, why, reason, WARNING)


def unenforced(site: Site) -> Problem | None:
    """Look for sender login maps that no restriction asks before another one lets users through."""
    services = [one for one in site.offering if one.value(LOGIN_MAPS) and restrictions.binding(one) is None]
    if not services:
        return None
    seen, why = _unasked(services[0]), "Every user may send as anybody: the map alone forbids nothing."
    try:
        return Problem(seen, why, fixes.edited(site, services, lambda one: _bound(site, one)), WARNING)
    except SiteConfigError as error:
        return Problem.without_remedy(seen, why, f"{error.reason}.", WARNING)


def stale_login_maps(site: Site) -> Problem | None:
    """Look for sender login maps that postmap has not brought up to date."""
    for name in dict.fromkeys(name for one in site.offering for name in maps.named(one.value(LOGIN_MAPS))):
        problem = stale_map(site, name, "what was changed in the map has no effect.")
        if problem:
            return problem
    return None


def _is_reported(owner: str, service: Service, logins: set[str]) -> bool:
    """Tell whether a service comes to report the `owner` as a login; `logins` are user@realm, in lower case."""
    if "@" in owner:
        return owner.lower() in logins
    return not service.value(LOCAL_DOMAIN) and f"{owner}@{service.value('myhostname')}".lower() in logins


def _unasked(service: Service) -> str:
    """Return what is wrong with the lists of a service, as a sentence."""
    for name in restrictions.with_sender(service):
        for step in restrictions.steps(service, name):
            if step.name in BINDING:
                _, decides = restrictions.verdict(service, name, USER)
                behind = "warn_if_reject" if step.warned or decides is None else decides.name
                return f"{step.name} stands behind {behind} in {name} of {service.label}"
    return f"{LOGIN_MAPS} is set, and no restriction of {service.label} asks it"


def _bound(site: Site, service: Service) -> Edit:
    """Return the edit that has a service ask its map.

    Where no word is to be seen, it gets the one for who has logged in: the one for everybody refuses mail that nobody complained of, from
    programs of this host, content filters and forwarders. Raises SiteConfigError.
    """
    for name in restrictions.with_sender(service):
        word = next((step for step in restrictions.steps(service, name) if step.name in BINDING), None)
        if word is not None:
            _, decides = restrictions.verdict(service, name, USER)
            return restriction_lists.before(
                service, (word if word.warned or decides is None else decides).top, word.name
            )
    for name in restrictions.with_sender(service):
        word = next((step for step in restrictions.steps(site.postfix, name) if step.name in BINDING), None)
        if word is not None and name in service.own and name != SENDER:
            _, decides = restrictions.verdict(service, name, USER)
            if decides is not None:
                return restriction_lists.before(service, decides.top, word.name)
            return restriction_lists.first(service, name, word.name)
    return restriction_lists.first(service, SENDER, AUTHENTICATED)
