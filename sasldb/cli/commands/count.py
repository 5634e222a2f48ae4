"""`sasldb count`: how many users there are."""

from __future__ import annotations

import click

from sasldb.cli.completion import USER
from sasldb.cli.options import Location, located, rendered
from sasldb.cli.rendering import Rendering, document, say, tell_malformed


@click.command("count")
@click.argument("pattern", required=False, shell_complete=USER)
@located(realm="Count only the users of this realm.")
@rendered
def command(pattern: str | None, location: Location, rendering: Rendering) -> None:
    """Count the users of a database.

    Each user counts once, whatever is stored for it. PATTERN is as for `sasldb list`. With --json the users of each realm are counted too.

    \b
    Example: the users of one realm
      sasldb count --realm example.com
    """
    from sasldb.operations.listing import Listing, Wanted, count
    from sasldb.store.reading import Database

    with Database(location.path, checked=False) as database:
        listing = Listing(database, Wanted(location.realm, pattern))
        realms = count(listing)
    if rendering.json:
        document({"users": sum(realms.values()), "realms": realms})
    else:
        say(str(sum(realms.values())))
    tell_malformed(location.path, listing.malformed)
