"""Services of master.cf that go on as before where a parameter of main.cf changes which they follow by its name.

Source: Postfix 3.7, postconf(5): smtpd replaces names after it has taken the -o options. Errors: SiteConfigError where postconf fails.
"""

from __future__ import annotations

from sasldb.operations.checks import remedies
from sasldb.operations.checks.encryption import UNDER
from sasldb.operations.checks.host import Host
from sasldb.operations.checks.site import Site
from sasldb.operations.setup.parameters import with_words
from sasldb.siteconf.scratch import Scratch


def keep(scratch: Scratch, site: Site) -> None:
    """Give services what they had before, as options of their own; the copies hold all else that is changed.

    It is the options under TLS: those without TLS are made stricter, and are named there.
    """
    now = {service.label: service for service in Host(scratch.directory).servers}
    for service in site.servers:
        if UNDER in service.own and now[service.label].value(UNDER) != service.value(UNDER):
            value = with_words(service.value(UNDER), "noanonymous")
            scratch.set_service(service.label, {UNDER: remedies.joined(value)})
