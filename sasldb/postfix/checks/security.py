"""Checks of what Postfix demands of a login: TLS, security options, and that a mechanism is left that meets them.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
Source: Postfix 3.7, postconf(5), and smtpd observed: a phase of the dialogue (before and under TLS) in which AUTH is allowed and no
mechanism passes its security options ends the service with an error.
"""

from __future__ import annotations

from sasldb.libsasl import mechanisms
from sasldb.postfix.checks.finding import Problem, THROTTLED
from sasldb.postfix.checks.guards import NEEDS_CERTIFICATE, certified, challenges_alone, guarded, guards
from sasldb.postfix.config.certificate import AUTHORITIES, Certificate
from sasldb.postfix.config.instance import ENABLE, LEVEL, Service
from sasldb.postfix.site import fixes
from sasldb.postfix.site.encryption import (
    AUTH_ONLY,
    BEFORE,
    UNDER,
    has_challenge,
    has_tls,
    in_clear,
    only_under_tls,
    options,
)
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen

_ONLY_YOU = "only you can put there, or name, a certificate with its key (smtpd_tls_chain_files)."
_ASKING = ("smtpd_tls_ask_ccert", "smtpd_tls_req_ccert")


def no_tls(site: Site) -> Problem | None:
    """Look for services that allow AUTH under TLS alone, and have no TLS."""

    def wrong(service: Service) -> bool:
        meant = LEVEL in service.own and ENABLE not in service.own and bool(with_tls)
        return service.is_on(AUTH_ONLY) and not has_tls(service) and not meant

    with_tls = list(filter(has_tls, site.offering))  # beside them, a service may do without TLS, and so without logins
    services = [service for service in site.offering if wrong(service)]
    if not services:
        return None
    seen = f"smtpd_tls_auth_only = yes, and TLS is off for {services[0].label}"
    why = "AUTH is offered under TLS alone then, and so never."
    if not certified(site):
        return Problem.without_remedy(seen, why, "TLS needs a certificate that works first (smtpd_tls_cert_file).")
    return Problem(seen, why, fixes.setting(site, LEVEL, wrong, lambda _: "may"))


def certificate(site: Site) -> Problem | None:
    """Look for what TLS cannot start with, or without: a certificate, its key, and the file of CAs."""
    found = [(service, Certificate(service)) for service in site.offering if has_tls(service)]
    failing = [(service, one) for service, one in found if not (one.works or one.declined or one.hidden)]
    if failing:
        service, one = failing[0]
        seen = f"{one.reason}, and TLS is on for {service.label}" if not one.configured else one.reason
        why = "TLS does not start so, and with it goes AUTH where it is offered under TLS alone."
        same = [service for service, other in failing if other.authorities == one.authorities]
        return _authorities(site, same, seen, why) if one.authorities else Problem.without_remedy(seen, why, _ONLY_YOU)
    hidden = next((one.hidden for _, one in found if one.hidden), "")
    if hidden:
        raise Unseen(f"whether TLS starts cannot be seen: {hidden} can be read by root alone")
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
            remedy = fixes.setting(site, name, wrong, _known)
            ahead = guards(site, named) if name == BEFORE else []
            if ahead is None:
                return Problem.without_remedy(seen, why, NEEDS_CERTIFICATE)
            if any(BEFORE in command for command in ahead):  # which sets it already
                remedy = fixes.reload(site)
            return Problem(seen, why, fixes.together(*ahead, remedy))
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
            return Problem(seen, why, fixes.setting(site, name, wrong, right))
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
    if all(map(has_tls, services)) and certified(site):
        return Problem(seen, why, fixes.setting(site, AUTH_ONLY, wrong, lambda _: "yes"))
    if not has_challenge(site.mechanisms):
        return Problem.without_remedy(seen, why, NEEDS_CERTIFICATE)
    why += " With this command who has no other mechanism cannot log in; better is TLS, which needs a certificate."
    commands = [*challenges_alone(site, services), fixes.reload(site)]
    return Problem(seen, why, fixes.together(*commands), safe=False)


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
            problem = Problem(seen, why, fixes.conf_option(site, "mech_list", " ".join(mechanisms.SHADOW_MECHANISMS)))
            return guarded(site, problem, site.offering, list(mechanisms.SHADOW_MECHANISMS))
        if name == UNDER:
            return Problem(seen, why, fixes.setting(site, name, wrong, lambda _: "noanonymous"))
        if all(map(has_tls, named)) and certified(site):
            return Problem(seen, why, fixes.setting(site, AUTH_ONLY, wrong, lambda _: "yes"))
        if has_challenge(site.mechanisms):
            return Problem(seen, why, fixes.together(*challenges_alone(site, named), fixes.reload(site)))
        return Problem.without_remedy(seen, why, NEEDS_CERTIFICATE)
    return None


def _known(value: str) -> str:
    """Return the security options without what is none, and with noanonymous."""
    words = [word for word in value.lower().replace(",", " ").split() if word in mechanisms.PASSES]
    return ", ".join(dict.fromkeys(["noanonymous", *words]))


def _authorities(site: Site, services: list[Service], seen: str, why: str) -> Problem:
    """Return the problem of `services` whose file of CAs cannot be loaded; nobody needs it where no client is asked for a certificate."""
    if any(service.is_on(name) for service in site.postfix.servers for name in _ASKING):
        reason = "clients are asked for certificates here, so the file of their CAs has to be put there again."
        return Problem.without_remedy(seen, why, reason)
    own = [service for service in services if AUTHORITIES in service.overrides]
    commands = [fixes.service_removal(site, service, AUTHORITIES) for service in own]
    if len(own) < len(services):
        commands.insert(0, fixes.removal(site, AUTHORITIES))
    why += f" {AUTHORITIES} is for certificates of clients, which nobody asks for here; what is above your own belongs into its file."
    return Problem(seen, why, fixes.together(*commands, fixes.reload(site)))
