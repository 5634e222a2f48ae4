"""Check a site: go through the table, leave consequences of what was found out, and say what was found and what passed.

Errors: SiteConfigError where there is no Postfix to check, or smtpd's user does not exist.
"""

from __future__ import annotations

from sasldb.operations.checks.finding import ERROR, UNSEEN, Check, Finding, Problem, Unseen
from sasldb.operations.checks.site import Site
from sasldb.operations.checks.table import CHECKS, LAST, OF_ANY_APPLICATION, ROOT


class Report:
    """What came of it: `findings` in the order of the table, and the names of the checks that `passed`."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.passed: list[str] = []


def check(site: Site) -> Report:
    """Make every check that is not a consequence of a finding; the errors are those of this module."""
    report = Report()
    blocked: set[str] = set()
    for row in CHECKS:
        if not site.foreign or row.name in OF_ANY_APPLICATION:
            _make(row, site, report, blocked)
    if not site.foreign and not any(finding.severity == ERROR for finding in report.findings):
        for row in LAST:
            _make(row, site, report, blocked)
    return report


def _make(row: Check, site: Site, report: Report, blocked: set[str]) -> None:
    if blocked & {ROOT, *row.after}:
        blocked.add(row.name)
        return
    try:
        problem = row.look(site)
    except Unseen as reason:
        why = "As root this can be seen."
        problem = Problem.without_remedy(str(reason), why, "run this command as root.", UNSEEN)
    if problem is None:
        report.passed.append(row.name)
        return
    blocked.add(row.name)
    report.findings.append(Finding(row, problem))
