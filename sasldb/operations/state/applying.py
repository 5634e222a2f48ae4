"""Bring a database to a desired state: all of it in one commit, or none.

First a snapshot is compared with the state, without a lock; where nothing is to be done, the file is not even opened for writing. Else
the comparison is made again under the lock, for those users alone whose records have changed meanwhile.

Errors: those of `planning`, `change` and reading the file; nothing was changed then.
"""

from __future__ import annotations

import os

from sasldb.errors import NotFound
from sasldb.files.ownership import Ownership
from sasldb.files.place import Place
from sasldb.files.refusals import refusal
from sasldb.operations.change import Report, Target, change, write
from sasldb.operations.holdings import Held, gather
from sasldb.operations.state.planning import CREATE, DELETE, UPDATE, Change, Plan, doubtful
from sasldb.policy.ownership import OwnershipOptions
from sasldb.store.reading import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.operations.cyrus import Site
    from sasldb.operations.state.desired import Desired
    from sasldb.operations.state.planning import Progress
    from sasldb.store.editing import Editor


class Applied(Report):
    """What came of a desired state.

    Attributes:
        changes: a `Change` for each user that is or, with a dry run, would be another. unchanged: how many are as desired.
        ownership: the sentence about the owner and mode of an existing database where they are or would be others, else "".
        dry_run, sentences: as of a `Report`.
    """

    __slots__ = ("changes", "ownership", "unchanged")

    def __init__(self, changes: list[Change], unchanged: int, ownership: str, dry_run: bool) -> None:
        super().__init__(changes, [], dry_run)
        self.changes = changes
        self.unchanged = unchanged
        self.ownership = ownership

    @property
    def changed(self) -> bool:
        """Whether anything is or would be another."""
        return bool(self.changes or self.ownership)

    def count(self, action: str) -> int:
        """Return how many users have that action."""
        return sum(change.action == action for change in self.changes)

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON; no secret is in it."""
        return {
            "changed": self.changed,
            "dry_run": self.dry_run,
            "created": self.count(CREATE),
            "updated": self.count(UPDATE),
            "deleted": self.count(DELETE),
            "unchanged": self.unchanged,
            "ownership_changed": bool(self.ownership),
            "changes": [change.as_dict() for change in self.changes],
        }


def apply(target: Target, desired: Desired, site: Site, progress: Progress | None = None) -> Applied:
    """Bring the database of `target` to the state `desired`; with a dry run tell what that would take.

    A missing database is made where there is a user to put into it.

    Args:
        site: what libsasl's plug-ins here add to a new plaintext; see `location.site`.
        progress: called with how many users have been looked at and how many there are.

    Raises:
        SasldbError: see the module.
    """
    held = _snapshot(target.path, desired)
    plan = Plan(desired, held or {}, site, progress)
    applied = Applied(plan.changes, _unchanged(desired, plan), _ownership(target, held), target.dry_run)
    if applied.changed and not target.dry_run:
        _bring_about(target, desired, site, plan, applied)
    else:
        with Place(target.path) as place:
            applied.sentences += place.warnings()
        if applied.changed and held is None:
            applied.sentences.insert(0, f"would make {target.path}")
        if applied.ownership:
            applied.sentences.append(applied.ownership)
    for each in applied.changes:
        wish = desired.wishes.get(each.user.prefix)
        if wish is not None and wish.present and each.written and doubtful(wish):
            sentence = (
                "clients that apply SASLprep will send other bytes than this password, and SCRAM will refuse them"
            )
            applied.sentences.append(f"{each.user}: {sentence}")
    return applied


def _snapshot(path: str, desired: Desired) -> Held | None:
    """Return what the database holds that matters to the state; None while there is no database."""
    try:
        with Database(path) as database:
            return gather(database.records(), desired.wishes, desired.prune)
    except NotFound:
        if os.path.lexists(path):  # a link that leads nowhere
            raise
        return None


def _bring_about(target: Target, desired: Desired, site: Site, plan: Plan, applied: Applied) -> None:
    """Commit the changes, and correct `applied` where the database is not what it was."""

    def work(editor: Editor) -> list[Change]:
        nonlocal plan
        plan = Plan(desired, gather(editor.records(), desired.wishes, desired.prune), site, earlier=plan)
        for each in plan.changes:
            write(editor, each.user, each.after)
        return plan.changes

    done = change(target, "apply a desired state", work, create=True)
    applied.changes = plan.changes
    applied.deeds = list(plan.changes)
    applied.unchanged = _unchanged(desired, plan)
    applied.sentences += done.sentences
    applied.findings += done.findings


def _unchanged(desired: Desired, plan: Plan) -> int:
    return len(desired) - sum(each.user.prefix in desired.wishes for each in plan.changes)


def _ownership(target: Target, held: Held | None) -> str:
    """Return the sentence that owner and mode of the database are not what they shall be; "" where they are, or there is none."""
    if held is None:
        return ""
    wishes = OwnershipOptions.from_environment(os.environ) if target.wishes is None else target.wishes
    try:
        with Place(target.path) as place:
            status = place.directory.status(place.name)
            before, after = Ownership.of(status), wishes.due(place.real, status)
    except OSError as error:
        raise refusal(target.path, "cannot be looked at", error) from error
    return "" if before == after else f"{target.path}: is {before}, would be {after}"
