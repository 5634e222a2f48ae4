"""The check of smtpd_sasl_mechanism_filter, which takes mechanisms out of what libsasl offers.

Source: Postfix 3.6 and later, postconf(5) (a list of words, of which the first that matches decides), and smtpd observed: it ends with
an error where none is left, before TLS or under it. Raises Unseen.
"""

from __future__ import annotations

from sasldb.libsasl import mechanisms
from sasldb.postfix.checks.finding import Problem, THROTTLED
from sasldb.postfix.config.instance import Service
from sasldb.postfix.site import fixes
from sasldb.postfix.site.encryption import BEFORE, UNDER, has_tls, only_under_tls, options
from sasldb.postfix.site.site import Site

_FILTER = "smtpd_sasl_mechanism_filter"
_DEFAULT = "!external, static:rest"


def discarding(site: Site) -> Problem | None:
    """Look for a filter that leaves none of the mechanisms that libsasl offers."""
    services = [service for service in site.offering if _discards(service, site.mechanisms)]
    if not services:
        return None
    seen = f"{_FILTER} = {services[0].value(_FILTER)} leaves nothing of the mechanisms ({' '.join(site.mechanisms)})"
    why = f"smtpd ends with an error when no mechanism is left. {THROTTLED}"
    own = [service for service in services if _FILTER in service.own]
    commands = [fixes.service_removal(site, service, _FILTER) for service in own]
    main = site.postfix[_FILTER]
    if len(own) < len(services) or any(_leaves_none(main, _offered(site.mechanisms, service)) for service in own):
        commands.insert(0, fixes.main_cf(site, _FILTER, _DEFAULT))
    return Problem(seen, why, fixes.together(*commands, fixes.reload(site)))


def _discards(service: Service, given: list[str]) -> bool:
    return _leaves_none(service.value(_FILTER), _offered(given, service))


def _offered(given: list[str], service: Service) -> list[list[str]]:
    """Return what libsasl offers before TLS, and under it, where AUTH is allowed there."""
    phases = [BEFORE] * (not only_under_tls(service)) + [UNDER] * has_tls(service)
    return [mechanisms.passing(given, options(service, name)) for name in phases]


def _leaves_none(value: str, offered: list[list[str]]) -> bool:
    """Tell whether a filter leaves nothing of one of the lists `offered`; an empty filter leaves all, and a table may leave any."""
    words = value.lower().replace(",", " ").split()
    return bool(words) and any(names and not any(_may_pass(words, name.lower()) for name in names) for names in offered)


def _may_pass(words: list[str], name: str) -> bool:
    for word in words:
        plain = word.lstrip("!")
        is_all = plain.startswith("static:")
        if plain == name or is_all:
            return (len(word) - len(plain)) % 2 == 0
        if ":" in plain or "/" in plain:
            return True  # not known
    return False
