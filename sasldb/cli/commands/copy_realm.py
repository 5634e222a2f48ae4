"""`sasldb copy-realm`: all users of one realm in another one too."""

from __future__ import annotations

import click

from sasldb.cli.completion import REALM
from sasldb.cli.options import Location, changing
from sasldb.cli.rendering import report
from sasldb.model.text import to_bytes
from sasldb.operations.change import Target


@click.command("copy-realm")
@click.argument("old", shell_complete=REALM)
@click.argument("new", shell_complete=REALM)
@changing()
def command(old: str, new: str, location: Location, target: Target) -> int:
    """Copy all users of a realm to another.

    All of them in one step, with their passwords; the old realm stays. If the new realm has a user of one of the names, each such user
    is told and nothing is changed. NEW may be one of the words postfix and mydomain, as for other commands' --realm.

    \b
    Example: both realms serve while a domain is being renamed
      sasldb copy-realm example.org example.com
    """
    from sasldb.operations import location as places
    from sasldb.operations import renaming

    return report(renaming.copy_realm(target, to_bytes(old), to_bytes(places.realm(new) or "")))
