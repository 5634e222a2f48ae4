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


def check(site: Site, rows: tuple[Check, ...] = CHECKS, last: tuple[Check, ...] = LAST) -> Report:
    """Make every check of `rows` that is not a consequence of a finding, and `last` where no error was found.

    The errors are those of this module.
    """
    report = Report()
    blocked: set[str] = set()
    unseen: set[str] = set()
    for row in rows:
        if not site.foreign or row.name in OF_ANY_APPLICATION:
            _make(row, site, report, blocked, unseen)
    if not site.foreign and not any(finding.severity == ERROR for finding in report.findings):
        for row in last:
            _make(row, site, report, blocked, unseen)
    return report


def _make(row: Check, site: Site, report: Report, blocked: set[str], unseen: set[str]) -> None:
    """Make one check. `blocked` are those that found something or were left out, `unseen` those that could not look."""
    if blocked & {ROOT, *row.after}:
        blocked.add(row.name)
        return
    try:
        problem = row.look(site)
    except Unseen as reason:
        if not unseen & set(row.after):  # else it has been told by the check before
            report.findings.append(Finding(row, Problem(str(reason), reason.why, None, UNSEEN)))
        unseen.add(row.name)
        return
    if problem is None:
        report.passed.append(row.name)
        return
    blocked.add(row.name)
    report.findings.append(Finding(row, problem))
