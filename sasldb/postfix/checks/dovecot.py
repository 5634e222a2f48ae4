"""Checks of whom smtpd asks: Cyrus SASL, which reads a sasldb, or Dovecot, which does not.

Who asks Dovecot may well mean it, so nothing here is mended unasked. Each function is a check of the table in `checks.table`: it returns
the Problem or None, and raises Unseen.
"""

from __future__ import annotations

import os

from sasldb.postfix.checks.finding import ERROR, Problem, THROTTLED, WARNING
from sasldb.postfix.checks.guards import guarded
from sasldb.postfix.config.instance import Service, labels, server_types
from sasldb.postfix.site import fixes
from sasldb.postfix.site.host import CYRUS, SASL_PATH, SASL_TYPE, is_application
from sasldb.postfix.site.site import DEFAULT_APPLICATION, Site
from sasldb.postfix.site.unseen import Unseen


def alone(site: Site) -> Problem | None:
    """Look for a Postfix none of whose services asks Cyrus SASL: a warning only, where no users of a sasldb wait for it."""
    others = [service for service in site.enabled or site.servers if service.value(SASL_TYPE) != CYRUS]
    if not others or site.offering:
        return None
    severity = ERROR if _waiting(site) else WARNING
    why = f"A sasldb is read by Cyrus SASL alone, which is asked where the type is {CYRUS}, so none is used here."
    if CYRUS not in server_types():
        return Problem.without_remedy(_seen(others), why, "this Postfix was built without Cyrus SASL.", severity)
    serving = _serving(site, others)
    if serving:
        why += f" {serving} is there: whoever logs in by it cannot any more after this command."
    else:
        why += f" Where nobody answers in Dovecot's place, smtpd ends. {THROTTLED}"
    problem = Problem(_seen(others), why, _switched(site, others), severity, safe=False)
    return guarded(site, problem, [service for service in others if service in site.enabled])


def beside(site: Site) -> Problem | None:
    """Look for services that ask Dovecot, which is not there, beside others that ask Cyrus SASL."""
    lost = [service for service in site.asking_others if not _serving(site, [service])]
    if not lost or not site.offering:
        return None
    if os.geteuid() != 0:
        raise Unseen(f"whether Dovecot is there for {labels(lost)} can be seen by root alone", "All else is looked at.")
    why = f"Nobody is there to be asked, so nobody logs in by that. Others ask Cyrus SASL. {THROTTLED}"
    return guarded(site, Problem(_seen(lost), why, _switched(site, lost), WARNING, safe=False), lost)


def _seen(services: list[Service]) -> str:
    return f"{SASL_TYPE} = {services[0].value(SASL_TYPE)} for {labels(services)}"


def _waiting(site: Site) -> bool:
    """Tell whether there are users in a sasldb; not, where that cannot be seen."""
    try:
        return site.populated
    except Unseen:
        return False


def _switched(site: Site, services: list[Service]) -> str:
    """Return the commands that have `services` ask Cyrus SASL, and name it an application."""
    commands = []
    for name, value in ((SASL_TYPE, CYRUS), (SASL_PATH, DEFAULT_APPLICATION)):
        wrong = [one for one in services if name == SASL_TYPE or not is_application(one.value(name))]
        if any(name not in service.overrides for service in wrong):
            commands.append(fixes.main_cf(site, name, value))
        commands += [fixes.service_removal(site, one, name) for one in wrong if name in one.overrides]
    return fixes.together(*commands, fixes.reload(site))


def _serving(site: Site, services: list[Service]) -> str:
    """Return the socket of another SASL server that one of `services` asks and that may be answered, "" where none is there."""
    for service in services:
        path = service.value(SASL_PATH).removeprefix("unix:")
        if path.startswith("inet:"):
            return path
        jail = site.postfix.jail  # also the directory that smtpd works in
        place = f"{jail}/{path}" if service.chroot or not path.startswith("/") else path
        if os.path.lexists(place):
            return os.path.normpath(place)
    return ""
