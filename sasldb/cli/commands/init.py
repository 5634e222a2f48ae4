"""`sasldb init`: an empty database."""

from __future__ import annotations

import click

from sasldb.cli.options import Location, dry_runnable, located, owned
from sasldb.cli.rendering import say, tell, telling_of
from sasldb.policy.ownership import OwnershipOptions


@click.command("init")
@located()
@owned
@dry_runnable
def command(location: Location, wishes: OwnershipOptions, dry_run: bool) -> None:
    """Make an empty database.

    A file that holds anything is refused. A file of zero bytes becomes a database and keeps its owner and mode. A new one
    belongs to root and to group postfix, or with --app to the group of that service's user, and nobody else may read it.

    \b
    Example: a database that Postfix may write to as well
      sasldb init --mode 0660
    """
    from sasldb import syslog
    from sasldb.store.creation import create

    created = create(location.to_change, location.serving(wishes), dry_run)
    for sentence in created.sentences:
        tell(sentence)
    if dry_run:
        say(f"would make {created.path}, {created.ownership}")
        return
    syslog.send(b"sasldb", syslog.NOTICE, f"made {created.path} by {syslog.caller()}")
    with telling_of(True):
        say(f"made {created.path}, {created.ownership}")
