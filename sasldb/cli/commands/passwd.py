"""`sasldb passwd`: a new password."""

from __future__ import annotations

import click

from sasldb.cli.completion import USER
from sasldb.cli.options import Location, changing, stored
from sasldb.cli.passwords import OptionalValue, PasswordSource, generating
from sasldb.cli.rendering import report, reveal
from sasldb.operations.change import Target
from sasldb.operations.storing import Storing


@click.command("passwd", cls=OptionalValue)
@click.argument("user", shell_complete=USER)
@changing(realm="The realm, where USER has none.")
@generating
@stored
def command(user: str, location: Location, target: Target, source: PasswordSource, storing: Storing) -> int:
    """Set a user's password.

    One who does not exist is refused. The new password is stored the way the old one was, unless told otherwise, and no secret
    of the old one stays: each is made anew or removed.

    A generated password is the only line on standard output. It is printed once it is stored; if it cannot be printed, the change is undone.

    \b
    Example: a password from a mounted secret
      sasldb passwd --password-file /run/secrets/alice alice@example.com
    """
    from sasldb.operations import users

    who = location.user(user)
    if source.asks or source.generated:
        users.expect(target.path, who, there=True)
    password = source.read(confirm=True)
    done = users.set_password(target, who, password, storing, location.site)
    if source.generated and not target.dry_run:
        reveal(password, done)
    return report(done, quiet=source.generated)
