"""A change of a database by a command: locked, all or nothing, told to the system log; or with a dry run only thought through.

What is to be done is a function of an `Editor`: it looks, raises where the change may not be, puts and removes, and returns what it has
done as deeds. Where a program that takes no locks has meanwhile changed what the function had read, it is called again.

Errors: those of the function and of `store.editing`; nothing was changed then, and the log has the reason.
"""

from __future__ import annotations

import os

from sasldb import syslog
from sasldb.errors import Conflict, SasldbError, StaleCopy
from sasldb.policy.ownership import OwnershipOptions
from sasldb.store.editing import Editor, edit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sasldb.model.identity import UserId

    Work = Callable[[Editor], Sequence["Deed"]]

PROGRAM = b"sasldb"
_ATTEMPTS = 5
LOGGED = 100  # lines of one command; a log that is flooded drops what matters
_VERBS = {
    "add": "added",
    "copy": "copied",
    "delete": "deleted",
    "harden": "hardened",
    "rename": "renamed",
    "restore the password of": "restored the password of",
    "set password of": "set password of",
}


class Deed:
    """One thing done, or with a dry run to be done.

    Attributes:
        verb: what, in the infinitive. subject: to whom, as text.
        detail: what else the person at the terminal is told; the log is not.
    """

    __slots__ = ("detail", "subject", "verb")

    def __init__(self, verb: str, subject: object, detail: str = "") -> None:
        self.verb = verb
        self.subject = str(subject)
        self.detail = detail

    def told(self, dry_run: bool = False) -> str:
        """Return it as a phrase, without the detail: `added alice@example.com`, `would add alice@example.com`."""
        return f"{f'would {self.verb}' if dry_run else _VERBS.get(self.verb, self.verb)} {self.subject}"


class Target:
    """Which database is changed, and how: `path` (text), `wishes` of owner and mode, `dry_run`."""

    __slots__ = ("dry_run", "path", "wishes")

    def __init__(self, path: str, wishes: OwnershipOptions | None = None, dry_run: bool = False) -> None:
        self.path = path
        self.wishes = wishes
        self.dry_run = dry_run


class Report:
    """What came of a change.

    Attributes:
        deeds: what was done. sentences: for the person at the terminal, about the file and about what to mind.
        findings: sentences about what could not be done, without being an error.
        dry_run: whether nothing was really done.
        undo: puts back what was there before, where the operation offers that; errors are those of a change.
    """

    __slots__ = ("deeds", "dry_run", "findings", "sentences", "undo")

    def __init__(self, deeds: Sequence[Deed], sentences: Sequence[str], dry_run: bool) -> None:
        self.deeds = list(deeds)
        self.sentences = list(sentences)
        self.findings: list[str] = []
        self.dry_run = dry_run
        self.undo: Callable[[], object] | None = None


def change(target: Target, what: str, work: Work, create: bool = False) -> Report:
    """Do `work` in the database of `target`, and log it; `what` names it for the log where it fails.

    Args:
        create: make the database where there is none.

    Raises:
        SasldbError: see the module.
    """
    try:
        made = create and not os.path.lexists(target.path)
        report = _attempted(target, work, create)
    except SasldbError as error:
        if not target.dry_run:
            syslog.send(PROGRAM, syslog.ERROR, f"cannot {what}: {error}")
        raise
    if made:
        report.sentences.insert(0, f"{'would make' if target.dry_run else 'made'} {target.path}")
        if target.wishes is not None and target.wishes.remark:
            report.sentences.append(target.wishes.remark)
    if not target.dry_run:
        _log(target.path, report.deeds)
    return report


def write(editor: Editor, user: UserId, changes: Mapping[bytes, bytes | None]) -> None:
    """Put the properties `changes` (name -> value, None to remove it) of `user`."""
    for name, value in changes.items():
        if value is None:
            editor.remove(user.prefix + name)
        else:
            editor.put(user.prefix + name, value)


def _attempted(target: Target, work: Work, create: bool) -> Report:
    for attempt in range(_ATTEMPTS):
        editor = edit(target.path, create=create, wishes=target.wishes)
        try:
            deeds = work(editor)
            findings = [] if target.dry_run else _committed(editor)
            report = Report(deeds, [*editor.warnings, *editor.notes], target.dry_run)
            report.findings += findings
            return report
        except Conflict:
            if attempt + 1 == _ATTEMPTS:
                raise
        finally:
            editor.close()
    raise AssertionError("unreachable")


def _committed(editor: Editor) -> list[str]:
    """Commit, and return what could not be done although the change stands: bring it into the copy in Postfix's chroot."""
    try:
        editor.commit()
    except StaleCopy as error:
        syslog.send(PROGRAM, syslog.ERROR, str(error))
        return [str(error)]
    finally:
        for note in editor.notes:
            syslog.send(PROGRAM, syslog.NOTICE, f"{note}, by {syslog.caller()}")
    return []


def _log(path: str, deeds: Sequence[Deed]) -> None:
    for deed in deeds[:LOGGED]:
        syslog.send(PROGRAM, syslog.NOTICE, f"{deed.told()} in {path} by {syslog.caller()}")
    if len(deeds) > LOGGED:
        syslog.send(PROGRAM, syslog.NOTICE, f"and {len(deeds) - LOGGED} more in {path} by {syslog.caller()}")
