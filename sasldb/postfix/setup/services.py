"""The services of master.cf: submission, those that ask Dovecot, the chroot. Their restriction lists are a matter of `lists`.

Submission is RFC 6409: port 587, for those who log in and for nobody else. Source of the options: Postfix's own master.cf.
Errors: `SiteConfigError`: submission without a certificate, or where another program serves the port; a restriction that protects
it from strangers, and that only the administrator can put in its place.
"""

from __future__ import annotations

from sasldb.errors import SiteConfigError
from sasldb.postfix.config.instance import ENABLE, LEVEL, SMTPD, Service, labels
from sasldb.postfix.config.restriction_lists import Parameters
from sasldb.postfix.config.restrictions import BINDING, CLIENT, LISTS, LOGIN_MAPS, RELAY, described, steps, undecided
from sasldb.postfix.config.scratch import Scratch
from sasldb.postfix.setup import keeping, lists, restrictions
from sasldb.postfix.setup.request import Request
from sasldb.postfix.site import fixes
from sasldb.postfix.site.host import CYRUS, Host, SASL_PATH, SASL_TYPE, is_application
from sasldb.postfix.site.site import Site

LABEL = "submission/inet"
_PORT = 587
_OPTIONS = {
    "syslog_name": "postfix/submission",
    LEVEL: "encrypt",
    ENABLE: "yes",
    CLIENT: "permit_sasl_authenticated,reject",
    RELAY: "permit_sasl_authenticated,reject",
}
_REQUIRED = (LEVEL, ENABLE, RELAY)


def edit(scratch: Scratch, site: Site, request: Request, no_tls: str, free: str) -> list[str]:
    """Edit the copy of master.cf, and return sentences to mind.

    Args:
        no_tls: why there is no certificate that works, "" where there is one. free: why smtpd cannot stay in a chroot, "" where it can.

    Raises:
        SiteConfigError: see the module.
    """
    sentences = _keep_dovecot(scratch, site)
    if request.submission:
        if no_tls:
            remedy = "mend that, or name another one (smtpd_tls_chain_files), then run this again"
            raise SiteConfigError("submission", f"needs a certificate that works: {no_tls}", remedy=remedy)
        sentences += _submit(scratch, bool(free))
    return sentences + (_free(scratch, site, free) if free else [])


def _keep_dovecot(scratch: Scratch, site: Site) -> list[str]:
    """Leave services of master.cf that name Dovecot themselves as they are, and say whom the others do not ask any more."""
    kept = keeping.on_their_own(site)
    changed = [service for service in site.asking_others if service not in kept]
    sentences = []
    if changed:
        now = changed[0].value(SASL_TYPE)
        sentences.append(f"{labels(changed)}: asks {now} now; who logs in by that will not be asked for any more")
    for service in kept:
        if SASL_PATH not in service.own and not is_application(site.postfix[SASL_PATH]):
            scratch.set_service(service.label, {SASL_PATH: site.postfix[SASL_PATH]})
    if kept:
        sentences.append(
            f"{labels(kept)}: asks {kept[0].value(SASL_TYPE)} by its own line of master.cf, and goes on so"
        )
    return sentences


def _names_another(service: Service) -> bool:
    return service.overrides.get(SASL_TYPE, CYRUS) != CYRUS


def _free(scratch: Scratch, site: Site, why: str) -> list[str]:
    """Take the services that are to offer AUTH out of their chroot."""
    offering = [service for service in site.servers if service.overrides.get(ENABLE) != "no"]
    labels = [service.label for service in offering if service.chroot and not _names_another(service)]
    for label in labels:
        scratch.free_service(label)
    return [f"{label} is taken out of its chroot: {why}" for label in labels]


def _submit(scratch: Scratch, free: bool) -> list[str]:
    """Serve the port: by what listens there already, under whatever name and at whatever address, else by a service of its own.

    Returns a sentence for each list that holds there too, because a map or a policy server decides in it.
    """
    host = Host(scratch.directory)
    present = [service for service in host.postfix.services if service.port == _PORT]
    for service in present:
        if service.program != SMTPD:
            reason = f"port {_PORT} is served by {service.program} already ({service.label} in master.cf)"
            raise SiteConfigError("submission", reason, remedy="free the port, or run this without --submission")
        _complete(scratch, host, service)
    if present:
        return []
    jailed = not free and any(service.chroot for service in host.servers)
    scratch.add_service(LABEL, f"submission inet n - {'y' if jailed else 'n'} - - smtpd")
    model = _model(Host(scratch.directory))
    values = _OPTIONS | _lists(model)
    scratch.set_service(LABEL, {name: value for name, value in values.items() if value is not None})
    return [
        f"{LABEL} has the {name} of {model.label}: {described(step)} decides in it, and sasldb did not look at what that says"
        for name in LISTS
        if (step := undecided(model, name))
    ]


def _model(host: Host) -> Service:
    """Return the service whose lists bind users by now: one in which a map decides, else the first one that offers AUTH.

    Where none offers it, that is the new service itself, which has the lists of main.cf.
    """
    services = [*host.offering, *(one for one in host.servers if one.label == LABEL)]
    chosen = (one for one in services if any(undecided(one, name) for name in LISTS))
    return next(chosen, services[0])


def _lists(model: Service) -> dict[str, str | None]:
    """Return the lists of a new submission service, None for one of main.cf: who may relay at the `model` may here, as the same senders."""
    found: dict[str, str | None] = {}
    for name in LISTS:
        binds = any(step.name in BINDING for step in steps(model, name))
        if undecided(model, name) or (binds and name not in _OPTIONS):
            found[name] = fixes.written(model, name, model.written(name)) if name in model.own else None
        elif name in _OPTIONS:
            found[name] = _bound(model, name)
    if LOGIN_MAPS in model.own:
        found[LOGIN_MAPS] = fixes.written(model, LOGIN_MAPS, model.written(LOGIN_MAPS))
    return found


def _bound(parameters: Parameters, name: str) -> str:
    """Return the list `name` of a submission service: what binds senders to logins in that of `parameters` does so here."""
    found = [step.name for step in steps(parameters, name) if step.name in BINDING and not step.warned]
    return ",".join([*dict.fromkeys(found), _OPTIONS[name]])


def _complete(scratch: Scratch, host: Host, present: Service) -> None:
    """Give a submission service of the administrator's what it lacks."""
    wanted = {name: _OPTIONS[name] for name in _REQUIRED if present.value(name) != _OPTIONS[name]}
    if restrictions.lets_logins_relay(present, RELAY) or restrictions.protected_as_before(present):
        wanted.pop(RELAY, None)
    elif undecided(present, RELAY) or (present.value(RELAY) and RELAY in present.own):
        del wanted[RELAY]
        if RELAY in present.own:
            lists.write(scratch, host, present, restrictions.protecting(present, RELAY))
    elif RELAY in wanted:
        wanted[RELAY] = _bound(present, RELAY)
    scratch.set_service(present.label, wanted)
