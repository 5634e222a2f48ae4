"""`sasldb postfix client`: Postfix logs in to a server elsewhere."""

from __future__ import annotations

import click

from sasldb.cli.options import PATH
from sasldb.cli.passwords import PasswordSource, passworded
from sasldb.cli.proposing import Consent, consented, propose, take_back
from sasldb.cli.rendering import say

_WHAT = "client"


@click.command("client")
@click.argument("server", required=False)
@click.argument("user", required=False)
@click.option(
    "--sender", metavar="ADDRESS", help="Only the mail of this sender, or of a @DOMAIN, goes there, with this login."
)
@click.option("-c", "--config-dir", metavar="DIR", type=PATH, help="Configuration directory of another Postfix.")
@passworded
@consented
def command(
    server: str | None,
    user: str | None,
    sender: str | None,
    config_dir: str | None,
    source: PasswordSource,
    consent: Consent,
) -> int:
    """Have Postfix log in elsewhere.

    SERVER is what relayhost names, as [mail.isp.example]:submission, and USER the login there. The password goes into sasl_passwd, which
    root alone may read, and so does what postmap makes of it. With --sender the entry is that sender's, and the server is put into
    sender_relay; without it the server becomes the relayhost. Shows everything as a diff first, without passwords, and asks.

    For --undo the tables as they were lie, with their passwords, in sasldb-undo/client-N in Postfix's configuration directory. Root alone
    may enter it; remove it when the old passwords must be gone.

    This has nothing to do with the database of users who log in here.

    \b
    Example: all mail goes out by the provider
      sasldb postfix client '[mail.isp.example]:submission' username
    """
    from sasldb.postfix.setup import client
    from sasldb.postfix.setup.planning import reloaded
    from sasldb.postfix.site.site import Site

    site = Site(config_dir)
    if consent.undo:
        if take_back(site.postfix.config_dir, _WHAT, consent):
            say(reloaded(site))
        return 0
    if server is None or user is None:
        raise click.UsageError("name the server and the user there")
    account = client.Account(server, user, source.read(confirm=False), sender)
    return propose(client.plan(site, account), site.postfix.config_dir, _WHAT, consent)
