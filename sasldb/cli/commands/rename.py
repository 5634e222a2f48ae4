"""`sasldb rename`: another name for a user."""

from __future__ import annotations

import click

from sasldb.cli.completion import USER
from sasldb.cli.options import Location, changing
from sasldb.cli.rendering import report
from sasldb.operations.change import Target


@click.command("rename")
@click.argument("user", shell_complete=USER)
@click.argument("new")
@changing(realm="The realm, where a name has none. Default for NEW: the realm of USER.")
def command(user: str, new: str, location: Location, target: Target) -> int:
    """Rename a user.

    All that is stored goes along; nothing is overwritten. A secret that is made of the name as well (for DIGEST-MD5, SRP) is made
    anew where the plaintext is stored, and is else left behind, with a word about it.

    \b
    Example: a user who marries
      sasldb rename alice.smith@example.com alice.jones
    """
    from sasldb.operations import renaming

    old = location.user(user)
    return report(renaming.rename(target, old, location.user(new, old.realm)))
