"""Restriction lists of main.cf and of the services of master.cf: what a setup puts into them, one word after the other.

It works on the copies that the rest of the setup has been written to, and asks postconf anew after each change: so a service that has just
been added counts, edits of one list follow on one another, and a list that several services have is edited once. A service that offers no
AUTH to clients, or asks Dovecot, keeps its own lists, and no list in which a map or a policy server decides is widened. What only the
administrator can place is a sentence, and all else is done.
"""

from __future__ import annotations

from sasldb.errors import SiteConfigError
from sasldb.postfix.config.instance import Service
from sasldb.postfix.config.restriction_edits import admitting
from sasldb.postfix.config.restriction_lists import Edit
from sasldb.postfix.config.restrictions import EVERYBODY, LISTS, SENDER, deciding, described
from sasldb.postfix.config.scratch import Scratch
from sasldb.postfix.setup import restrictions
from sasldb.postfix.site import fixes
from sasldb.postfix.site.host import Host

_Edits = dict[tuple[str, str], tuple[Service, Edit]]  # (service or "" for main.cf, parameter) -> edit
_Left = dict[tuple[str, str], list[str]]  # (list, reason) -> services
_ROUNDS = 10  # of edits, each of which makes room for the next in a list that others share


def bind(scratch: Scratch, policy: str, stricter_stays: bool = False) -> list[str]:
    """See that services which have a smtpd_sender_restrictions of their own bind senders by `policy` as well; return sentences.

    A list that binds everybody goes on so where the `stricter_stays`.
    """
    host = Host(scratch.directory)
    sentences = []
    for service in host.offering:
        if SENDER not in service.own:
            continue
        try:
            write(scratch, host, service, restrictions.binding(service, policy, stricter_stays))
        except SiteConfigError:
            sentences.append(f"{service.label} has a {SENDER} of its own in master.cf: add {policy} there")
    if restrictions.binding(host.postfix, EVERYBODY) is None:
        unbound = [one.label for one in host.servers if one.reinjects and SENDER not in one.own]
        sentences += [
            f"{label} is a content filter's, and would refuse users' mail: give it -o {SENDER}=" for label in unbound
        ]
    return sentences


def admit(scratch: Scratch) -> list[str]:
    """Let who has logged in pass every list of the services that offer AUTH; return a sentence for each list that still refuses them."""
    left: _Left = {}
    host = Host(scratch.directory)
    for _ in range(_ROUNDS):
        edits, left = _admitting(host)
        for service, edit in edits.values():
            write(scratch, host, service, edit)
        if not edits:
            break
        host = Host(scratch.directory)
    return [
        f"{name} of {', '.join(labels)} goes on refusing whoever has logged in, until you change it: {reason}"
        for (name, reason), labels in left.items()
    ] + _not_looked_at(host)


def _not_looked_at(host: Host) -> list[str]:
    """Return a sentence for each list that refuses logins, unless a map or a policy server permits them."""
    kept: _Left = {}
    for service in host.offering:
        for name in LISTS:
            decides = deciding(service, name)
            if decides is not None:
                kept.setdefault((name, described(decides)), []).append(service.label)
    return [
        f"{name} of {', '.join(labels)} is unchanged: {what} decides in it, and sasldb did not look at what that says"
        for (name, what), labels in kept.items()
    ]


def write(scratch: Scratch, host: Host, service: Service, edit: Edit | None) -> None:
    """Make the edit in what the service has of its own, or in what its list names of main.cf.

    Raises:
        SiteConfigError: other lists have it too, or postconf cannot write it.
    """
    if edit is None:
        return
    text = _writable(host, service, edit)
    if edit.parameter in service.own:
        scratch.set_service(service.label, {edit.parameter: text})
    else:
        scratch.set({edit.parameter: text})


def _writable(host: Host, service: Service, edit: Edit) -> str:
    host.postfix.see_alone(edit.parameter, service)
    return fixes.written(service, *edit)


def _admitting(host: Host) -> tuple[_Edits, _Left]:
    """Return one edit for each place that needs one, and (list, reason) -> labels of services where none can be made."""
    edits: _Edits = {}
    left: _Left = {}
    for service in host.offering:
        for name in LISTS:
            if deciding(service, name) is not None:
                continue
            try:
                edit = admitting(service, name)
                if edit is not None:
                    _writable(host, service, edit)
                    owner = service.label if edit.parameter in service.own else ""
                    edits.setdefault((owner, edit.parameter), (service, edit))
            except SiteConfigError as error:
                left.setdefault((name, error.reason), []).append(service.label)
    return edits, left
