"""`sasldb audit`: what is wrong with a database."""

from __future__ import annotations

import functools
import gc
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from sasldb.cli.options import Function, Location, Result, changing, rendered, with_options
from sasldb.cli.rendering import Cell, Rendering, say, tell, telling_of
from sasldb.cli.server import served
from sasldb.operations.audit.auditing import Rules
from sasldb.operations.audit.naming import Place
from sasldb.operations.audit.rules import RULES
from sasldb.operations.change import Target
from sasldb.operations.logins.resolving import Server

if TYPE_CHECKING:
    from sasldb.model.identity import UserId
    from sasldb.operations.audit.auditing import Audit
    from sasldb.operations.audit.rules import Finding

COLUMNS = ("severity", "name", "users", "seen", "why", "remedy", "fix")
_MOST = 5  # users of one finding that are shown to people
_LONGEST = 80  # characters of a name that are shown to people


def ruled(function: Function[Result]) -> Function[Result]:
    """Add --ignore and --deep; the command gets `rules`."""

    @functools.wraps(function)
    def call(ignore: Sequence[str], deep: bool, **rest: Any) -> Result:
        return function(rules=Rules(ignore, deep), **rest)

    return with_options(call, [_IGNORE, _DEEP])


_IGNORE = click.option(
    "--ignore", metavar="NAME", type=click.Choice(list(RULES)), multiple=True, help="Leave findings of this name out."
)
_DEEP = click.option("--deep", is_flag=True, help="Compare one-time passwords with plaintexts too, some 8000 a second.")


@click.command("audit")
@changing()
@served
@rendered
@ruled
@click.option("--fix", is_flag=True, help="Remove what nobody gets in with, and nothing else.")
def command(location: Location, target: Target, server: Server, rendering: Rendering, rules: Rules, fix: bool) -> int:
    """Find what is wrong with a database.

    Everything that is stored is looked at: passwords that are empty, shared or twofold, secrets that were left behind or are broken, names
    that no login reaches or that pass for others. Each finding has a name, says what was seen and what to do, and shows no
    secret. Realms are judged where it is known which one a bare login gets here.

    --fix removes records that no program reads or that libsasl ignores, and no others; nobody who can log in stops to.

    Exit status 1 if there are findings that were not fixed.

    \b
    Example: every night, from cron, a shared password being no secret
      sasldb audit --ignore shared-password
    """
    if target.dry_run and not fix:
        raise click.UsageError("--dry-run is for --fix")
    gc.disable()  # no finding is garbage: looking for some among 100,000 of them takes as long as all else
    place, sentences = Place.of(server)
    for sentence in sentences:
        tell(sentence)
    return _fixed(target, place, rules, rendering) if fix else _looked_at(target.path, place, rules, rendering)


def _looked_at(path: str, place: Place, rules: Rules, rendering: Rendering) -> int:
    from sasldb.operations.audit.auditing import audit
    from sasldb.store.reading import Database

    with Database(path, checked=False) as database:
        found = audit(database.records(), place, rules)
    _show(found, "possible", rendering)
    return 1 if found.findings else 0


def _fixed(target: Target, place: Place, rules: Rules, rendering: Rendering) -> int:
    from sasldb.operations.audit.auditing import fix

    found, done = fix(target, place, rules)
    for sentence in (*done.sentences, *done.findings):
        tell(sentence)
    with telling_of(bool(done.deeds) and not done.dry_run):
        _show(found, "planned" if done.dry_run else "done", rendering)
    left = [finding for finding in found.findings if done.dry_run or not finding.removes]
    return 1 if left or done.findings else 0


def _show(found: Audit, fix: str, rendering: Rendering) -> None:
    """Print the findings; `fix` says of those that --fix mends what is the matter with that."""
    if rendering.json:
        rendering.rows(COLUMNS, (_cells(finding, fix) for finding in found.findings), "")
        return
    for name, findings in groupby(found.findings, key=lambda finding: finding.rule.name):
        rule = RULES[name]
        say(f"{rule.severity} {name}: {rule.why}")
        for finding in findings:
            mark = _MARKS[fix] if finding.removes else ""
            say(f"  {_listed(finding.users)}{finding.seen}{mark}")
        say(f"  to do: {rule.remedy}")
    mended = sum(bool(finding.removes) for finding in found.findings)
    count = f"{_counted(found.users, 'user')}, {_counted(len(found.findings), 'finding')}"
    say(f"{count}, {mended} {_SUMS[fix]}" if mended else count)


def _cells(finding: Finding, fix: str) -> tuple[Cell, ...]:
    """Return the values of COLUMNS."""
    rule = finding.rule
    users = [str(user) for user in finding.users]
    return (rule.severity, rule.name, users, finding.seen, rule.why, rule.remedy, fix if finding.removes else None)


def _listed(users: Sequence[UserId]) -> str:
    """Return `users` for people, the first few, in quotes where one could be misread."""
    if not users:
        return ""
    names = [_quoted(user) for user in users[:_MOST]]
    more = f" and {len(users) - _MOST} more" if len(users) > _MOST else ""
    return ", ".join(names) + more + ": "


def _quoted(user: UserId) -> str:
    text = str(user) if len(str(user)) <= _LONGEST else str(user)[:_LONGEST] + "..."
    return f'"{text}"' if b"@" in user.user or text.split() != [text] else text


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


_MARKS = {"possible": "", "planned": " (would be removed)", "done": " (removed)"}
_SUMS = {"possible": "that --fix mends", "planned": "would be fixed", "done": "fixed"}
