"""What is wrong with the Postfix of this host, where it is the one that refused a login: the errors that keep people out, no others.

Errors: none; what cannot be asked or seen is left out.
"""

from __future__ import annotations

import socket

from sasldb.errors import SasldbError
from sasldb.operations.checks.checking import check
from sasldb.operations.checks.finding import ERROR
from sasldb.operations.checks.site import Site
from sasldb.operations.checks.table import CHECKS, CLIENT, SECURITY, SENDERS


def suspects(port: int) -> list[str]:
    """Return sentences (text), each with what mends it, where Postfix is what listens at `port` and offers AUTH there; else none."""
    try:
        site = Site()
        if not site.master or port not in {_port(service.name) for service in site.offering}:
            return []
        report = check(site, tuple(row for row in CHECKS if row.group not in (SENDERS, SECURITY, CLIENT)), ())
    except SasldbError:
        return []
    found = [finding for finding in report.findings if finding.severity == ERROR]
    return [f"{finding.seen}; {f'run: {finding.remedy}' if finding.remedy else finding.why}" for finding in found]


def _port(service: str) -> int:
    """Return the port of a service of master.cf, `smtp` or `127.0.0.1:2525`; 0 where it is none."""
    name = service.rpartition(":")[2]
    try:
        return int(name) if name.isdigit() else socket.getservbyname(name, "tcp")
    except OSError:
        return 0
