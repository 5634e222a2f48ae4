"""Options that several commands take, in bundles: a decorator adds the options and hands the command ONE object for them.

    @click.command("list")
    @located(realm="List only the users of this realm.")
    @rendered
    def command(location: Location, rendering: Rendering) -> None: ...

The defaults themselves are no matter of this room: see `operations.location` and `files.ownership`. Errors: click.UsageError.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from sasldb.cli.rendering import Rendering
from sasldb.errors import SasldbError
from sasldb.files.ownership import Wishes

Result = TypeVar("Result")
Function = Callable[..., Result]


class Location:
    """Where a command works: `path` of the database, and `realm` (None where none is named), both text.

    Both are found out when they are first asked for; see `operations.location` for the rules and errors.
    """

    __slots__ = ("_application", "_file", "_path", "_realm")

    def __init__(self, file: str | None, application: str | None, realm: str | None = None) -> None:
        self._file = file
        self._application = application
        self._realm = realm
        self._path: str | None = None

    @property
    def path(self) -> str:
        """The database's path."""
        if self._path is None:
            from sasldb.operations import location

            self._path = location.database(self._file, self._application, os.environb)
        return self._path

    @property
    def realm(self) -> str | None:
        """The realm, the words `postfix` and `mydomain` replaced by what they stand for."""
        from sasldb.operations import location

        return location.realm(self._realm)


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
            options.append(click.option("-u", "--realm", metavar="REALM", help=f"{realm} {words}"))
        return with_options(call, options)

    return decorate


def owned(function: Function[Result]) -> Function[Result]:
    """Add --owner, --group and --mode; the command gets `wishes`."""

    @functools.wraps(function)
    def call(owner: str | None, group: str | None, mode: str | None, **rest: Any) -> Result:
        try:
            wishes = Wishes.parse(owner, group, mode)
        except SasldbError as error:
            raise click.UsageError(str(error)) from error
        return function(wishes=wishes, **rest)

    return with_options(call, [_OWNER, _GROUP, _MODE])


def rendered(function: Function[Result]) -> Function[Result]:
    """Add --json; the command gets `rendering`."""

    @functools.wraps(function)
    def call(json: bool, **rest: Any) -> Result:
        return function(rendering=Rendering(json), **rest)

    return with_options(call, [_JSON])


def dry_runnable(function: Function[Result]) -> Function[Result]:
    """Add --dry-run; the command gets `dry_run`."""
    return with_options(function, [_DRY_RUN])


def with_options(
    function: Function[Result], options: Sequence[Callable[[Function[Any]], Function[Any]]]
) -> Function[Result]:
    """Return `function` with `options` added, in that order."""
    for option in reversed(options):
        function = option(function)
    return function


_FILE = click.option(
    "-f",
    "--file",
    metavar="FILE",
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
