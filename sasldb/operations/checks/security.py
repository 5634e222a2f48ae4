"""Checks of what Postfix demands of a login: TLS, security options, and that a mechanism is left that meets them.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
Source: Postfix 3.7, postconf(5), and smtpd observed: a phase of the dialogue (before and under TLS) in which AUTH is allowed and no
mechanism passes its security options ends the service with an error.
"""

from __future__ import annotations

import os

from sasldb.operations.checks import remedies
from sasldb.operations.checks.encryption import (
    AUTH_ONLY,
    BEFORE,
    NEEDS_CERTIFICATE,
    UNDER,
    certified,
    challenges_alone,
    guarded,
    guards,
    has_challenge,
    has_tls,
    in_clear,
    only_under_tls,
    options,
)
from sasldb.operations.checks.finding import THROTTLED, Problem, Unseen
from sasldb.operations.checks.site import Site
from sasldb.siteconf import mechanisms
from sasldb.siteconf.instance import Service

_LEVEL = "smtpd_tls_security_level"
_CHAINS = "smtpd_tls_chain_files"
_CERTIFICATES = ("smtpd_tls_cert_file", "smtpd_tls_eccert_file", "smtpd_tls_dcert_file")
_KEYS = ("smtpd_tls_key_file", "smtpd_tls_eckey_file", "smtpd_tls_dkey_file")


def no_tls(site: Site) -> Problem | None:
    """Look for services that allow AUTH under TLS alone, and have no TLS."""

    def wrong(service: Service) -> bool:
        meant = _LEVEL in service.own and "smtpd_sasl_auth_enable" not in service.own and bool(with_tls)
        return service.is_on("smtpd_tls_auth_only") and not has_tls(service) and not meant

    with_tls = list(filter(has_tls, site.offering))  # beside them, a service may do without TLS, and so without logins
    services = [service for service in site.offering if wrong(service)]
    if not services:
        return None
    seen = f"smtpd_tls_auth_only = yes, and TLS is off for {services[0].label}"
    why = "AUTH is offered under TLS alone then, and so never."
    if not certified(site):
        return Problem.without_remedy(seen, why, "TLS needs a certificate that works first (smtpd_tls_cert_file).")
    return Problem(seen, why, remedies.setting(site, _LEVEL, wrong, lambda _: "may"))


def certificate(site: Site) -> Problem | None:
    """Look for a certificate or key that is not there."""
    hidden = []
    for path in dict.fromkeys(path for service in site.offering if has_tls(service) for path in _files(service)):
        try:
            os.stat(path)
        except PermissionError:
            hidden.append(path)
        except OSError as error:
            why = "Without it TLS does not start, and with it goes AUTH where it is offered under TLS alone."
            seen = f"{path}: {str(error.strerror).lower()}"
            return Problem.without_remedy(seen, why, "the file has to be put there again.")
    if hidden:
        raise Unseen(f"whether {hidden[0]} is there can be seen by root alone")
    return None


def option_names(site: Site) -> Problem | None:
    """Look for words among the security options that are none."""
    for name in (BEFORE, UNDER):

        def wrong(service: Service, name: str = name) -> bool:
            return any(word not in mechanisms.PASSES for word in options(service, name))

        named = [service for service in site.offering if wrong(service)]
        if named:
            bad = [word for word in options(named[0], name) if word not in mechanisms.PASSES]
            why = f"smtpd ends with an error when it meets an option that it does not know. {THROTTLED}"
            seen = f"{name} has {bad[0]} in it"
            remedy = remedies.setting(site, name, wrong, _known)
            ahead = guards(site, named) if name == BEFORE else []
            if ahead is None:
                return Problem.without_remedy(seen, why, NEEDS_CERTIFICATE)
            if any(BEFORE in command for command in ahead):  # which sets it already
                remedy = remedies.reload(site)
            return Problem(seen, why, remedies.together(*ahead, remedy))
    return None


def anonymous(site: Site) -> Problem | None:
    """Look for security options without noanonymous."""
    for name in (BEFORE, UNDER):

        def wrong(service: Service, name: str = name) -> bool:
            return "noanonymous" not in options(service, name) and not (name == UNDER and not has_tls(service))

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
        return in_clear(service, site.mechanisms)

    services = [service for service in site.offering if wrong(service)]
    if not services:
        return None
    seen = f"PLAIN or LOGIN is offered without TLS by {services[0].label}"
    why = "Who listens on the way reads the password."
    if all(map(has_tls, services)):
        return Problem(seen, why, remedies.setting(site, AUTH_ONLY, wrong, lambda _: "yes"))
    if not has_challenge(site.mechanisms):
        return Problem.without_remedy(seen, why, NEEDS_CERTIFICATE)
    why += " With this command who has no other mechanism cannot log in; better is TLS, which needs a certificate."
    commands = [*challenges_alone(site, services), remedies.reload(site)]
    return Problem(seen, why, remedies.together(*commands), safe=False)


def none_left(site: Site) -> Problem | None:
    """Look for a phase in which AUTH is allowed and no mechanism passes the security options."""
    for name in (BEFORE, UNDER):

        def wrong(service: Service, name: str = name) -> bool:
            here = has_tls(service) if name == UNDER else not only_under_tls(service)
            return here and not mechanisms.passing(site.mechanisms, options(service, name))

        named = [service for service in site.offering if wrong(service)]
        if not named:
            continue
        offered = " ".join(site.mechanisms) or "none at all"
        seen = f"{name} = {named[0].value(name)} leaves nothing of the mechanisms ({offered})"
        why = f"smtpd ends with `no SASL authentication mechanisms`. {THROTTLED}"
        if not mechanisms.passing(site.mechanisms, ["noanonymous"]):
            problem = Problem(
                seen, why, remedies.conf_option(site, "mech_list", " ".join(mechanisms.SHADOW_MECHANISMS))
            )
            return guarded(site, problem, site.offering, list(mechanisms.SHADOW_MECHANISMS))
        if name == UNDER:
            return Problem(seen, why, remedies.setting(site, name, wrong, lambda _: "noanonymous"))
        if all(map(has_tls, named)):
            return Problem(seen, why, remedies.setting(site, AUTH_ONLY, wrong, lambda _: "yes"))
        if has_challenge(site.mechanisms):
            return Problem(seen, why, remedies.together(*challenges_alone(site, named), remedies.reload(site)))
        return Problem.without_remedy(seen, why, NEEDS_CERTIFICATE)
    return None


def _known(value: str) -> str:
    """Return the security options without what is none, and with noanonymous."""
    words = [word for word in value.lower().replace(",", " ").split() if word in mechanisms.PASSES]
    return ", ".join(dict.fromkeys(["noanonymous", *words]))


def _files(service: Service) -> list[str]:
    """Return the absolute paths of certificates and keys; where smtpd_tls_chain_files names any, smtpd uses no others."""
    names = (_CHAINS,) if service.value(_CHAINS) else (*_CERTIFICATES, *_KEYS)
    values = " ".join(service.value(name) for name in names).replace(",", " ").split()
    return [value for value in values if value.startswith("/")]
