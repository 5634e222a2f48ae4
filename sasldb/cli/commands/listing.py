"""`sasldb list`: the users of a database."""

from __future__ import annotations

import os

import click

from sasldb.cli.options import Location, located, rendered
from sasldb.cli.rendering import Rendering, tell


@click.command("list")
@located(realm="List only the users of this realm.")
@rendered
def command(location: Location, rendering: Rendering) -> None:
    """List the users of a database.

    Each user is listed once, whatever is stored for it: as a table on a terminal, as lines of user@realm elsewhere.

    \b
    Example: the users of Postfix's own domain
      sasldb list --realm mydomain
    """
    from sasldb.operations.listing import Listing
    from sasldb.store.reading import Database

    realm = location.realm
    with Database(location.path, checked=False) as database:
        users = Listing(database, None if realm is None else os.fsencode(realm))
        rendering.rows(("user", "realm"), (str(user).partition("@")[::2] for user in users), "{0}@{1}")
    if users.malformed:
        records = "1 record" if users.malformed == 1 else f"{users.malformed} records"
        tell(f"{location.path}: {records} with a malformed key not listed")
