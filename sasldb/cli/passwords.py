"""Where a command gets a password from: options, and the one object that they become.

    @click.command("verify")
    @passworded
    def command(source: PasswordSource) -> None:
        password = source.read(confirm=False)

Never from the command line, which everybody can see. Without an option a person at the terminal is asked. The rules of what is
a password stand in `operations.passwords`. Errors: click.UsageError for a wrong choice of options; BadPassword and SasldbError from
`PasswordSource.read`.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import click

from sasldb.cli.options import PATH, Function, Result, with_options
from sasldb.cli.rendering import tell
from sasldb.errors import BadPassword
from sasldb.model.secret import Secret
from sasldb.operations import passwords

_STDIN = 0


class PasswordSource:
    """Where the password comes from; at most one of the four is chosen.

    Attributes:
        generated: whether it is made up here, so that it must be shown once.
        asks: whether a person at the terminal is asked.
    """

    __slots__ = ("_descriptor", "_file", "_length", "_raw", "asks", "generated")

    def __init__(self, file: str | None, descriptor: int | None, raw: bool, length: int | None = None) -> None:
        self._file = file
        self._descriptor = descriptor
        self._raw = raw
        self._length = length
        self.generated = length is not None
        self.asks = file is None and descriptor is None and length is None

    def read(self, confirm: bool) -> Secret:
        """Return the password; a person at the terminal is asked for it, and with `confirm` twice.

        Raises:
            click.UsageError: no source was named and nobody is there to be asked.
            BadPassword: it is none, or what was typed twice differs. SasldbError: it cannot be read.
        """
        if self._length is not None:
            return passwords.generate(self._length)
        if self._file is not None:
            secret, sentences = passwords.from_file(self._file, self._raw)
            for sentence in sentences:
                tell(sentence)
            return secret
        if self._descriptor is not None:
            return self._from_descriptor(self._descriptor)
        return _ask(confirm)

    def _from_descriptor(self, descriptor: int) -> Secret:
        if os.isatty(descriptor):
            raise click.UsageError("the password would be shown on the terminal: name no source, to be asked for it")
        return passwords.from_descriptor(descriptor, self._raw, "standard input" if descriptor == _STDIN else "")

    def __repr__(self) -> str:
        return "PasswordSource(...)"


class OptionalValue(click.Command):
    """A command whose option --generate may stand alone: what follows behind a blank is never its value, as in GNU programs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give a lone --generate its default, then parse."""
        end = args.index("--") if "--" in args else len(args)
        alone = [f"--generate={passwords.LENGTH}" if word == "--generate" else word for word in args[:end]]
        return super().parse_args(ctx, alone + args[end:])


class _Optional(click.Option):
    """An option of an `OptionalValue`; help shows it as it is written, `--generate[=LENGTH]`."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the two columns of help."""
        record = super().get_help_record(ctx)
        return None if record is None else (record[0].replace(" [=", "[="), record[1])


def passworded(function: Function[Result]) -> Function[Result]:
    """Add --password-stdin, --password-file, --password-fd and --raw; the command gets `source`."""

    @functools.wraps(function)
    def call(
        password_stdin: bool, password_file: str | None, password_fd: int | None, raw: bool, **rest: Any
    ) -> Result:
        length = rest.pop("generate", None)
        if sum((password_stdin, password_file is not None, password_fd is not None, length is not None)) > 1:
            raise click.UsageError("more than one source of the password")
        descriptor = _STDIN if password_stdin else password_fd
        return function(source=PasswordSource(password_file, descriptor, raw, length), **rest)

    return with_options(call, [_FROM_STDIN, _FROM_FILE, _FROM_DESCRIPTOR, _RAW])


def generating(function: Function[Result]) -> Function[Result]:
    """Add what `passworded` adds, and --generate; the command is an `OptionalValue`."""
    return with_options(passworded(function), [_GENERATE])


def _ask(confirm: bool) -> Secret:
    """Ask on standard error, so that what the command prints stays clean; read without showing it."""
    from sasldb.cli.compat import streams, terminal

    if not os.isatty(_STDIN):
        raise click.UsageError("no terminal to ask for the password: name --password-stdin, --password-file or another")
    try:
        with terminal.Hidden(streams.STDERR) as person:
            password = person.ask(b"Password: ")
            again = person.ask(b"Again (for verification): ") if confirm and password else password
    except OSError as error:
        raise BadPassword("password", "the terminal cannot be read") from error
    if Secret(again) != Secret(password):
        raise BadPassword("password", "the two do not match")
    return passwords.from_bytes(password)


def _sensible(context: click.Context, parameter: click.Parameter, length: int | None) -> int | None:
    """Refuse a length that no password should have."""
    if length is None or passwords.SHORTEST <= length <= passwords.FURTHEST:
        return length
    raise click.BadParameter(f"not between {passwords.SHORTEST} and {passwords.FURTHEST}", context, parameter)


def _inherited(context: click.Context, parameter: click.Parameter, descriptor: int | None) -> int | None:
    """Refuse a descriptor that whoever started us did not hand over: what they hand over survives exec."""
    if descriptor is None:
        return None
    try:
        if os.get_inheritable(descriptor) or descriptor == _STDIN:
            return descriptor
    except (OSError, OverflowError):
        pass
    raise click.BadParameter(f"descriptor {descriptor} is not open", context, parameter)


_FROM_STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
_FROM_FILE = click.option("--password-file", metavar="FILE", type=PATH, help="Read the password from this file.")
_FROM_DESCRIPTOR = click.option(
    "--password-fd",
    metavar="N",
    type=int,
    callback=_inherited,
    help="Read the password from this file descriptor.",
)
_RAW = click.option(
    "--raw",
    is_flag=True,
    help="Take the password as it comes. Else one newline at its end is dropped, and a carriage return, a NUL or another "
    "line is refused.",
)
_GENERATE = click.option(
    "--generate",
    cls=_Optional,
    metavar="[=LENGTH]",
    type=int,
    callback=_sensible,
    help=f"Make a password up, of {passwords.LENGTH} characters unless told otherwise, and print it.",
)
