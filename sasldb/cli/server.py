"""Options that say which server clients log in to, as one object for the command.

    @click.command("resolve")
    @located()
    @served
    def command(location: Location, server: Server) -> None: ...

What they leave open is asked of Postfix; see `operations.logins.resolving`. Errors: click.UsageError for an empty host name.
"""

from __future__ import annotations

import functools
from typing import Any

import click

from sasldb.cli.options import Function, Result, with_options
from sasldb.operations.logins.resolving import Server


def served(function: Function[Result]) -> Function[Result]:
    """Add --local-domain and --hostname, beside the --app of `located`; the command gets `server`."""

    @functools.wraps(function)
    def call(local_domain: str | None, hostname: str | None, **rest: Any) -> Result:
        if hostname == "":
            raise click.UsageError("an empty --hostname")
        application = click.get_current_context().params["app"]
        return function(server=Server(local_domain, hostname, application), **rest)

    return with_options(call, [_LOCAL_DOMAIN, _HOSTNAME])


_LOCAL_DOMAIN = click.option(
    "--local-domain",
    metavar="REALM",
    help="The realm that the server gives libsasl for logins without one, empty for none. Default: Postfix's "
    "smtpd_sasl_local_domain.",
)
_HOSTNAME = click.option(
    "--hostname",
    metavar="NAME",
    help="What the server calls itself: the realm where there is no local domain. Default: Postfix's myhostname, and with an "
    "--app other than smtpd the name of this machine.",
)
