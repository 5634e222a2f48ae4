"""`sasldb login`: does this login work, as seen from outside?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sasldb.cli.completion import USER
from sasldb.cli.options import PATH, Location, located, rendered
from sasldb.cli.passwords import PasswordSource, passworded
from sasldb.cli.rendering import Rendering, document, say
from sasldb.cli.server import served
from sasldb.errors import SasldbError
from sasldb.login.target import SASLAUTHD, Target
from sasldb.model.text import printable, to_bytes
from sasldb.operations.logins.resolving import Server

if TYPE_CHECKING:
    from sasldb.operations.logins.logging_in import Plan, Report

# As in login.mechanisms.NAMES, which is not loaded for --help.
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "NTLM", "PLAIN", "LOGIN")
_OF_A_NETWORK = "ca_file", "insecure", "no_starttls", "allow_unencrypted"


def _parsed(context: click.Context, parameter: click.Parameter, value: str) -> Target:
    """Take the address apart; what is wrong with it is told without repeating it, for it may hold a password."""
    try:
        return Target.parse(value)
    except SasldbError as error:
        raise click.BadParameter(str(error), context, parameter) from None


def _planned(mechanism: tuple[str, ...], every: bool, options: dict[str, Any], plan: Plan) -> Plan:
    from sasldb.login.visit import Security

    if every and mechanism:
        raise click.UsageError("--all and --mechanism at once")
    if plan.target.scheme == SASLAUTHD and (every or mechanism):
        raise click.UsageError("saslauthd knows of no mechanisms")
    if plan.target.scheme == SASLAUTHD and any(options[name] for name in _OF_A_NETWORK):
        raise click.UsageError("an option of TLS, which a socket of saslauthd has not")
    if options["ca_file"] is not None and options["insecure"]:
        raise click.UsageError("--ca-file and --insecure at once")
    plan.mechanisms = None if every else mechanism
    plan.security = Security(
        options["ca_file"], options["insecure"], not options["no_starttls"], options["allow_unencrypted"]
    )
    plan.pace, plan.total, plan.service = options["pace"], options["timeout"], options["service"]
    return plan


@click.command("login")
@click.argument("server_address", metavar="ADDRESS", callback=_parsed)
@click.argument("user", shell_complete=USER)
@click.option(
    "--mechanism",
    metavar="NAME",
    multiple=True,
    type=click.Choice(MECHANISMS, case_sensitive=False),
    help=f"Try this mechanism; may be given again. There are {', '.join(MECHANISMS)}. Default: the first of them that is offered.",
)
@click.option("--all", "every", is_flag=True, help="Try every one of them that is offered.")
@click.option("--ca-file", metavar="FILE", type=PATH, help="Trust the CAs in this file, and not the system's.")
@click.option("--insecure", is_flag=True, help="Take any certificate, whoever shows it.")
@click.option("--no-starttls", is_flag=True, help="Stay in the clear, though STARTTLS is offered.")
@click.option("--allow-unencrypted", is_flag=True, help="Send a password over the network in the clear, if it must be.")
@click.option(
    "--pace",
    metavar="SECONDS",
    type=click.FloatRange(0, 3600),
    default=1,
    help="Time between two tries at one host, whichever process of yours makes them; 0 to wait for none.",
)
@click.option(
    "--timeout", metavar="SECONDS", type=click.FloatRange(0.1, 3600), default=60, help="How long a try may take."
)
@click.option("--service", metavar="NAME", default="smtp", help="What saslauthd is told that the login is for.")
@click.option("-v", "--verbose", is_flag=True, help="Show what both sides say, without secrets, on standard error.")
@located()
@served
@passworded
@rendered
def command(
    server_address: Target,
    user: str,
    location: Location,
    server: Server,
    source: PasswordSource,
    rendering: Rendering,
    **options: Any,
) -> int:
    """Log in to a server, and tell what it says.

    ADDRESS is smtp://HOST[:PORT], smtps://HOST[:PORT], or saslauthd:PATH with the path of saslauthd's socket. USER is sent as it is.
    Over SMTP, what is offered before and after STARTTLS is told, and each mechanism asked for is tried once, over a connection
    of its own. Where a server on this host refuses, or offers none, it is told what the database explains, and Postfix's configuration.

    Between the end of one try at a host and the next lies a second, even if another process of the same user made it; see --pace.

    Exit status 0 if every try was accepted, 1 if one was refused, 3 if one could not be made.

    \b
    Example: does Postfix here take alice's password, whichever way a client sends it?
      sasldb login smtp://localhost alice@example.com --all
    """
    from sasldb.operations.logins.logging_in import Plan, Result
    from sasldb.operations.logins.refusals import explain

    verbose, mechanism, every = (options.pop(name) for name in ("verbose", "mechanism", "every"))
    login = to_bytes(user)
    plan = Plan(server_address, login, source.read(confirm=False))
    report = _proved(_planned(mechanism, every, options, plan), verbose)
    refused = report.of(Result.REFUSED)
    explained = []
    if refused and report.here and server_address.scheme != SASLAUTHD:
        explained = explain(login, plan.password, refused, location.path, server, server_address.port)
    if rendering.json:
        document(_values(server_address, report, explained, verbose))
    else:
        _tell(report, explained)
    return 1 if refused else 3 if report.of(Result.UNTRIED) or report.of(Result.BROKEN) else 0


def _proved(plan: Plan, verbose: bool) -> Report:
    """Return what came of `plan`; where the server here offers nothing, the error tells why."""
    from sasldb.operations.logins.logging_in import NothingOffered, prove
    from sasldb.operations.logins.suspects import suspects

    try:
        return prove(plan, _watch if verbose else None)
    except NothingOffered as error:
        found = suspects(plan.target.port, offered=False) if error.here else []
        if not found:
            raise
        told = "; ".join(f"on this host: {sentence}" for sentence in found)
        raise SasldbError(error.subject, error.reason, told) from error


def _watch(line: str) -> None:
    click.echo(printable(line), err=True)


def _tell(report: Report, explained: list[str]) -> None:
    for part, names in (("in the clear", report.before), (f"under {report.tls}", report.after)):
        if names is not None:
            say(f"offered {part}: {' '.join(names) or 'nothing'}")
    for attempt in report.attempts:
        say(f"{attempt.mechanism}: {attempt.result.value}: {attempt.words}")
    for sentence in explained:
        say(f"on this host: {sentence}")


def _values(address: Target, report: Report, explained: list[str], verbose: bool) -> dict[str, object]:
    """Return what JSON shows."""
    return {
        "server": str(address),
        "before_tls": report.before,
        "tls": report.tls or None,
        "under_tls": report.after,
        "attempts": [
            {"mechanism": attempt.mechanism, "result": attempt.result.value, "words": attempt.words}
            for attempt in report.attempts
        ],
        "explained": explained,
        **({"transcript": report.transcript} if verbose else {}),
    }
