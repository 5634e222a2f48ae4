"""`sasldb harden`: no plaintext any more."""

from __future__ import annotations

import click

from sasldb.cli.completion import USER
from sasldb.cli.options import Location, changing, verified
from sasldb.cli.progress import Progress
from sasldb.cli.rendering import report
from sasldb.operations.change import Target
from sasldb.operations.storing import Storing


@click.command("harden")
@click.argument("user", nargs=-1, shell_complete=USER)
@click.option("--all", "everybody", is_flag=True, help="Harden everybody, or with --realm everybody of that realm.")
@changing(realm="The realm of each USER that has none; with --all the only one.")
@verified
def command(user: tuple[str, ...], everybody: bool, location: Location, target: Target, storing: Storing) -> int:
    """Replace stored plaintext passwords.

    A SCRAM verifier and cmusaslsecretPLAIN take the plaintext's place, with the same password. PLAIN, LOGIN and that SCRAM mechanism go
    on working. Which mechanisms stop is said of each user; --dry-run says it beforehand.

    Exit status 1 if the plaintext of one of them is unusable (empty, or too long), so that it stays.

    \b
    Example: what would stop working for whom
      sasldb harden --all --dry-run
    """
    from sasldb.operations import hardening

    if bool(user) == everybody:
        raise click.UsageError("name users, or --all")
    named = None if everybody else [location.user(login) for login in user]
    with Progress("hardening") as progress:
        done = hardening.harden(target, named, location.realm, storing, progress)
    return report(done)
