"""`sasldb apply`: bring a database to a desired state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sasldb.cli.completion import REALM
from sasldb.cli.options import PATH, Location, changing, rendered
from sasldb.cli.progress import Progress
from sasldb.cli.rendering import Rendering, document, say, tell, telling_of
from sasldb.operations.change import Target

if TYPE_CHECKING:
    from sasldb.operations.state.applying import Applied
    from sasldb.operations.state.planning import Change

_SIGNS = {"create": "+", "update": "~", "delete": "-"}
_REASONS = {
    "new": "new",
    "password": "another password is stored",
    "secret": "a secret is stored that cannot be checked",
    "storage": "stored in another way",
    "absent": "to be absent",
    "not listed": "not listed, in a pruned realm",
}


@click.command("apply")
@click.argument("state", type=PATH)
@click.option("--check", is_flag=True, help="Change nothing; exit status 1 when something would be changed.")
@click.option("--diff", is_flag=True, help="Say of each user what changes, never a secret.")
@click.option(
    "--prune",
    metavar="REALM",
    multiple=True,
    shell_complete=REALM,
    help="Delete the users of this realm that are not listed; may be given more than once.",
)
@changing(realm="The realm of users that name none, where the file names none either.")
@rendered
def command(
    state: str,
    check: bool,
    diff: bool,
    prune: tuple[str, ...],
    location: Location,
    target: Target,
    rendering: Rendering,
) -> int:
    """Bring a database to a desired state.

    STATE is a YAML or JSON file ("-" for standard input), or a directory whose files are named after users and hold their passwords.
    Passwords are compared with whatever is stored, so that a second run changes nothing. All is done in one commit, or nothing.

    No user is deleted unless the state says so, by state: absent or by pruning.

    \b
    Example: what would be changed
      sasldb apply --check --diff users.yml
    """
    from sasldb.operations.state import applying, sources

    target.dry_run = target.dry_run or check
    desired = sources.load(state, location.realm, prune)
    for sentence in desired.notes:
        tell(sentence)
    with Progress("comparing") as progress:
        done = applying.apply(target, desired, location.site, progress)
    for sentence in (*done.sentences, *done.findings):
        tell(sentence)
    with telling_of(done.changed and not done.dry_run):
        if rendering.json:
            document({"database": target.path, **done.as_dict()})
        else:
            for change in done.changes if diff or target.dry_run else ():
                say(_line(change))
            say(_summary(target.path, done))
    return 1 if done.findings or (check and done.changed) else 0


def _line(change: Change) -> str:
    """Return what changes for one user: `~ bob@example.com: another password is stored; userPassword, -authPassword`."""
    names = ", ".join([*change.written, *(f"-{name}" for name in change.removed)])
    return f"{_SIGNS[change.action]} {change.user}: {_REASONS[change.reason]}; {names}"


def _summary(path: str, done: Applied) -> str:
    created, updated, deleted = (done.count(action) for action in _SIGNS)
    would = "would be " if done.dry_run and done.changes else ""
    return f"{path}: {would}{created} created, {updated} updated, {deleted} deleted; {done.unchanged} as they shall be"
