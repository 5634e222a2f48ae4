"""Check a site: go through the table, leave consequences of what was found out, and say what was found and what passed.

Errors: SiteConfigError where there is no Postfix to check, or smtpd's user does not exist.
"""

from __future__ import annotations

from sasldb.postfix.checks.finding import Check, ERROR, Finding, Problem, UNSEEN
from sasldb.postfix.checks.table import CHECKS, LAST, OF_ANY_APPLICATION, OF_POSTFIX, ROOT
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen


class Report:
    """What came of it: `findings` in the order of the table, and the names of the checks that `passed`."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.passed: list[str] = []

    def add(self, finding: Finding) -> None:
        """Add a finding; what several applications share is told once."""
        if all((finding.name, finding.seen) != (other.name, other.seen) for other in self.findings):
            self.findings.append(finding)


class _Part:
    """One application of the site: what was found out about it. `blocked` are checks that found something or were left out, `unseen` those
    that could not look."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.blocked: set[str] = set()
        self.unseen: set[str] = set()


def check(site: Site, rows: tuple[Check, ...] = CHECKS, last: tuple[Check, ...] = LAST) -> Report:
    """Make every check of `rows` that is not a consequence of a finding, and `last` where no error was found.

    What is about Postfix is looked at once, all else for each application: smtpd services may read conf files of several names.
    The errors are those of this module.
    """
    report = Report()
    parts = [_Part(part) for part in site.parts]
    for row in rows:
        if not site.foreign or row.name in OF_ANY_APPLICATION:
            _make(row, site, parts, report)
    if not site.foreign and not any(finding.severity == ERROR for finding in report.findings):
        for row in last:
            _make(row, site, parts, report)
    return report


def _make(row: Check, site: Site, parts: list[_Part], report: Report) -> None:
    """Make one check, once or for each part; it has passed if it has for all."""
    if row.group in OF_POSTFIX:
        passed = _passes(row, site, parts[0], report)
        for part in parts[1:]:
            part.blocked |= parts[0].blocked & {row.name}
            part.unseen |= parts[0].unseen & {row.name}
    else:
        passed = all([_passes(row, part.site, part, report) for part in parts])
    if passed:
        report.passed.append(row.name)


def _passes(row: Check, site: Site, part: _Part, report: Report) -> bool:
    """Make one check once, and tell whether it was made and found nothing."""
    if part.blocked & {ROOT, *row.after}:
        part.blocked.add(row.name)
        return False
    try:
        problem = row.look(site)
    except Unseen as reason:
        if not part.unseen & set(row.after):  # else it has been told by the check before
            report.add(Finding(row, Problem(str(reason), reason.why, None, UNSEEN)))
        part.unseen.add(row.name)
        return False
    if problem is None:
        return True
    part.blocked.add(row.name)
    report.add(Finding(row, problem))
    return False
