"""`sasldb list`: the users of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sasldb.cli.completion import USER
from sasldb.cli.options import Location, located, revealing, tabled
from sasldb.cli.rendering import Cell, Rendering, tell_malformed
from sasldb.cli.revelation import permit, text
from sasldb.model.text import to_text

if TYPE_CHECKING:
    from sasldb.operations.roster import Entry


@click.command("list")
@click.argument("pattern", required=False, shell_complete=USER)
@located(realm="List only the users of this realm.")
@tabled
@revealing
def command(pattern: str | None, location: Location, rendering: Rendering, show_passwords: bool) -> None:
    """List the users of a database.

    Each user is listed once: as a table on a terminal, with the mechanisms that the user can log in with; as lines of user@realm
    elsewhere. PATTERN is one of the shell's, and is compared with user@realm if it has an @, else with the user.

    --show-passwords adds the plaintext where there is one; in lines it stands behind a tab.

    \b
    Example: the users of Postfix's own domain
      sasldb list --realm mydomain
    """
    from sasldb.operations.listing import Listing, Wanted
    from sasldb.operations.roster import Roster
    from sasldb.store.reading import Database

    permit(show_passwords)
    wanted = Wanted(location.realm, pattern)
    with Database(location.path, checked=False) as database:
        if rendering.lines and not show_passwords:
            users = Listing(database, wanted)
            rendering.rows(("user", "realm"), ((to_text(user.user), to_text(user.realm)) for user in users), "{0}@{1}")
            tell_malformed(location.path, users.malformed)
            return
        roster = Roster(database, wanted)
        columns = ("user", "realm", "mechanisms", "password")[: 4 if show_passwords else 3]
        rows = (_cells(entry, rendering)[: len(columns)] for entry in roster)
        rendering.rows(columns, rows, "{0}@{1}\t{3}")
        tell_malformed(location.path, roster.malformed)


def _cells(entry: Entry, rendering: Rendering) -> tuple[Cell, ...]:
    """Return user, realm, mechanisms and password: as values for programs, as text for people."""
    from sasldb.secrets.mechanisms import folded

    user, realm = to_text(entry.id.user), to_text(entry.id.realm)
    password = text(entry.password)
    if rendering.json or rendering.csv:
        return user, realm, entry.mechanisms, password
    return user, realm, folded(entry.mechanisms), password or ""
