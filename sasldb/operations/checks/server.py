"""Checks of Postfix itself: its configuration can be read, it uses Cyrus SASL, and AUTH is switched on where it should be.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from sasldb.errors import SiteConfigError
from sasldb.operations.checks import remedies
from sasldb.operations.checks.finding import THROTTLED, Problem
from sasldb.operations.checks.site import Site
from sasldb.siteconf.instance import Service, server_types
from sasldb.siteconf.postfix import POSTCONF

_SUBMISSION = ("submission", "submissions", "smtps", "465", "587")
_LIKENESS = 0.85  # of a misspelt parameter to a real one; 1 is the same


def main_cf(site: Site) -> Problem | None:
    """Look for a configuration that Postfix cannot read. Raises SiteConfigError where there is no Postfix at all."""
    try:
        site.postfix
    except SiteConfigError as error:
        if error.path not in POSTCONF:
            raise
        place = re.search(r"(/\S+), line (\d+): (?:missing|bad|syntax)", error.reason)
        why = "No Postfix program starts with a configuration that it cannot read."
        if not place:
            return Problem.without_remedy(error.reason, why, "the message says what to correct.")
        remedy = f"sed -i {place[2]}'s/^/#/' {place[1]}"
        return Problem(error.reason, why, remedy, safe=False)
    return None


def misspelt(site: Site) -> Problem | None:
    """Look for parameters that sound like those of SASL, TLS or relaying, and that no program asks for."""
    known = [name for name in site.postfix.values if name not in site.postfix.unknown]
    for name, value in site.postfix.unknown.items():
        likely = get_close_matches(name, known, 1, _LIKENESS)
        if not likely and "sasl" not in name:
            continue
        seen = f"{name} = {value} is set, and there is no parameter of that name"
        why = "Postfix ignores a name that it does not know, so this setting has no effect."
        owners = [service for service in site.servers if name in service.overrides]
        if owners:
            commands = [remedies.service_removal(site, service, name) for service in owners]
            commands += [remedies.master_cf(site, service, likely[0], value) for service in owners if likely]
        else:
            commands = [remedies.removal(site, name)]
            commands += [remedies.main_cf(site, likely[0], value)] if likely else []
        return Problem(seen, why, remedies.together(*commands, remedies.reload(site)))
    return None


def sasl_type(site: Site) -> Problem | None:
    """Look for services that ask Dovecot, or something else, and not Cyrus SASL."""

    def wrong(service: Service) -> bool:
        return service.value("smtpd_sasl_type") != "cyrus"

    others = [service for service in site.servers if wrong(service)]
    if not others:
        return None
    seen = f"smtpd_sasl_type = {others[0].value('smtpd_sasl_type')} for {_labels(others)}"
    why = f"A sasldb is read by Cyrus SASL alone, which is asked where the type is cyrus. {THROTTLED}"
    if "cyrus" not in server_types():
        return Problem.without_remedy(seen, why, "this Postfix was built without Cyrus SASL.")
    commands = [remedies.main_cf(site, "smtpd_sasl_type", "cyrus")]
    commands += [
        remedies.service_removal(site, service, "smtpd_sasl_type")
        for service in others
        if "smtpd_sasl_type" in service.overrides
    ]
    return Problem(seen, why, remedies.together(*commands, remedies.reload(site)))


def auth_off(site: Site) -> Problem | None:
    """Look for AUTH that is switched off everywhere."""
    if site.offering:
        return None
    commands = [
        remedies.service_removal(site, service, "smtpd_sasl_auth_enable")
        for service in site.servers
        if "smtpd_sasl_auth_enable" in service.overrides
    ]
    commands = [remedies.main_cf(site, "smtpd_sasl_auth_enable", "yes"), *commands, remedies.reload(site)]
    seen = "smtpd_sasl_auth_enable is not yes for any smtpd service"
    return Problem(seen, "AUTH is not offered: clients cannot even try to log in.", remedies.together(*commands))


def submission_off(site: Site) -> Problem | None:
    """Look for a submission service without AUTH beside one that has it."""
    off = [service for service in site.servers if _is_submission(service) and service not in site.offering]
    if not off:
        return None
    commands = [remedies.master_cf(site, service, "smtpd_sasl_auth_enable", "yes") for service in off]
    seen = f"smtpd_sasl_auth_enable is not yes for {_labels(off)}"
    why = "Mail programs log in at the submission service, and master.cf overrules main.cf there."
    return Problem(seen, why, remedies.together(*commands, remedies.reload(site)))


def sasl_path(site: Site) -> Problem | None:
    """Look for a smtpd_sasl_path that is a path, where Postfix wants the name of an application."""

    def wrong(service: Service) -> bool:
        name = service.value("smtpd_sasl_path")
        return not name or "/" in name or ":" in name or name.endswith(".conf")

    named = [service.value("smtpd_sasl_path") for service in site.offering if wrong(service)]
    if not named:
        return None
    seen = f"smtpd_sasl_path = {named[0]}"
    why = "It is the name to which `.conf` is added, not a place: with this one no conf file is found, and libsasl takes its defaults."
    return Problem(seen, why, remedies.setting(site, "smtpd_sasl_path", wrong, lambda _: "smtpd"))


def hidden_from_networks(site: Site) -> Problem | None:
    """Look for AUTH that is hidden from every client."""
    everybody = {"0.0.0.0/0", "static:all", "[::]/0", "::/0"}

    def wrong(service: Service) -> bool:
        return bool(everybody & set(_words(service.value("smtpd_sasl_exceptions_networks"))))

    if not any(map(wrong, site.offering)):
        return None

    def right(value: str) -> str:
        return ", ".join(word for word in _words(value) if word not in everybody)

    seen = "smtpd_sasl_exceptions_networks names every client"
    why = "AUTH is not offered to the clients that it names."
    return Problem(seen, why, remedies.setting(site, "smtpd_sasl_exceptions_networks", wrong, right))


def discarded(site: Site) -> Problem | None:
    """Look for AUTH among the EHLO keywords that are not announced."""

    def wrong(service: Service) -> bool:
        return "auth" in _words(service.value("smtpd_discard_ehlo_keywords").lower())

    if not any(map(wrong, site.offering)):
        return None

    def right(value: str) -> str:
        return ", ".join(word for word in _words(value) if word.lower() != "auth")

    seen = "smtpd_discard_ehlo_keywords has auth in it"
    why = "The reply to EHLO leaves AUTH out, so no client tries to log in."
    return Problem(seen, why, remedies.setting(site, "smtpd_discard_ehlo_keywords", wrong, right))


def _is_submission(service: Service) -> bool:
    return service.name.rpartition(":")[2] in _SUBMISSION


def _labels(services: list[Service]) -> str:
    return ", ".join(service.label for service in services)


def _words(value: str) -> list[str]:
    return value.replace(",", " ").split()
