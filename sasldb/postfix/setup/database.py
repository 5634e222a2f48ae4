"""The database that smtpd will open, and its copy in the jail of a chrooted smtpd.

The copy in /var/spool/postfix is kept by every command that changes a default database (`store.copies`). Any other jail gets a hard link,
which is the database itself, where both lie on one file system; else a copy that this command alone brings up to date, which is said.

Nothing with users in it is overwritten by something else: a jail in which somebody has worked alone becomes the database, if there is none
with users outside. Errors: SiteConfigError (two databases, and nobody knows which is right; a format that is not written here), those of
reading and making a database.
"""

from __future__ import annotations

import os

from sasldb.errors import EmptyFile, NotFound, SiteConfigError, quoted
from sasldb.files import content
from sasldb.files.deadline import Deadline
from sasldb.files.exclusive import Exclusive
from sasldb.files.ownership import Ownership
from sasldb.files.refusals import refusal
from sasldb.libsasl import build
from sasldb.policy import daemon
from sasldb.policy.access import group_of
from sasldb.policy.chroot import DEFAULT_DATABASES, copy_of
from sasldb.policy.ownership import OwnershipOptions
from sasldb.postfix.setup.steps import Plan, Step
from sasldb.postfix.setup.undo import Backup
from sasldb.postfix.site.site import Site
from sasldb.store import creation
from sasldb.store import copies
from sasldb.store.reading import Database

_WAIT = 30.0  # seconds, for a lock
_PIECE = 1 << 20  # bytes


class DatabaseStep(Step):
    """A step about the database at `path`; `source` is the one that it is made a copy of."""

    def __init__(self, path: str, source: str | None = None) -> None:
        self._path = path
        self._source = source

    def keep(self, backup: Backup) -> None:
        """Keep owner and mode alone."""
        backup.keep_database(self._path, self._source)


class Make(DatabaseStep):
    """An empty database where there is none."""

    def __init__(self, path: str, wishes: OwnershipOptions) -> None:
        super().__init__(path)
        self._wishes = wishes

    def shown(self) -> list[str]:
        """Say it."""
        return [f"would make {self._path}"]

    def run(self) -> str:
        """Make it."""
        made = creation.create(self._path, self._wishes)
        return f"made {made.path}, {made.ownership}"


class Own(DatabaseStep):
    """Owner and mode of a database that is there."""

    def __init__(self, path: str, wishes: OwnershipOptions) -> None:
        super().__init__(path)
        self._wishes = wishes
        status = os.stat(path)
        self.before = Ownership.of(status)
        self.due = wishes.due(os.path.realpath(path), status)

    def shown(self) -> list[str]:
        """Say it."""
        return [f"{self._path}: {self.before} -> {self.due}"]

    def run(self) -> str:
        """Make them right."""
        held = Exclusive(self._path, self._wishes, False, Deadline(_WAIT))
        try:
            held.adjust()
        finally:
            held.close()
        return f"{self._path}: was {self.before}, is now {self.due}"


class Copy(DatabaseStep):
    """A database is copied, into the jail or out of it."""

    def __init__(self, source: str, target: str, wishes: OwnershipOptions) -> None:
        super().__init__(target, source)
        self._from = source
        self._wishes = wishes

    def shown(self) -> list[str]:
        """Say it."""
        return [f"would copy {self._from} to {self._path}"]

    def run(self) -> str:
        """Copy it."""
        copies.copy(self._from, self._path, self._wishes, create=True)
        return f"copied {self._from} to {self._path}"


class Link(DatabaseStep):
    """The database gets a second name in the jail."""

    def __init__(self, source: str, target: str) -> None:
        super().__init__(target, source)
        self._from = source

    def shown(self) -> list[str]:
        """Say it."""
        return [f"would link {self._path} to {self._from}"]

    def run(self) -> str:
        """Link it; whoever reads the old file meanwhile has it to the end."""
        new = f"{self._path}.new"
        try:
            os.link(os.path.realpath(self._from), new)
            try:
                os.rename(new, self._path)
            except OSError:
                os.unlink(new)
                raise
        except OSError as error:
            raise refusal(self._path, "cannot be linked", error) from error
        return f"linked {self._path} to {self._from}"


def add(plan: Plan, site: Site, inside: str) -> None:
    """Add the steps for the database that smtpd opens as `inside`; the errors are those of this module."""
    if site.backend not in ("", build.BERKELEY):
        reason = f"this libsasl reads {site.backend} databases, which this version does not make"
        raise SiteConfigError(site.plugin_directory, reason)
    jailed = next((view for view in site.views if view.jail), None)
    target = f"{jailed.jail}{inside}" if jailed else None
    wishes = _wishes(site, inside)
    users, copied = _users(inside), None if target is None else _users(target)
    if target is not None and copied and not users:
        plan.steps.append(Copy(target, inside, wishes))
        _add_owner(plan, target, wishes)
        return
    if users is None:
        plan.steps.append(Make(inside, wishes))
    else:
        _add_owner(plan, inside, wishes, opened=target is None)
    if target is not None:
        _add_jailed(plan, inside, target, wishes)


def _add_jailed(plan: Plan, inside: str, target: str, wishes: OwnershipOptions) -> None:
    there, copied = os.path.exists(inside), _users(target)
    if there and os.path.exists(target) and os.path.samefile(inside, target):
        return
    if there and copied is not None and copies.is_copy(target, inside):
        if _same_content(inside, target):
            _add_owner(plan, target, wishes)
            return
    elif copied:
        remedy = f"compare them (sasldb diff {quoted(inside)} {quoted(target)}), then remove the wrong one"
        raise SiteConfigError(target, f"another database than {inside}, and both have users", remedy=remedy)
    if copy_of(inside) == target:
        plan.steps.append(Copy(inside, target, wishes))
    elif _one_file_system(inside, target) and not (there and Own(inside, wishes).due.hint):
        plan.steps.append(Link(inside, target))
    else:
        plan.steps.append(Copy(inside, target, wishes))
        plan.notes.append(f"{target}: only this command brings this copy up to date; run it again after each change")


def _add_owner(plan: Plan, path: str, wishes: OwnershipOptions, opened: bool = True) -> None:
    """Add the step that makes owner and mode right, and say how smtpd gets in where it has `opened` that file and does not."""
    step = Own(path, wishes)
    if step.before != step.due:
        plan.steps.append(step)
    if opened and step.due.hint:
        plan.notes.append(f"{path}: {step.due.hint}")


def _wishes(site: Site, path: str) -> OwnershipOptions:
    """Return for whom the database at `path` is: one that smtpd's user cannot read is to serve it as the default database does."""
    wishes = OwnershipOptions()
    wishes.new_group = group_of(site.user)
    if wishes.new_group is None:
        return wishes
    tried = daemon.attempt(daemon.READ, path, site.user, None) if os.path.exists(path) else None
    if path in DEFAULT_DATABASES or (tried is not None and tried.errno):
        wishes.reader = site.user
    return wishes


def _users(path: str) -> bool | None:
    """Tell whether the database at `path` has users; None where there is none yet. The errors are those of reading one."""
    try:
        with Database(path) as database:
            return any(True for _ in database.records())
    except (NotFound, EmptyFile):
        return None


def _same_content(one: str, other: str) -> bool:
    first, second = content.look(one), content.look(other)
    return first is not None and second is not None and first.content == second.content


def _one_file_system(source: str, target: str) -> bool:
    return _device(os.path.dirname(source)) == _device(os.path.dirname(target))


def _device(directory: str) -> int:
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    return os.stat(directory).st_dev
