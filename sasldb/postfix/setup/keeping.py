"""Services of master.cf that go on as before where a parameter of main.cf changes which they have from there, or name.

Source: Postfix 3.7, postconf(5): smtpd replaces names after it has taken the -o options. Errors: SiteConfigError where postconf fails.
"""

from __future__ import annotations

from sasldb.postfix.config.instance import Service
from sasldb.postfix.config.restrictions import LISTS, LOGIN_MAPS
from sasldb.postfix.config.scratch import Scratch
from sasldb.postfix.setup.parameters import with_words
from sasldb.postfix.site import fixes
from sasldb.postfix.site.encryption import UNDER
from sasldb.postfix.site.host import Host, SASL_TYPE
from sasldb.postfix.site.site import Site


def on_their_own(site: Site) -> list[Service]:
    """Return the services that ask Dovecot by their own line of master.cf, and go on so."""
    return [service for service in site.asking_others if SASL_TYPE in service.own]


def keep(scratch: Scratch, site: Site) -> None:
    """Give services what they had before, as options of their own; the copies hold all else that is changed.

    It is the options under TLS, where they name those without TLS, which get stricter. Of services that ask Dovecot it is also which
    senders belong to whom, because the maps know nothing of Dovecot's users, and the restriction lists: whom they let relay is unchanged.
    """
    now = {service.label: service for service in Host(scratch.directory).servers}
    others = {service.label for service in on_their_own(site)}
    for service in site.servers:
        names = [UNDER] if UNDER in service.own else []
        names += [LOGIN_MAPS, *LISTS] if service.label in others else []
        former = {name: service.value(name) for name in names if now[service.label].value(name) != service.value(name)}
        if UNDER in former:
            former[UNDER] = with_words(former[UNDER], "noanonymous")
        scratch.set_service(service.label, {name: fixes.joined(value) for name, value in former.items()})
