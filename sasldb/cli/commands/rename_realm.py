"""`sasldb rename-realm`: another realm for all users of one."""

from __future__ import annotations

import click

from sasldb.cli.completion import REALM
from sasldb.cli.options import Location, changing
from sasldb.cli.rendering import report
from sasldb.model.text import to_bytes
from sasldb.operations.change import Target


@click.command("rename-realm")
@click.argument("old", shell_complete=REALM)
@click.argument("new", shell_complete=REALM)
@changing()
def command(old: str, new: str, location: Location, target: Target) -> int:
    """Move all users of a realm to another.

    All of them in one step. If the new realm has a user of one of the names, each such user is told and nothing is changed. NEW may be
    one of the words postfix and mydomain, as for other commands' --realm; OLD is taken literally.

    \b
    Example: users made under a container's random host name
      sasldb rename-realm 51686ed8d2b4 mydomain
    """
    from sasldb.operations import location as places
    from sasldb.operations import renaming

    return report(renaming.rename_realm(target, to_bytes(old), to_bytes(places.realm(new) or "")))
