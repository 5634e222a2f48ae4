"""Steps: single changes of the system's configuration, shown before they are made, backed up, and made all or not at all.

A plan is a list of steps. Each says which files it touches, shows what it would do (a unified diff where it is text), and does it. Where one
fails, those before it are taken back. No secret is shown: a diff has the lines that change and no others, each as the step's `show` has it.

Errors: Conflict (a file was changed since the plan was made), those of `files.content`, and of the steps.
"""

from __future__ import annotations

import difflib
import os
from typing import Protocol

from sasldb import syslog
from sasldb.errors import Conflict, SasldbError
from sasldb.files import content
from sasldb.files.content import Present
from sasldb.files.ownership import Ownership
from sasldb.postfix.setup.turn import Turn
from sasldb.postfix.setup.undo import Backup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Show = Callable[[list[bytes]], list[str]]

PROGRAM = b"sasldb"


class Step(Protocol):
    """One change of one file."""

    def keep(self, backup: Backup) -> None:
        """Keep in `backup` what it takes to take this back."""

    def shown(self) -> list[str]:
        """Return lines that show what would be done."""

    def run(self) -> str:
        """Do it, and return a sentence that says so."""


class FileStep(Step):
    """A file gets a new content: `path`, `after` (bytes), and `ownership` where it is not to keep what it has.

    Args:
        show: the lines of a content -> as many lines without secrets; without it they are shown as they are. binary: whether there is no
        text to show.
    """

    after: bytes

    def __init__(
        self, path: str, after: bytes, ownership: Ownership, show: Show | None = None, binary: bool = False
    ) -> None:
        self.path = path
        self.after = after
        self.ownership = ownership
        self._show = show
        self._binary = binary
        self._before = content.look(path)

    def keep(self, backup: Backup) -> None:
        """Keep the whole file."""
        backup.keep(self.path, self.after)

    @property
    def needed(self) -> bool:
        """Whether the file is not so already."""
        before = self._before
        return before is None or before.content != self.after or before.ownership != self.ownership

    def shown(self) -> list[str]:
        """Return a unified diff, and a line about owner and mode where these change."""
        before = self._before
        lines = [] if self._binary else list(self._diff(before))
        if self._binary and (before is None or before.content != self.after):
            lines.append(f"would {'make' if before is None else 'change'} {self.path}")
        elif not lines and before is not None and before.content != self.after:
            lines.append(f"would change {self.path}, in what is not shown")
        if before is None or before.ownership != self.ownership:
            was = "" if before is None else f"{before.ownership} -> "
            lines.append(f"{self.path}: {was}{self.ownership}")
        return lines

    def run(self) -> str:
        """Put the new content in place."""
        present = content.look(self.path)
        if not _same(present, self._before):
            raise Conflict(self.path, "changed by another program just now", "run this again")
        content.put(self.path, self.after, self.ownership)
        return f"{'made' if present is None else 'changed'} {self.path}"

    def _diff(self, before: Present | None) -> Iterator[str]:
        """Return a unified diff without context: what is compared are the lines themselves, what is shown is without secrets."""
        old, new = (before.content if before else b"").splitlines(), self.after.splitlines()
        hidden, shown = self._shown(old), self._shown(new)
        matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
        changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
        if changes:
            yield from (f"--- {self.path if before else '/dev/null'}", f"+++ {self.path}")
        for _, start, end, place, last in changes:
            yield f"@@ -{_range(start, end)} +{_range(place, last)} @@"
            yield from (f"-{line}".expandtabs() for line in hidden[start:end])
            yield from (f"+{line}".expandtabs() for line in shown[place:last])

    def _shown(self, lines: list[bytes]) -> list[str]:
        return (self._show or _as_they_are)(lines)


class GeneratedStep(FileStep):
    """A file that is made of others, and made anew whenever these change: what became of it since is no edit."""

    def keep(self, backup: Backup) -> None:
        """Keep the whole file, for as long as this is the last change of it."""
        backup.keep(self.path, self.after, generated=True)


class Plan:
    """Steps to take, in order, and what to tell the administrator.

    Attributes:
        steps: only what is needed. notes: sentences to mind. after: what to do when all is done (reload), as functions that return a sentence.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.notes: list[str] = []
        self.after: list[Callable[[], str]] = []

    def add(self, step: FileStep) -> None:
        """Add a step that writes a file, if the file is not so already."""
        if step.needed:
            self.steps.append(step)

    def shown(self) -> list[str]:
        """Return lines that show all that would be done."""
        return [line for step in self.steps for line in step.shown()]


def carry_out(plan: Plan, config_dir: str, what: str) -> list[str]:
    """Take all steps of `plan`, kept for an undo under the name `what`, and return sentences; nothing is kept of an empty plan.

    Raises:
        Locked: another command changes the configuration; the message names its process. SasldbError: see the module; what had been done is taken back.
    """
    if not plan.steps:
        return []
    with Turn(config_dir, make=True):
        backup = Backup.begin(config_dir, what)
        try:
            sentences = [_taken(step, backup) for step in plan.steps]
            backup.seal()
        except BaseException as error:
            if isinstance(error, SasldbError):
                syslog.send(PROGRAM, syslog.ERROR, f"postfix {what} failed, and is taken back: {error}")
            backup.undo(force=True)
            raise
    for sentence in sentences:
        syslog.send(PROGRAM, syslog.NOTICE, f"postfix {what}: {sentence} by {syslog.caller()}")
    return sentences + [finish() for finish in plan.after]


def take_back(config_dir: str, what: str, dry_run: bool) -> list[str]:
    """Take back what `carry_out` did last under the name `what`, and return a sentence for each file.

    Raises:
        NotFound, Conflict: as `postfix.setup.undo`.
    """
    with Turn(config_dir, make=False):
        backup = Backup.last(config_dir, what)
        if dry_run:
            return backup.outlook()
        sentences = backup.undo()
    for sentence in sentences:
        syslog.send(PROGRAM, syslog.NOTICE, f"postfix {what} --undo: {sentence} by {syslog.caller()}")
    return sentences


def _as_they_are(lines: list[bytes]) -> list[str]:
    return [os.fsdecode(line) for line in lines]


def _range(start: int, end: int) -> str:
    """Return a range of lines as a unified diff has it."""
    return f"{start + 1 if end > start else start}" + (f",{end - start}" if end - start != 1 else "")


def _taken(step: Step, backup: Backup) -> str:
    step.keep(backup)
    return step.run()


def _same(one: Present | None, other: Present | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.content == other.content and one.ownership == other.ownership
