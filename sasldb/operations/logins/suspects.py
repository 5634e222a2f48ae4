"""What is wrong with the Postfix of this host, where it is the one that refused a login, or offered none: the errors that keep people out,
no others.

Errors: none; what cannot be asked or seen is left out.
"""

from __future__ import annotations

from sasldb.errors import SasldbError
from sasldb.postfix.checks.checking import check
from sasldb.postfix.checks.finding import ERROR
from sasldb.postfix.checks.table import CHECKS, CLIENT, POSTFIX, SECURITY, SENDERS
from sasldb.postfix.config.instance import ENABLE
from sasldb.postfix.site.site import Site

_OTHERS = SENDERS, SECURITY, CLIENT


def suspects(port: int, offered: bool = True) -> list[str]:
    """Return sentences (text), each with what mends it, where Postfix is what listens at `port`, and has what was `offered`; else none.

    Where AUTH was not offered, and is switched off at that port, only what may have switched it off is told.
    """
    try:
        site = Site()
        if not site.master or port not in [one.port for one in (site.offering if offered else site.servers)]:
            return []
        off = not offered and port not in [one.port for one in site.enabled]
        rows = tuple(row for row in CHECKS if (row.group == POSTFIX if off else row.group not in _OTHERS))
        found = [finding for finding in check(site, rows, ()).findings if finding.severity == ERROR]
    except SasldbError:
        return []
    if off and not found:
        return [f"{ENABLE} is not yes for the service at port {port}"]
    return [f"{finding.seen}; {f'run: {finding.remedy}' if finding.remedy else finding.why}" for finding in found]
