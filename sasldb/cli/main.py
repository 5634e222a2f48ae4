"""sasldb: the entry of the command, from its arguments to its exit status.

Every error is told as one line, `sasldb: MESSAGE`, with no traceback. Exit status: 0 done; 1 a finding (a command's own return
value); 2 a wrong call; 3 the operation failed and nothing was changed. ^C and a reader who went away end the command by that
signal, quietly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from signal import SIGINT, SIGPIPE

import click

from sasldb.cli.commands import MODULES, SUMMARIES
from sasldb.cli.compat import streams, usage
from sasldb.cli.rendering import COMPLETE, PROGRAM, abandon, tell
from sasldb.errors import ReportLost, SasldbError, StaleCopy
from sasldb.model.text import to_text

STATUS: tuple[tuple[type[Exception], int], ...] = (
    (click.ClickException, 2),
    (StaleCopy, 1),  # the database was changed
    (ReportLost, 1),  # so it was
    (SasldbError, 3),
    (OSError, 3),  # standard output only: no other OSError leaves the rooms below
)
_SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100}


class Commands(click.Group):
    """The commands of `cli.commands`, loaded one at a time, in `--help` by their sections."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of `--help`."""
        return [name for section in SUMMARIES.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command `cmd_name`; None where there is none of that name."""
        if cmd_name not in MODULES:
            return None
        module = import_module(f"sasldb.cli.commands.{MODULES[cmd_name]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, section by section, without loading them."""
        for section, summaries in SUMMARIES.items():
            with formatter.section(section):
                formatter.write_dl(list(summaries.items()))


def _show_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(usage.version(PROGRAM.encode()).decode(), nl=False)
        ctx.exit()


@click.command(PROGRAM, cls=Commands, context_settings=_SETTINGS, no_args_is_help=False)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Print the version."
)
def sasldb() -> None:
    """Manage sasldb2, the user database of Cyrus SASL.

    \b
    Example: what is in the default database
      sasldb list
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `sasldb` with `arguments` (text; the program's own where None) and return its exit status.

    Arguments are bytes, and become text as names do (see `model.text`), whatever the locale: Python had read them by that. Paths
    go back, see `options.PATH`.
    """
    ours = False
    try:
        ours = streams.catch_interrupts()
        streams.hold()
        streams.leave_no_core()
        if sys.stdout is None:  # was closed when we were started: let writing fail, as it would anywhere else
            sys.stdout = open(streams.STDOUT, "w", encoding="utf-8", closefd=False)
        if sys.stderr is None:  # likewise; else print() would take standard output instead
            sys.stderr = open(streams.STDERR, "w", encoding="utf-8", closefd=False)
        if COMPLETE in os.environ:
            return _complete(os.environ[COMPLETE])
        return _run([to_text(os.fsencode(word)) for word in sys.argv[1:]] if arguments is None else list(arguments))
    except KeyboardInterrupt:
        streams.die(SIGINT)
    except BrokenPipeError:
        streams.die(SIGPIPE)
    except tuple(kind for kind, _ in STATUS) as error:
        _explain(error)
        return next(status for kind, status in STATUS if isinstance(error, kind))
    finally:
        if ours:
            streams.leave_interrupts()  # Python's own tidying up is not worth a traceback either
    return 0


def _run(arguments: list[str]) -> int:
    try:
        with sasldb.make_context(PROGRAM, arguments) as context:
            status = sasldb.invoke(context)
    except click.exceptions.Exit as done:  # --help, --version
        status = done.exit_code
    sys.stdout.flush()
    return int(status or 0)


def _complete(instruction: str) -> int:
    """Answer the completion script of a shell."""
    from sasldb.cli.completion import answer

    click.echo(answer(sasldb, instruction), nl=False)
    return 0


def _explain(error: Exception) -> None:
    """Tell what went wrong, and after a wrong call where help is."""
    if isinstance(error, click.ClickException):
        tell(error.format_message().replace("\n", " "))
        context = getattr(error, "ctx", None)
        tell(f"for help, run: {context.command_path if context else PROGRAM} --help")
    elif isinstance(error, OSError):
        tell(f"standard output: {error.strerror}")
        abandon()
    else:
        tell(str(error))
