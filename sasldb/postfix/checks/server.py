"""Checks of Postfix itself: its configuration can be read, and AUTH is switched on where it should be.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from shlex import quote

from sasldb.errors import SiteConfigError
from sasldb.libsasl import conffile
from sasldb.postfix.checks.finding import Problem, WARNING
from sasldb.postfix.checks.guards import guarded
from sasldb.postfix.config.instance import ENABLE, Service, labels
from sasldb.postfix.config.postconf import POSTCONF
from sasldb.postfix.site import fixes
from sasldb.postfix.site.host import SASL_PATH, SUBMISSION, is_application
from sasldb.postfix.site.site import DEFAULT_APPLICATION, Site

_ON_PURPOSE = "It was switched off in so many words: whether on purpose is yours to know."


def main_cf(site: Site) -> Problem | None:
    """Look for a configuration that Postfix cannot read. Raises SiteConfigError where there is no Postfix at all."""
    try:
        site.postfix
    except SiteConfigError as error:
        if error.path not in POSTCONF:
            raise
        why = "No Postfix program starts with a configuration that it cannot read."
        place = re.search(r"fatal: (/.+), line (\d+): (?:missing|bad|syntax)", error.reason)
        if not place:
            return Problem.without_remedy(error.reason, why, "the message says what to correct.")
        path = place[1]
        if site.option:  # the message has question marks for what cannot be printed
            path = os.path.join(site.option, os.path.basename(path))
        script = f"{place[2]}s/^/#/"
        remedy = f"sed -i --follow-symlinks {quote(script)} {quote(path)}"
        return Problem(error.reason, why, remedy, safe=False)
    return None


def auth_off(site: Site) -> Problem | None:
    """Look for AUTH that is switched off everywhere."""
    if site.enabled:
        return None
    off = [service for service in site.servers if ENABLE in service.overrides]
    commands = [fixes.service_removal(site, service, ENABLE) for service in off]
    commands = [fixes.main_cf(site, ENABLE, "yes"), *commands, fixes.reload(site)]
    problem = _switched_off(site, f"{ENABLE} is not yes for any smtpd service", site.servers, commands)
    if not _is_prepared(site):
        problem.severity, problem.safe = WARNING, False
        problem.why += " Where nobody is to log in here, as on a host that only sends, nothing is wrong."
    return problem


def _is_prepared(site: Site) -> bool:
    """Tell whether somebody meant users to log in: there are a conf file, users, or a service for them."""
    there = site.conf_file.state not in (conffile.MISSING, conffile.DANGLING)
    return there or any(map(_is_submission, site.servers)) or site.populated


def submission_off(site: Site) -> Problem | None:
    """Look for a submission service without AUTH beside one that has it."""
    off = [service for service in site.servers if _is_submission(service) and service not in site.enabled]
    if not off:
        return None
    commands = [fixes.master_cf(site, service, ENABLE, "yes") for service in off]
    return _switched_off(site, f"{ENABLE} is not yes for {labels(off)}", off, [*commands, fixes.reload(site)])


def _switched_off(site: Site, seen: str, services: list[Service], commands: list[str]) -> Problem:
    """Return the problem of `services` without AUTH, which `commands` switch on."""
    why = "AUTH is not offered: clients cannot even try to log in."
    written = any(ENABLE in service.overrides or ENABLE in site.postfix.named for service in services)
    problem = Problem(seen, f"{why} {_ON_PURPOSE}" if written else why, fixes.together(*commands), safe=not written)
    return guarded(site, problem, services)


def sasl_path(site: Site) -> Problem | None:
    """Look for a smtpd_sasl_path that is a path, where Postfix wants the name of an application."""

    def wrong(service: Service) -> bool:
        return not is_application(service.value(SASL_PATH))

    named = [service.value(SASL_PATH) for service in site.offering if wrong(service)]
    if not named:
        return None
    seen = f"smtpd_sasl_path = {named[0]}"
    why = "It is the name to which `.conf` is added, not a place: with this one no conf file is found, and libsasl takes its defaults."
    return Problem(seen, why, fixes.setting(site, SASL_PATH, wrong, lambda _: DEFAULT_APPLICATION))


def hidden_from_networks(site: Site) -> Problem | None:
    """Look for AUTH that is hidden from every client."""
    everybody = {"0.0.0.0/0", "static:all", "[::]/0", "::/0"}

    def wrong(service: Service) -> bool:
        return bool(everybody & set(_words(service.value("smtpd_sasl_exceptions_networks"))))

    def right(value: str) -> str:
        return ", ".join(word for word in _words(value) if word not in everybody)

    seen = "smtpd_sasl_exceptions_networks names every client"
    why = "AUTH is not offered to the clients that it names."
    return _hidden(site, Problem(seen, why, fixes.setting(site, "smtpd_sasl_exceptions_networks", wrong, right)), wrong)


def discarded(site: Site) -> Problem | None:
    """Look for AUTH among the EHLO keywords that are not announced."""

    def wrong(service: Service) -> bool:
        return "auth" in _words(service.value("smtpd_discard_ehlo_keywords").lower())

    def right(value: str) -> str:
        return ", ".join(word for word in _words(value) if word.lower() != "auth")

    seen = "smtpd_discard_ehlo_keywords has auth in it"
    why = "The reply to EHLO leaves AUTH out, so no client tries to log in."
    return _hidden(site, Problem(seen, why, fixes.setting(site, "smtpd_discard_ehlo_keywords", wrong, right)), wrong)


def _hidden(site: Site, problem: Problem, wrong: Callable[[Service], bool]) -> Problem | None:
    """Return the problem of services that keep AUTH from view; where another one shows it, that may be on purpose."""
    services = [service for service in site.offering if wrong(service)]
    if not services:
        return None
    if len(services) < len(site.enabled):
        problem.safe = False
        problem.why += f" Only {labels(services)} does so: whether on purpose is yours to know."
    return guarded(site, problem, services)


def _is_submission(service: Service) -> bool:
    return service.port in SUBMISSION


def _words(value: str) -> list[str]:
    return value.replace(",", " ").split()
