"""`sasldb show`: what is stored for one user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sasldb.cli.completion import USER
from sasldb.cli.options import Location, located, rendered, revealing
from sasldb.cli.rendering import Rendering, document, say, table
from sasldb.cli.revelation import permit, text
from sasldb.model.text import to_text

if TYPE_CHECKING:
    from sasldb.operations.inspection import Inspection


@click.command("show")
@click.argument("user", shell_complete=USER)
@located(realm="The realm, where USER has none.")
@rendered
@revealing
def command(user: str, location: Location, rendering: Rendering, show_passwords: bool) -> None:
    """Show what is stored for a user.

    Each property by its name, with its size in bytes, what it is, and why it serves for nothing where that is so; and the
    mechanisms that the user can log in with. No secret is shown.

    \b
    Example: how a password is stored
      sasldb show alice@example.com
    """
    from sasldb.operations.inspection import inspect
    from sasldb.secrets.mechanisms import folded

    permit(show_passwords)
    found = inspect(location.path, location.user(user))
    password = text(found.password) if show_passwords else None
    if rendering.json:
        document({**_values(found), **({"password": password} if show_passwords else {})})
        return
    say(str(found.id))
    say(f"mechanisms: {folded(found.mechanisms) or 'none'}")
    if show_passwords:
        say("no plaintext is stored" if password is None else f"password: {password}")
    rows = [
        (item.name, str(item.size), f"{item.kind}; {item.flaw}" if item.flaw else item.kind) for item in found.items
    ]
    table(("property", "size", "kind"), rows)


def _values(found: Inspection) -> dict[str, object]:
    """Return what JSON shows."""
    user, realm = to_text(found.id.user), to_text(found.id.realm)
    properties = [
        {
            "name": item.name,
            "size": item.size,
            "kind": item.kind,
            "mechanisms": item.mechanisms,
            "flaw": item.flaw or None,
        }
        for item in found.items
    ]
    return {"user": user, "realm": realm, "mechanisms": found.mechanisms, "properties": properties}
