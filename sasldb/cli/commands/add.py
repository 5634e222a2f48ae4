"""`sasldb add`: a new user."""

from __future__ import annotations

import click

from sasldb.cli.completion import USER
from sasldb.cli.options import Location, changing, stored
from sasldb.cli.passwords import OptionalValue, PasswordSource, generating
from sasldb.cli.rendering import report, reveal
from sasldb.operations.change import Target
from sasldb.operations.storing import Storing


@click.command("add", cls=OptionalValue)
@click.argument("user", shell_complete=USER)
@changing(realm="The realm, where USER has none.")
@generating
@stored
def command(user: str, location: Location, target: Target, source: PasswordSource, storing: Storing) -> int:
    """Add a user.

    One who exists is refused. Without another source the password is asked for on the terminal, twice. Unless told otherwise it
    is stored as Cyrus does: the password itself, and where the OTP plug-in is installed, the state of one-time passwords.

    A generated password is the only line on standard output. It is printed once it is stored; if it cannot be printed, the change is undone.

    \b
    Example: a user of Postfix's own domain, without a plaintext in the file
      sasldb add --realm mydomain --no-plaintext alice
    """
    from sasldb.operations import users

    new = location.user(user)
    if source.asks or source.generated:
        users.expect(target.path, new, there=False)
    password = source.read(confirm=True)
    done = users.add(target, new, password, storing, location.site)
    if source.generated and not target.dry_run:
        reveal(password, done)
    return report(done, quiet=source.generated)
