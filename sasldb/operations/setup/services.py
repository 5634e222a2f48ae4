"""The services of master.cf: submission, overrides that would keep a restriction of main.cf from having an effect, the chroot.

Submission is RFC 6409: port 587, for those who log in and for nobody else. Source of the options: Postfix's own master.cf.
Errors: `SiteConfigError`: submission without a certificate, or where another program serves the port;
a restriction that only the administrator can put in its place.
"""

from __future__ import annotations

from sasldb.errors import SiteConfigError
from sasldb.operations.checks import remedies
from sasldb.operations.checks.host import CYRUS, SASL_PATH, SASL_TYPE, is_application
from sasldb.operations.checks.site import Site
from sasldb.operations.setup import restrictions
from sasldb.operations.setup.parameters import mismatch
from sasldb.operations.setup.request import Request
from sasldb.siteconf.instance import SMTPD, Service
from sasldb.siteconf.restriction_lists import Edit
from sasldb.siteconf.restrictions import RELAY, SENDER
from sasldb.siteconf.scratch import Scratch

LABEL = "submission/inet"
_PORT = 587
_OPTIONS = {
    "syslog_name": "postfix/submission",
    "smtpd_tls_security_level": "encrypt",
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_client_restrictions": "permit_sasl_authenticated,reject",
    "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
}
_REQUIRED = ("smtpd_tls_security_level", "smtpd_sasl_auth_enable", "smtpd_relay_restrictions")


def edit(scratch: Scratch, site: Site, request: Request, tls: bool, free: str) -> list[str]:
    """Edit the copy of master.cf, and return sentences to mind.

    Args:
        tls: whether there is a certificate that works. free: why smtpd cannot stay in a chroot, "" where it can.

    Raises:
        SiteConfigError: see the module.
    """
    sentences = _keep_dovecot(scratch, site)
    if request.submission:
        if not tls:
            remedy = "give Postfix one (smtpd_tls_chain_files), then run this again"
            raise SiteConfigError("submission", "needs a certificate that works", remedy=remedy)
        _submit(scratch, site, bool(free))
    sentences += _free(scratch, site, free) if free else []
    return sentences + (_bind_senders(scratch, site, request.sender_logins) if request.sender_logins else [])


def _keep_dovecot(scratch: Scratch, site: Site) -> list[str]:
    """Leave services of master.cf that name Dovecot themselves as they are, and say whom the others do not ask any more."""
    kept: list[Service] = []
    changed: list[Service] = []
    for service in site.asking_others:
        (kept if SASL_TYPE in service.own else changed).append(service)
    sentences = []
    if changed:
        now = changed[0].value(SASL_TYPE)
        sentences.append(f"{_labels(changed)}: asks {now} now; who logs in by that will not be asked for any more")
    for service in kept:
        if SASL_PATH not in service.own and not is_application(site.postfix[SASL_PATH]):
            scratch.set_service(service.label, {SASL_PATH: site.postfix[SASL_PATH]})
    if kept:
        sentences.append(
            f"{_labels(kept)}: asks {kept[0].value(SASL_TYPE)} by its own line of master.cf, and goes on so"
        )
    return sentences


def _labels(services: list[Service]) -> str:
    return ", ".join(service.label for service in services)


def _names_another(service: Service) -> bool:
    return service.overrides.get(SASL_TYPE, CYRUS) != CYRUS


def _free(scratch: Scratch, site: Site, why: str) -> list[str]:
    """Take the services that are to offer AUTH out of their chroot."""
    offering = [service for service in site.servers if service.overrides.get("smtpd_sasl_auth_enable") != "no"]
    labels = [service.label for service in offering if service.chroot and not _names_another(service)]
    for label in labels:
        scratch.free_service(label)
    return [f"{label} is taken out of its chroot: {why}" for label in labels]


def _submit(scratch: Scratch, site: Site, free: bool) -> None:
    """Serve the port: by what listens there already, under whatever name and at whatever address, else by a service of its own."""
    present = [service for service in site.postfix.services if service.port == _PORT]
    for service in present:
        if service.program != SMTPD:
            reason = f"port {_PORT} is served by {service.program} already ({service.label} in master.cf)"
            raise SiteConfigError("submission", reason, remedy="free the port, or run this without --submission")
        _complete(scratch, site, service)
    if not present:
        jailed = not free and any(service.chroot for service in site.servers)
        scratch.add_service(LABEL, f"submission inet n - {'y' if jailed else 'n'} - - smtpd")
        scratch.set_service(LABEL, _OPTIONS)


def _complete(scratch: Scratch, site: Site, present: Service) -> None:
    """Give a submission service of the administrator's what it lacks."""
    wanted = {name: _OPTIONS[name] for name in _REQUIRED if present.value(name) != _OPTIONS[name]}
    if restrictions.lets_logins_relay(present, RELAY):
        wanted.pop(RELAY, None)
    elif present.value(RELAY) and RELAY in present.own:
        del wanted[RELAY]
        _edit(scratch, site, present, restrictions.relaying(present, RELAY))
    scratch.set_service(present.label, wanted)


def _bind_senders(scratch: Scratch, site: Site, bound: str) -> list[str]:
    """See that services which have a list of their own bind senders to logins as well."""
    sentences = []
    for service in site.servers:
        if SENDER not in service.own or _names_another(service):
            continue
        try:
            _edit(scratch, site, service, restrictions.binding(service, mismatch(bound)))
        except SiteConfigError:
            sentences.append(f"{service.label} has a {SENDER} of its own in master.cf: add {mismatch(bound)} there")
    return sentences


def _edit(scratch: Scratch, site: Site, service: Service, edit: Edit | None) -> None:
    """Make the edit in what the service has of its own, or in what its list names of main.cf.

    Raises:
        SiteConfigError: other lists have it too, or postconf cannot write it.
    """
    if edit is None:
        return
    site.postfix.see_alone(edit.parameter, service)
    if edit.parameter in service.own:
        scratch.set_service(service.label, {edit.parameter: remedies.written(service, *edit)})
    else:
        scratch.set({edit.parameter: edit.text})
