"""Checks of what Postfix demands of a login: TLS, security options, and that a mechanism is left that meets them.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
Source: Postfix 3.7, postconf(5), and smtpd observed: a phase of the dialogue (before and under TLS) in which AUTH is allowed and no
mechanism passes its security options ends the service with an error.
"""

from __future__ import annotations

import os

from sasldb.operations.checks import remedies
from sasldb.operations.checks.finding import THROTTLED, Problem
from sasldb.operations.checks.site import Site
from sasldb.siteconf import mechanisms
from sasldb.siteconf.instance import Service

BEFORE, UNDER = "smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"
_CERTIFICATES = ("smtpd_tls_cert_file", "smtpd_tls_chain_files", "smtpd_tls_eccert_file", "smtpd_tls_dcert_file")
_KEYS = ("smtpd_tls_key_file", "smtpd_tls_eckey_file", "smtpd_tls_dkey_file")


def has_tls(service: Service) -> bool:
    """Tell whether TLS is switched on for a service."""
    level = service.value("smtpd_tls_security_level")
    old = service.is_on("smtpd_use_tls") or service.is_on("smtpd_enforce_tls") if not level else level != "none"
    return old or service.is_on("smtpd_tls_wrappermode")


def only_under_tls(service: Service) -> bool:
    """Tell whether a service offers AUTH under TLS alone: it says so, or takes nothing at all without TLS."""
    demanded = service.value("smtpd_tls_security_level") == "encrypt" or service.is_on("smtpd_enforce_tls")
    return demanded or service.is_on("smtpd_tls_auth_only") or service.is_on("smtpd_tls_wrappermode")


def no_tls(site: Site) -> Problem | None:
    """Look for services that allow AUTH under TLS alone, and have no TLS."""

    def wrong(service: Service) -> bool:
        return service.is_on("smtpd_tls_auth_only") and not has_tls(service)

    services = [service for service in site.offering if wrong(service)]
    if not services:
        return None
    seen = f"smtpd_tls_auth_only = yes, and TLS is off for {services[0].label}"
    why = "AUTH is offered under TLS alone then, and so never."
    if not _files(services[0], _CERTIFICATES):
        return Problem.without_remedy(seen, why, "TLS needs a certificate first (smtpd_tls_cert_file).")
    return Problem(seen, why, remedies.setting(site, "smtpd_tls_security_level", wrong, lambda _: "may"))


def certificate(site: Site) -> Problem | None:
    """Look for a certificate or key that is not there."""
    for service in site.offering:
        if not has_tls(service):
            continue
        for path in _files(service, _CERTIFICATES) + _files(service, _KEYS):
            if not os.path.exists(path):
                why = "Without it TLS does not start, and with it goes AUTH where it is offered under TLS alone."
                return Problem.without_remedy(f"{path}: no such file", why, "the file has to be put there again.")
    return None


def option_names(site: Site) -> Problem | None:
    """Look for words among the security options that are none."""
    for name in (BEFORE, UNDER):

        def wrong(service: Service, name: str = name) -> bool:
            return any(word not in mechanisms.PASSES for word in _options(service, name))

        named = [service for service in site.offering if wrong(service)]
        if named:
            bad = [word for word in _options(named[0], name) if word not in mechanisms.PASSES]
            why = f"smtpd ends with an error when it meets an option that it does not know. {THROTTLED}"
            return Problem(f"{name} has {bad[0]} in it", why, remedies.setting(site, name, wrong, _known))
    return None


def anonymous(site: Site) -> Problem | None:
    """Look for security options without noanonymous."""
    for name in (BEFORE, UNDER):

        def wrong(service: Service, name: str = name) -> bool:
            return "noanonymous" not in _options(service, name) and not (name == UNDER and not has_tls(service))

        def right(value: str) -> str:
            return ", ".join(["noanonymous", *value.replace(",", " ").split()])

        named = [service for service in site.offering if wrong(service)]
        if named:
            seen = f"{name} = {named[0].value(name)}, without noanonymous"
            why = "Everybody may log in by ANONYMOUS then, with no password, where that plug-in is installed."
            return Problem(seen, why, remedies.setting(site, name, wrong, right))
    return None


def plaintext(site: Site) -> Problem | None:
    """Look for passwords that may cross the network in the clear."""

    def wrong(service: Service) -> bool:
        options = _options(service, BEFORE)
        typed = set(mechanisms.passing(site.mechanisms, options)) & set(mechanisms.SHADOW_MECHANISMS)
        return bool(typed) and not only_under_tls(service)

    services = [service for service in site.offering if wrong(service)]
    if not services:
        return None
    seen = f"PLAIN or LOGIN is offered without TLS by {services[0].label}"
    why = "Who listens on the way reads the password."
    if not all(map(has_tls, services)):
        return Problem.without_remedy(seen, why, "TLS needs a certificate first (smtpd_tls_cert_file).")
    return Problem(seen, why, remedies.setting(site, "smtpd_tls_auth_only", wrong, lambda _: "yes"))


def none_left(site: Site) -> Problem | None:
    """Look for a phase in which AUTH is allowed and no mechanism passes the security options."""
    for name in (BEFORE, UNDER):

        def wrong(service: Service, name: str = name) -> bool:
            here = has_tls(service) if name == UNDER else not only_under_tls(service)
            return here and not mechanisms.passing(site.mechanisms, _options(service, name))

        named = [service for service in site.offering if wrong(service)]
        if not named:
            continue
        offered = " ".join(site.mechanisms) or "none at all"
        seen = f"{name} = {named[0].value(name)} leaves nothing of the mechanisms ({offered})"
        why = f"smtpd ends with `no SASL authentication mechanisms`. {THROTTLED}"
        if not mechanisms.passing(site.mechanisms, ["noanonymous"]):
            return Problem(seen, why, remedies.conf_option(site, "mech_list", "PLAIN LOGIN"))
        if name == BEFORE and all(map(has_tls, named)):
            return Problem(seen, why, remedies.setting(site, "smtpd_tls_auth_only", wrong, lambda _: "yes"))
        return Problem(seen, why, remedies.setting(site, name, wrong, lambda _: "noanonymous"))
    return None


def _options(service: Service, name: str) -> list[str]:
    return service.value(name).lower().replace(",", " ").split()


def _known(value: str) -> str:
    """Return the security options without what is none, and with noanonymous."""
    words = [word for word in value.lower().replace(",", " ").split() if word in mechanisms.PASSES]
    return ", ".join(dict.fromkeys(["noanonymous", *words]))


def _files(service: Service, names: tuple[str, ...]) -> list[str]:
    """Return the absolute paths that these parameters name."""
    values = " ".join(service.value(name) for name in names).replace(",", " ").split()
    return [value for value in values if value.startswith("/")]
