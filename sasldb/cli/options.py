"""Options that several commands take, in bundles: a decorator adds the options and hands the command ONE object for them.

    @click.command("list")
    @located(realm="List only the users of this realm.")
    @rendered
    def command(location: Location, rendering: Rendering) -> None: ...

The defaults themselves are no matter of this room: see `operations.location` and `policy.ownership`. Errors: click.UsageError.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sasldb.cli.location import Location as Location
from sasldb.cli.rendering import Rendering
from sasldb.errors import SasldbError
from sasldb.model.text import to_bytes
from sasldb.policy.ownership import OwnershipOptions

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

HASHES = ("SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512")  # of secrets.scram, which not every command loads
Result = TypeVar("Result")
Function = Callable[..., Result]


class OsPath(click.Path):
    """A path as the system's functions take it: bytes in the locale's encoding, while arguments come as `cli.main` reads them.

    Whether the file can be read is not asked here: that would be a usage error, and the room that opens the file knows the next step.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path of the argument `value`, text."""
        return super().convert(os.fsdecode(to_bytes(value)), param, ctx)


PATH = OsPath(readable=False)


def located(realm: str = "") -> Callable[[Function[Result]], Function[Result]]:
    """Add -f/--file and -a/--app, and -u/--realm where `realm` says what it means; the command gets `location`."""

    def decorate(function: Function[Result]) -> Function[Result]:
        @functools.wraps(function)
        def call(file: str | None, app: str | None, realm: str | None = None, **rest: Any) -> Result:
            return function(location=Location(file, app, realm), **rest)

        options = [_FILE, _APP]
        if realm:
            words = (
                "The word postfix stands for what this Postfix looks up for a bare login, mydomain for its mydomain."
            )
            help = f"{realm} {words}"
            options.append(click.option("-u", "--realm", metavar="REALM", help=help, shell_complete=_realms))
        return with_options(call, options)

    return decorate


def owned(function: Function[Result]) -> Function[Result]:
    """Add --owner, --group and --mode; the command gets `wishes`."""

    @functools.wraps(function)
    def call(owner: str | None, group: str | None, mode: str | None, **rest: Any) -> Result:
        try:
            wishes = OwnershipOptions.parse(owner, group, mode)
        except SasldbError as error:
            raise click.UsageError(str(error)) from error
        return function(wishes=wishes, **rest)

    return with_options(call, [_OWNER, _GROUP, _MODE])


def changing(realm: str = "") -> Callable[[Function[Result]], Function[Result]]:
    """Add what a command needs that changes a database: all of `located`, `owned` and `dry_runnable`.

    The command gets `target`, and `location` to name users.
    """

    def decorate(function: Function[Result]) -> Function[Result]:
        @functools.wraps(function)
        def call(location: Location, wishes: OwnershipOptions, dry_run: bool, **rest: Any) -> Result:
            from sasldb.operations.change import Target

            target = Target(location.to_change, location.serving(wishes), dry_run)
            return function(target=target, location=location, **rest)

        return located(realm)(owned(dry_runnable(call)))

    return decorate


def stored(function: Function[Result]) -> Function[Result]:
    """Add --no-plaintext, --plaintext, --scram, --iterations and --force-iterations; the command gets `storing`."""
    return with_options(_verified(function), [_PLAINTEXT])


def verified(function: Function[Result]) -> Function[Result]:
    """Add --scram, --iterations and --force-iterations alone, for what stores no plaintext anyway; the command gets `storing`."""
    return _verified(function)


def rendered(function: Function[Result]) -> Function[Result]:
    """Add --json; the command gets `rendering`."""

    @functools.wraps(function)
    def call(json: bool, **rest: Any) -> Result:
        csv = rest.pop("csv", False)
        if json and csv:
            raise click.UsageError("--json and --csv at once")
        return function(rendering=Rendering(json, csv), **rest)

    return with_options(call, [_JSON])


def tabled(function: Function[Result]) -> Function[Result]:
    """Add --json and --csv; the command gets `rendering`."""
    return with_options(rendered(function), [_CSV])


def revealing(function: Function[Result]) -> Function[Result]:
    """Add --show-passwords; the command gets `show_passwords`."""
    return with_options(function, [_SHOW_PASSWORDS])


def dry_runnable(function: Function[Result]) -> Function[Result]:
    """Add --dry-run; the command gets `dry_run`."""
    return with_options(function, [_DRY_RUN])


def _realms(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from sasldb.cli.completion import REALM

    return REALM(context, parameter, incomplete)


def _verified(function: Function[Result]) -> Function[Result]:
    @functools.wraps(function)
    def call(scram: str | None, iterations: int | None, force_iterations: bool, **rest: Any) -> Result:
        from sasldb.operations.storing import Storing

        try:
            storing = Storing(rest.pop("plaintext", None), scram, iterations, force_iterations)
        except SasldbError as error:
            raise click.UsageError(str(error)) from error
        return function(storing=storing, **rest)

    return with_options(call, [_SCRAM, _ITERATIONS, _FORCE_ITERATIONS])


def with_options(
    function: Function[Result], options: Sequence[Callable[[Function[Any]], Function[Any]]]
) -> Function[Result]:
    """Return `function` with `options` added, in that order."""
    for option in reversed(options):
        function = option(function)
    return function


def _named(context: click.Context, parameter: click.Parameter, path: str | None) -> str | None:
    """Refuse an empty path: most likely a shell variable that is not set, and never leave to change the system's own database."""
    if path == "":
        raise click.BadParameter("an empty path", context, parameter)
    return path


_FILE = click.option(
    "-f",
    "--file",
    metavar="FILE",
    type=PATH,
    callback=_named,
    help="The database. Default: SASLDB_PATH, then the sasldb_path of the application named with -a, then /etc/sasldb2, "
    "or /etc/sasl2/sasldb2 where only that exists.",
)
_APP = click.option(
    "-a", "--app", metavar="APP", help="The database that libsasl's configuration of this application names, as smtpd."
)
_OWNER = click.option("--owner", metavar="USER", envvar="SASLDB_OWNER", show_envvar=True, help="Owner of the file.")
_GROUP = click.option("--group", metavar="GROUP", envvar="SASLDB_GROUP", show_envvar=True, help="Group of the file.")
_MODE = click.option(
    "--mode", metavar="OCTAL", envvar="SASLDB_MODE", show_envvar=True, help="Permissions of the file, none for others."
)
_JSON = click.option("--json", is_flag=True, help="Print JSON.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
_CSV = click.option("--csv", is_flag=True, help="Print CSV, with a heading.")
_SHOW_PASSWORDS = click.option(
    "--show-passwords",
    is_flag=True,
    help="Print stored plaintext passwords too. Refused where standard output is a file that everybody may read.",
)
_PLAINTEXT = click.option(
    "--plaintext/--no-plaintext",
    default=None,
    help="Store the password itself, or a SCRAM verifier and cmusaslsecretPLAIN instead.",
)
_SCRAM = click.option(
    "--scram",
    metavar="HASH",
    type=click.Choice(HASHES, case_sensitive=False),
    help="The hash of the SCRAM verifier: " + ", ".join(HASHES) + ". It means --no-plaintext.",
)
_ITERATIONS = click.option(
    "--iterations",
    metavar="N",
    type=int,
    help="Iterations of the SCRAM verifier, 4096 to 65536. It means --no-plaintext.",
)
_FORCE_ITERATIONS = click.option(
    "--force-iterations", is_flag=True, help="Take any number of iterations, though Cyrus's clients refuse it."
)
