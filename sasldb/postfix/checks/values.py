"""The check of smtpd's parameters that are yes or no, or a TLS level: whether their values are any.

Postfix takes a comment behind a value for a part of it. Source: Postfix 3.7, postconf(5), and smtpd observed. `Unseen` is not raised.
"""

from __future__ import annotations

from sasldb.postfix.checks.finding import Problem, THROTTLED
from sasldb.postfix.checks.guards import guarded
from sasldb.postfix.config.instance import ENABLE, LEVEL, Service, defaults
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site

_YES_OR_NO = ("yes", "no")
_LEVELS = ("none", "may", "encrypt", "fingerprint", "half-dane", "dane", "dane-only", "verify", "secure")
_MORE_WORDS = ("smtpd_forbid_bare_newline",)  # in later versions, or patched ones, of more values than yes and no


def malformed(site: Site) -> Problem | None:
    """Look for a value that is not one of those that the parameter can have."""
    if not site.servers:
        return None
    names = {name: _YES_OR_NO for name, value in defaults().items() if _is_switch(name, value)}
    found = [_wrong(site, name, right) for name, right in {**names, LEVEL: _LEVELS}.items()]
    problems = [problem for problem in found if problem]
    return next((problem for problem in problems if problem.remedy), problems[0] if problems else None)


def _is_switch(name: str, value: str) -> bool:
    return name.startswith("smtpd_") and value in _YES_OR_NO and name not in _MORE_WORDS


def _wrong(site: Site, name: str, right: tuple[str, ...]) -> Problem | None:
    """Return the problem of one parameter, None where every service has one of the `right` values."""

    def is_wrong(service: Service) -> bool:
        value = service.value(name).lower()
        return bool(value) and value not in right

    services = [service for service in site.servers if is_wrong(service)]
    if not services:
        return None
    seen = f"{name} = {services[0].value(name)} for {services[0].label}, which is not one of: {', '.join(right)}"
    why = f"smtpd ends with an error at such a value. {THROTTLED}"
    meant = {service: _before_comment(service.value(name)) for service in services}
    commands: dict[str, str] = {}
    for service, value in meant.items():
        if value.lower() in right and name in service.own:
            commands[service.label] = fixes.master_cf(site, service, name, value)
        elif value.lower() in right:
            commands[""] = fixes.main_cf(site, name, value)
    if not commands:
        return Problem.without_remedy(seen, why, "only you know which one was meant.")
    problem = Problem(seen, why, fixes.together(*commands.values(), fixes.reload(site)))
    enabled = [service for service in services if name == ENABLE and meant[service].lower() == "yes"]
    return guarded(site, problem, enabled) if enabled else problem


def _before_comment(value: str) -> str:
    """Return what stands before a `#` that has a blank before it; "" where there is none."""
    before, mark, _ = value.partition("#")
    return before.strip() if mark and before[-1:].isspace() else ""
