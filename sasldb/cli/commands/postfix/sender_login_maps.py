"""`sasldb postfix sender-login-maps`: which login may use which sender address, made from the database."""

from __future__ import annotations

import click

from sasldb.cli.options import PATH, dry_runnable
from sasldb.cli.rendering import say, tell


@click.command("sender-login-maps")
@click.option("-f", "--file", metavar="FILE", type=PATH, help="The database. Default: the one that smtpd opens.")
@click.option("-c", "--config-dir", metavar="DIR", type=PATH, help="Configuration directory of another Postfix.")
@dry_runnable
def command(file: str | None, config_dir: str | None, dry_run: bool) -> None:
    """Bring the sender login map up to date.

    Each user of the database owns the address that is their name. Run this after each change of users, where the map is in use (see
    setup --sender-login-maps). Addresses of other kinds belong in a map of your own, named beside this one in
    smtpd_sender_login_maps. Names that are no plain address are left out, and counted. Says so where the realm of users is no domain
    that people send as here, for they would be refused.

    \b
    Example: after a change of users
      sasldb postfix sender-login-maps
    """
    from sasldb.postfix.setup import sender_logins
    from sasldb.postfix.site.site import Site

    plan, table = sender_logins.plan(Site(config_dir, file))
    for note in plan.notes:
        tell(note)
    if not plan.steps:
        say(f"up to date: {table.addresses} addresses")
    for step in plan.steps:
        for line in step.shown() if dry_run else [step.run()]:
            say(line)
