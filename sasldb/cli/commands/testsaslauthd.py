"""`sasldb testsaslauthd`: Cyrus SASL's program of that name."""

from __future__ import annotations

import os
import sys

import click

from sasldb.cli.compat import streams
from sasldb.cli.compat.scanner import MISTAKE, OPERAND, scan
from sasldb.errors import BadMessage, SasldbError
from sasldb.model.secret import Secret
from sasldb.model.text import to_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.login.saslauthd import Request

LETTERS = b"p:u:r:s:f:R:"
USAGE = """%(name)s: usage: %(name)s -u username -p password
              [-r realm] [-s servicename]
              [-f socket path] [-R repeatnum]
"""
_REFUSED = 255


class _GetoptCommand(click.Command):
    """A command that takes its arguments apart as getopt(3) does: all of them reach it, but for a lone --help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep `args` as they are."""
        if args == ["--help"]:
            return super().parse_args(ctx, args)
        return super().parse_args(ctx, ["--", *args])


@click.command("testsaslauthd", cls=_GetoptCommand, context_settings={"help_option_names": ["--help"]})
@click.argument("arguments", metavar="[ARGUMENT]...", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(context: click.Context, arguments: tuple[str, ...]) -> int:
    """Ask saslauthd whether a password is right.

    Arguments, output and exit status are those of Cyrus SASL's program: -u USER, -p PASSWORD, -r REALM, -s SERVICE (imap), -f SOCKET
    (/var/run/saslauthd/mux), -R TIMES. Everybody on this machine can see an argument: leave -p away, and the password is read from
    standard input, or asked for at a terminal, which the original cannot do. As with the original, one request follows the other at
    once: what keeps a pace is `sasldb login saslauthd:PATH`.

    \b
    Example: a password from a file
      sasldb testsaslauthd -u alice -r example.com < alice.txt
    """
    options: dict[bytes, bytes] = {}
    mistaken = False
    permute = b"POSIXLY_CORRECT" not in os.environb
    for letter, value in scan([to_bytes(word) for word in arguments], LETTERS, permute):
        if letter == MISTAKE:
            _complain(f"{context.command_path}: {os.fsdecode(value)}\n")
            mistaken = True
        elif letter != OPERAND:
            options[letter] = value
    password = None if mistaken or b"u" not in options else _password(options)
    if password is None:
        _complain(USAGE % {"name": context.command_path})
        return 1
    return _repeat(options, password)


def _repeat(options: dict[bytes, bytes], password: Secret) -> int:
    from sasldb.login.saslauthd import DEFAULT, Request

    request = Request(options[b"u"], password, options.get(b"s", b"imap"), options.get(b"r", b""))
    path = options.get(b"f", os.fsencode(DEFAULT))
    times = _number(options.get(b"R", b"1")) or 1
    status = 0
    for number in range(times):
        status = _ask(number, path, request)
    return status


def _ask(number: int, path: bytes, request: Request) -> int:
    """Ask once, and print the answer as the original does."""
    from sasldb.login.patience import Patience
    from sasldb.login.saslauthd import ask

    sys.stdout.write(f"{number}: ")
    try:
        accepted = ask(path, request, Patience()).startswith(b"OK")
    except SasldbError as error:
        sys.stdout.flush()
        _complain(f"{error.reason}\n" if isinstance(error, BadMessage) else f"connect() : {error.reason}\n")
        return _REFUSED
    sys.stdout.write('OK "Success."\n' if accepted else 'NO "authentication failed"\n')
    return 0 if accepted else _REFUSED


def _password(options: dict[bytes, bytes]) -> Secret | None:
    """Return the password of -p, else of standard input, where a terminal is asked; None where there is none."""
    if b"p" in options:
        return Secret(options[b"p"])
    from sasldb.cli.compat import terminal

    try:
        if os.isatty(streams.STDIN):
            with terminal.Hidden(streams.STDERR) as person:
                read = person.ask(b"Password: ")
        else:
            read = streams.read_password()
    except OSError:
        return None
    return Secret(read) if read else None


def _number(text: bytes) -> int:
    """Return what C's atoi makes of `text`."""
    text = text.strip(b" \t\n\v\f\r")
    sign, digits = (text[:1], text[1:]) if text[:1] in (b"+", b"-") else (b"", text)
    end = 0
    while end < len(digits) and digits[end : end + 1].isdigit():
        end += 1
    value = int(digits[:end][:18] or b"0")
    return -value if sign == b"-" else value


def _complain(text: str) -> None:
    streams.tell(os.fsencode(text))
