"""`sasldb delete`: users gone, with all that was stored for them."""

from __future__ import annotations

import click

from sasldb.cli.completion import USER
from sasldb.cli.options import Location, changing
from sasldb.cli.rendering import report
from sasldb.operations.change import Target


@click.command("delete")
@click.argument("user", nargs=-1, required=True, shell_complete=USER)
@changing(realm="The realm of each USER that has none.")
@click.option("--missing-ok", is_flag=True, help="Pass over users who do not exist.")
def command(user: tuple[str, ...], location: Location, target: Target, missing_ok: bool) -> int:
    """Delete users.

    Every property of each user goes: passwords, verifiers, and what other programs have stored. If one of them does not exist,
    none is deleted.

    \b
    Example: two users who may be gone already
      sasldb delete --missing-ok alice@example.com bob@example.com
    """
    from sasldb.operations import users

    return report(users.delete(target, [location.user(login) for login in user], missing_ok))
