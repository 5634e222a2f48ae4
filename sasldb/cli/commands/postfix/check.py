"""`sasldb postfix check`: what is wrong between Postfix, libsasl and the database, and the command that mends it."""

from __future__ import annotations

import json as notation
import os
import sys

import click

from sasldb.cli.options import PATH
from sasldb.cli.proposing import agreed
from sasldb.cli.rendering import say, tell
from sasldb.errors import NotFound, SasldbError
from sasldb.model.text import printable
from sasldb.postfix.checks.checking import Report, check
from sasldb.postfix.checks.finding import ERROR, Finding, UNSEEN, WARNING
from sasldb.postfix.checks.table import ROOT
from sasldb.postfix.site.site import Site

_COLOURS = {ERROR: "red", WARNING: "yellow", UNSEEN: "blue"}
_WIDTH = 9  # of the column of severities
_DECIDE = "To be decided by you, and never run by --fix:"
_KEYS = ("name", "severity", "seen", "why", "remedy")


@click.command("check")
@click.option(
    "-f",
    "--file",
    metavar="FILE",
    type=PATH,
    help="The database that has the users. Default: the one that smtpd opens, whichever it is.",
)
@click.option(
    "-a",
    "--app",
    metavar="APP",
    help="Name of the conf file. Default: each smtpd_sasl_path. Any other name is that of another application of libsasl.",
)
@click.option("-c", "--config-dir", metavar="DIR", type=PATH, help="Configuration directory of another Postfix.")
@click.option("--json", is_flag=True, help="Print JSON.")
@click.option("--fix", is_flag=True, help="Run what mends, where that loses nothing, after showing it and asking.")
@click.option("--yes", is_flag=True, help="With --fix, do not ask.")
def command(file: str | None, app: str | None, config_dir: str | None, json: bool, fix: bool, yes: bool) -> int:
    """Find out why logins fail, and how to mend it.

    Goes from Postfix's configuration over libsasl's to the database. What smtpd may read is tried with its user and in its chroot, so
    run this as root. Each fault is told once, with what was seen, why it matters, and the command that mends it. Exit status 1 when
    there is a finding, or one is left by --fix, which tells why.

    \b
    Example: another instance, and mend what is safe to mend
      sasldb postfix check --config-dir /etc/postfix-out --fix
    """
    if yes and not fix:
        raise click.UsageError("--yes goes with --fix")
    if app is not None and (not app.strip(".") or "/" in app or "\0" in app):
        raise click.UsageError("--app: the name of an application, such as smtpd, and no path")
    named = file or os.environ.get("SASLDB_PATH") or None
    if named and not os.path.lexists(named):
        raise NotFound(named, "no such file")
    site = Site(config_dir, named, app)
    report = check(site)
    tried: dict[str, str] = {}
    while fix and _mend(report, yes, tried):  # what is mended may have hidden something else
        site = Site(config_dir, named, app)
        report = check(site)
    for finding in report.findings if fix else []:
        tell(f"left: {finding.name}, {_reason(finding, tried)}")
    _show(report, site, json)
    return 1 if report.findings else 0


def _mend(report: Report, yes: bool, tried: dict[str, str]) -> bool:
    """Show each safe remedy that is not in `tried`, ask, run it, and put what came of it there; tell whether one was run."""
    from sasldb.postfix.checks.mending import mend

    ran = False
    for finding in report.findings:
        if not finding.safe or finding.remedy is None or finding.remedy in tried:
            continue
        tell(f"{finding.name}: {finding.seen}")
        tell(f"to mend it: {finding.remedy}")
        if not (yes or agreed("run it?")):
            tried[finding.remedy] = "as you said"
            continue
        try:
            mend(finding, os.path.dirname(os.path.abspath(sys.argv[0])))
            tried[finding.remedy] = "though its command was run"
            ran = True
        except SasldbError as error:
            tried[finding.remedy] = "for its command failed"
            tell(str(error))
    return ran


def _reason(finding: Finding, tried: dict[str, str]) -> str:
    """Return why a finding is left after --fix."""
    if finding.severity == UNSEEN:
        return "which could not be looked at"
    if finding.remedy is None:
        return "for no command can mend it"
    return tried.get(finding.remedy, "for you to decide")


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
    if all(finding.name != ROOT for finding in report.findings):
        for part in site.parts:
            say(part.summary())
            if part.untried():
                say(part.untried())


def _show_finding(finding: Finding) -> None:
    margin = " " * (_WIDTH + 2)
    severity = click.style(finding.severity.ljust(_WIDTH), fg=_COLOURS[finding.severity])
    _write(f"  {severity}{click.style(finding.name, bold=True)}")
    for sentence in (finding.seen, finding.why):
        _write(f"{margin}{printable(sentence)}")
    if finding.remedy and not finding.safe:
        _write(f"{margin}{_DECIDE}")
    if finding.remedy:
        _write(f"{margin}run: {printable(finding.remedy)}")


def _write(line: str) -> None:
    """Print a line that may hold colours, which only a terminal gets."""
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    sys.stdout.buffer.write((line if coloured else click.unstyle(line)).encode() + b"\n")
