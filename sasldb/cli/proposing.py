"""A change of the system's configuration, put to the administrator before it is made.

    @click.command("setup")
    @consented
    def command(consent: Consent) -> int:
        return propose(plan, config_dir, "setup", consent)

What would be done is on standard output, what to mind and the question on standard error. Errors: click.UsageError where nobody is there
to be asked, and those of `postfix.setup.steps`.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import click

from sasldb.cli.options import Function, Result, with_options
from sasldb.cli.rendering import PROGRAM, say, tell

if TYPE_CHECKING:
    from sasldb.postfix.setup.steps import Plan


_LONGEST = 100  # bytes of an answer


class Consent:
    """How the caller agrees: `yes` beforehand, or `dry_run`, not at all; else when asked. `undo`: to take back what was done."""

    __slots__ = ("dry_run", "undo", "yes")

    def __init__(self, yes: bool, dry_run: bool, undo: bool = False) -> None:
        self.yes = yes
        self.dry_run = dry_run
        self.undo = undo

    def given(self) -> bool:
        """Ask, unless it is known; anything but yes is no."""
        if self.yes or self.dry_run:
            return self.yes and not self.dry_run
        if not sys.stdin or not sys.stdin.isatty():
            raise click.UsageError("no terminal to ask at: name --yes, or --dry-run")
        return agreed("do it?")


def agreed(question: str) -> bool:
    """Ask `question` on standard error; anything but yes, and the end of standard input, is no."""
    sys.stdout.flush()
    print(f"{PROGRAM}: {question} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.buffer.readline(_LONGEST) if sys.stdin else b""
    return answer.strip().lower() in (b"y", b"yes")


def consented(function: Function[Result]) -> Function[Result]:
    """Add --yes, --dry-run and --undo; the command gets `consent`."""

    @functools.wraps(function)
    def call(yes: bool, dry_run: bool, undo: bool, **rest: Any) -> Result:
        return function(consent=Consent(yes, dry_run, undo), **rest)

    return with_options(call, [_YES, _DRY_RUN, _UNDO])


def propose(plan: Plan, config_dir: str, what: str, consent: Consent) -> int:
    """Show `plan`, ask, carry it out under the name `what`, and return the exit status."""
    from sasldb.postfix.setup.steps import carry_out

    for note in plan.notes:
        tell(note)
    if not plan.steps:
        say("nothing to change")
        sys.stdout.flush()  # what the caller tells comes after it
        return 0
    for line in plan.shown():
        say(line)
    if not consent.given():
        tell("nothing was changed")
        return 0 if consent.dry_run else 1
    for sentence in carry_out(plan, config_dir, what):
        say(sentence)
    sys.stdout.flush()
    return 0


def take_back(config_dir: str, what: str, consent: Consent) -> bool:
    """Show what taking back the last `what` would do, ask, and do it; tell whether it was done."""
    from sasldb.postfix.setup import steps

    for line in steps.take_back(config_dir, what, dry_run=True):
        say(line)
    if not consent.given():
        tell("nothing was changed")
        return False
    for sentence in steps.take_back(config_dir, what, dry_run=False):
        say(sentence)
    return True


_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
_UNDO = click.option(
    "--undo",
    is_flag=True,
    help="Take back what this command changed last, byte for byte. What was made and has been changed since stays.",
)
