"""`sasldb postfix check`: what is wrong between Postfix, libsasl and the database, and the command that mends it."""

from __future__ import annotations

import json as notation
import os
import sys

import click

from sasldb.cli.rendering import say, tell
from sasldb.errors import SasldbError
from sasldb.operations.checking import Report, check
from sasldb.operations.checks.finding import ERROR, UNSEEN, WARNING, Finding
from sasldb.operations.checks.site import Site
from sasldb.operations.syslog import printable

_COLOURS = {ERROR: "red", WARNING: "yellow", UNSEEN: "blue"}
_WIDTH = 9  # of the column of severities
_KEYS = ("name", "severity", "seen", "why", "remedy")


@click.command("check")
@click.option(
    "-f",
    "--file",
    metavar="FILE",
    help="The database that has the users. Default: the one that smtpd opens, whichever it is.",
)
@click.option("-a", "--app", metavar="APP", help="Name of the conf file. Default: smtpd_sasl_path.")
@click.option("-c", "--config-dir", metavar="DIR", help="Configuration directory of another Postfix.")
@click.option("--json", is_flag=True, help="Print JSON.")
@click.option("--fix", is_flag=True, help="Run what mends, where that loses nothing, after showing it and asking.")
@click.option("--yes", is_flag=True, help="With --fix, do not ask.")
def command(file: str | None, app: str | None, config_dir: str | None, json: bool, fix: bool, yes: bool) -> int:
    """Find out why logins fail, and how to mend it.

    Goes from Postfix's configuration over libsasl's to the database. What smtpd may read is tried with its user and in its chroot, so
    run this as root. Each fault is told once, with what was seen, why it matters, and the command that mends it. Exit status 1 when
    there is a finding.

    \b
    Example: another instance, and mend what is safe to mend
      sasldb postfix check --config-dir /etc/postfix-out --fix
    """
    named = file or os.environ.get("SASLDB_PATH") or None
    report = check(Site(config_dir, named, app))
    if fix:
        _mend(report, yes)
        report = check(Site(config_dir, named, app))
    _show(report, Site(config_dir, named, app), json)
    return 1 if report.findings else 0


def _mend(report: Report, yes: bool) -> None:
    """Show each safe remedy, ask, and run it."""
    from sasldb.operations.mending import mend

    for finding in report.findings:
        if not finding.safe:
            continue
        tell(f"{finding.name}: {finding.seen}")
        tell(f"to mend it: {finding.remedy}")
        if yes or click.confirm("Run it?", err=True):
            try:
                mend(finding)
            except SasldbError as error:
                tell(str(error))


def _show(report: Report, site: Site, json: bool) -> None:
    if json:
        findings = [{key: getattr(finding, key) for key in _KEYS} for finding in report.findings]
        say(notation.dumps({"findings": findings, "passed": report.passed}))
        return
    group = ""
    for finding in report.findings:
        if finding.group != group:
            group = finding.group
            _write(click.style(group, bold=True))
        _show_finding(finding)
    say(f"{len(report.findings)} found, {len(report.passed)} checks passed")
    if "main-cf" in report.passed:
        say(f"smtpd reads {site.conf.path} ({site.search.how}) and opens {site.database}")


def _show_finding(finding: Finding) -> None:
    margin = " " * (_WIDTH + 2)
    severity = click.style(finding.severity.ljust(_WIDTH), fg=_COLOURS[finding.severity])
    _write(f"  {severity}{click.style(finding.name, bold=True)}")
    for sentence in (finding.seen, finding.why):
        _write(f"{margin}{printable(sentence)}")
    if finding.remedy:
        _write(f"{margin}run: {printable(finding.remedy)}")


def _write(line: str) -> None:
    """Print a line that may hold colours, which only a terminal gets."""
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    sys.stdout.buffer.write((line if coloured else click.unstyle(line)).encode() + b"\n")
