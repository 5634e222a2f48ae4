"""The commands that keep passwords from travelling without TLS.

A remedy that makes AUTH come back puts these commands before its own, so that no smtpd offers PLAIN or LOGIN in the clear meanwhile or
afterwards. Source: Postfix 3.7, postconf(5) and TLS_README. Raises nothing.
"""

from __future__ import annotations

import os

from sasldb.libsasl import mechanisms
from sasldb.postfix.checks.finding import Problem
from sasldb.postfix.config.certificate import Certificate
from sasldb.postfix.config.instance import follows
from sasldb.postfix.site import fixes
from sasldb.postfix.site.encryption import (
    AUTH_ONLY,
    BEFORE,
    GUARDED,
    UNDER,
    has_challenge,
    has_tls,
    in_clear,
)
from sasldb.postfix.site.unseen import Unseen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.postfix.config.instance import Service
    from sasldb.postfix.site.site import Site

NEEDS_CERTIFICATE = (
    "TLS needs a certificate first (smtpd_tls_cert_file), or PLAIN and LOGIN would be offered in the clear."
)


def certified(site: Site) -> bool:
    """Tell whether there is a certificate that works; to others than root, who cannot see the key, whether one is named."""
    certificate = Certificate(site.postfix)
    return certificate.works or (certificate.configured and os.geteuid() != 0)


def guards(site: Site, services: list[Service], offered: list[str] | None = None) -> list[str] | None:
    """Return commands that keep passwords of `services`, which are going to offer AUTH, out of the clear.

    It is AUTH under TLS alone where TLS works, else no mechanism that hands the password over. None: neither would leave anything.
    `offered` are the mechanisms, where they are not those of the site.
    """
    offered = _offered(site) if offered is None else offered
    open_ones = [service for service in services if in_clear(service, offered)]
    if not open_ones:
        return []
    if all(map(has_tls, open_ones)) and certified(site):
        return _commands(site, open_ones, AUTH_ONLY, "yes")
    if has_challenge(offered):  # PLAIN passes noanonymous alone, so nothing stricter is replaced
        return challenges_alone(site, open_ones)
    return None


def challenges_alone(site: Site, services: list[Service]) -> list[str]:
    """Return commands that leave, without TLS, the mechanisms that keep the password to themselves; under TLS all stays as it is."""
    commands = _commands(site, services, BEFORE, GUARDED)
    following: dict[str, list[Service]] = {}
    for service in services:
        if has_tls(service) and _follows(site, service):
            following.setdefault(service.value(UNDER) or "noanonymous", []).append(service)
    ahead = [command for value, those in following.items() for command in _commands(site, those, UNDER, value)]
    return ahead + commands


def guarded(site: Site, problem: Problem, services: list[Service], offered: list[str] | None = None) -> Problem:
    """Return `problem`, whose remedy makes `services` offer AUTH, with the guards before it; without a remedy where there are none."""
    ahead = guards(site, services, offered)
    if problem.remedy is None:
        return problem
    if ahead is None:
        return Problem.without_remedy(problem.seen, problem.why, NEEDS_CERTIFICATE, problem.severity)
    problem.remedy = fixes.together(*ahead, problem.remedy)
    return problem


def _offered(site: Site) -> list[str]:
    try:
        return site.mechanisms
    except Unseen:
        return mechanisms.given(site.plugins)


def _follows(site: Site, service: Service) -> bool:
    """Tell whether a service has, under TLS, the options without it: by default, or because they are named."""
    written = UNDER in service.own or UNDER in site.postfix.named
    return not written or follows(service, UNDER, BEFORE)


def _commands(site: Site, services: list[Service], name: str, value: str) -> list[str]:
    """Return the commands that set a parameter for `services`, and for no other that offers AUTH."""
    alone = set(site.enabled) <= set(services)
    own = [service for service in services if name in service.overrides or not alone]
    commands = [fixes.main_cf(site, name, value)] if len(own) < len(services) else []
    return commands + [fixes.master_cf(site, service, name, value.replace(" ", "")) for service in own]
