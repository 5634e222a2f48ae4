"""`sasldb postfix setup`: from Postfix as it was installed to users who log in."""

from __future__ import annotations

from typing import Any

import click

from sasldb.cli.options import PATH
from sasldb.cli.proposing import Consent, consented, propose, take_back
from sasldb.cli.rendering import say, tell
from sasldb.postfix.setup.request import AUTHENTICATED, BACKENDS, EVERYBODY, Request

_WHAT = "setup"
_NO_REALM = frozenset("$,;\"'")  # what main.cf expands, and what ends a word there; so do blanks
_LATER = ("database-no-users", "postfix-stopped")  # what naturally comes after a setup


def _realm(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse what postconf would replace, or what can be no realm."""
    if value is not None and any(char in _NO_REALM or char.isspace() or not char.isprintable() for char in value):
        raise click.BadParameter("a realm has no blanks, commas, quotes and dollar signs", context, parameter)
    return value


def _one_line(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse what would begin another line of main.cf."""
    if value is not None and any(char != "\t" and not char.isprintable() for char in value):
        raise click.BadParameter("a list of networks has no line ends", context, parameter)
    return value


@click.command("setup")
@click.option("-f", "--file", metavar="FILE", type=PATH, help="The database. Default: the one that smtpd opens.")
@click.option("-c", "--config-dir", metavar="DIR", type=PATH, help="Configuration directory of another Postfix.")
@click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    help="Where passwords are checked. Default: sasldb, unless users are found elsewhere now; then it is to be named. "
    "With saslauthd, PLAIN and LOGIN alone can work.",
)
@click.option("--backend-options", metavar="FILE", type=PATH, help="More lines for the conf, as sql_select: ...")
@click.option(
    "--local-domain",
    metavar="REALM",
    callback=_realm,
    help="The realm of logins without one; the word mydomain is Postfix's own.",
)
@click.option("--submission", is_flag=True, help="Serve port 587, for those who log in.")
@click.option("--sender-login-maps", is_flag=True, help="Let users send under their own addresses alone.")
@click.option(
    "--sender-login-policy",
    type=click.Choice([AUTHENTICATED, EVERYBODY]),
    help="Whom these maps bind; everybody: nobody else, on the Internet or in mynetworks, may use a user's address. "
    "Default: authenticated, and everybody where it is so already.",
)
@click.option(
    "--exceptions-networks", metavar="LIST", callback=_one_line, help="Clients to hide AUTH from, as 192.0.2.0/24."
)
@click.option("--authenticated-header", is_flag=True, help="Show login names in Received: headers, to the world.")
@click.option("--broken-clients", is_flag=True, help="Repeat the AUTH line for Outlook up to 2003.")
@consented
def command(config_dir: str | None, file: str | None, backend: str | None, consent: Consent, **rest: Any) -> int:
    """Set up SMTP AUTH.

    Writes the conf that this smtpd reads, makes the database with the owner and mode that it needs, and its copy where smtpd is
    chrooted, sets the parameters of main.cf, and reloads Postfix. What serves already is left as it is. Shows everything as a diff
    first, and asks. What it changes can be taken back with --undo.

    Passwords in the clear are taken under TLS alone. Options that are not named leave what is there.

    \b
    Example: see what would be changed
      sasldb postfix setup --local-domain mydomain --submission --dry-run
    """
    from sasldb.postfix.setup.planning import Setup, reloaded
    from sasldb.postfix.site.site import Site

    if consent.undo:
        site = Site(config_dir)
        if take_back(site.postfix.config_dir, _WHAT, consent):
            say(reloaded(site))
        return 0
    request = _request(Request(config_dir, file, backend), dry_run=consent.dry_run, **rest)
    setup = Setup(request)
    status = propose(setup.plan, setup.site.postfix.config_dir, _WHAT, consent)
    return status if consent.dry_run or status else _look_again(config_dir, request.checked_by)


def _request(
    request: Request, sender_login_maps: bool, sender_login_policy: str | None, local_domain: str | None, **rest: Any
) -> Request:
    for name, value in rest.items():
        setattr(request, name, value)
    request.local_domain = local_domain
    request.sender_logins = (sender_login_policy or AUTHENTICATED) if sender_login_maps else None
    request.stricter_stays = sender_login_policy is None
    return request


def _look_again(config_dir: str | None, backend: str) -> int:
    """Tell what is still in the way of logins, and return the exit status: 1 where something is."""
    from sasldb.postfix.checks.checking import check
    from sasldb.postfix.checks.finding import ERROR
    from sasldb.postfix.setup import reach
    from sasldb.postfix.site.site import Site

    site = Site(config_dir)
    errors = [finding for finding in check(site).findings if finding.severity == ERROR]
    due = [finding for finding in errors if finding.name not in _LATER]
    if not due and any(finding.name in _LATER for finding in errors):
        tell("no users yet, or Postfix does not run; when they do, sasldb postfix check tells whether logins work")
    sentences = [f"{finding.name}: {finding.seen}" for finding in due] + reach.trouble(site, backend)
    for sentence in sentences:
        tell(sentence)
    return 1 if sentences else 0
