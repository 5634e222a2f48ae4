"""Putting a new version of a locked file in the old one's place.

The file is copied to a draft in the same directory; the caller changes the draft; it gets owner, mode and attributes and is synced; the
original is looked at again (the Cyrus tools take no locks; if one wrote meanwhile, all begins anew); then the draft is renamed, or
poured into the old file where a rename cannot serve (`files.inplace`), and the directory synced. At every moment the name leads
to the old or to the new file.

Errors: WriteFailed, AccessDenied, UnsafeFile (the old file stands), Conflict, and whatever the caller's change raises.
"""

from __future__ import annotations

import errno
import os

from sasldb.errors import Conflict, UnsafeFile, WriteFailed
from sasldb.files import inplace, journal, private_directory
from sasldb.files.attributes import set_metadata
from sasldb.files.draft import Draft, sweep
from sasldb.files.ownership import Ownership, give, told
from sasldb.files.refusals import refusal
from sasldb.files.stamps import Stamp, at_rest, mark_as_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.files.deadline import Deadline
    from sasldb.files.directory import Directory
    from sasldb.files.draft import Make
    from sasldb.files.ownership import Rule
    from sasldb.files.place import Place

_SMALL = 1 << 20  # bytes; up to this size "still what was copied" compares contents too, above it time stamps only
_PAUSE = 0.005  # seconds
_NO_RENAME_HERE = (errno.EBUSY, errno.EPERM, errno.EACCES, errno.EXDEV, errno.EROFS)


class Replacement:
    """One replacement of the locked file `fd` at `place`; `notes` tells what it did to owner and mode."""

    __slots__ = ("_deadline", "_path", "fd", "notes", "place", "rule")

    def __init__(self, place: Place, fd: int, rule: Rule, deadline: Deadline) -> None:
        self.place = place
        self.fd = fd
        self.rule = rule
        self.notes: list[str] = []
        self._path = place.path
        self._deadline = deadline

    def run(self, make: Make) -> None:
        """Let `make` change a copy, to which it is given a path, and put it in place; `make` is called again when need be.

        Raises:
            WriteFailed, AccessDenied, UnsafeFile, Conflict: see the module.
        """
        directory = self.place.directory
        try:
            sweep(directory, self.place.name, os.fstat(self.fd))
            journal.clear(directory, self.fd)
            while not self._attempt(make):
                if not self._deadline.pause(_PAUSE):
                    reason = f"other programs changed it all the time for {self._deadline.wait:g} s"
                    raise Conflict(self._path, reason, "stop them, then run this again")
        except OSError as error:
            raise refusal(self._path, "cannot be replaced", error) from error

    def _attempt(self, make: Make) -> bool:
        renamable = os.fstat(self.fd).st_nlink == 1
        try:
            draft = Draft(self.place.directory, self.place.name)
        except OSError as error:
            if error.errno not in _NO_RENAME_HERE:
                raise refusal(self._path, "no file can be made in its directory", error) from error
            return self._attempt_elsewhere(make)
        with draft:
            return self._exchange(make, draft, renamable)

    def _attempt_elsewhere(self, make: Make) -> bool:
        elsewhere = private_directory.private_directory()
        try:
            sweep(elsewhere, self.place.name)
            with self._draft_in(elsewhere) as draft:
                return self._exchange(make, draft, renamable=False)
        finally:
            elsewhere.close()

    def _draft_in(self, directory: Directory) -> Draft:
        try:
            return Draft(directory, self.place.name)
        except OSError as error:
            raise refusal(self._path, f"no file can be made in {directory.path}", error) from error

    def _exchange(self, make: Make, draft: Draft, renamable: bool) -> bool:
        """Do it once; False when another program wrote to the file meanwhile."""
        status, content = self._copy_to(draft)
        if status is None:
            return False
        make(draft.handle)
        after = self.rule.due(self.place.real, status, self.fd)
        try:
            renamable = renamable and self._set_metadata(draft, after, status)
            os.fsync(draft.fd)
        except OSError as error:
            raise refusal(self._path, f"cannot be written as {after}", error) from error
        if not self.place.directory.leads_to(self.place.name, self.fd):
            raise Conflict(self._path, "replaced by another program while it was edited", "run this again")
        if not self._still(status, content):
            return False
        if not draft.is_at(draft.name):
            raise UnsafeFile(self._path, f"somebody else renames files in {draft.directory.path}")
        if not (renamable and self._rename(draft)):
            inplace.overwrite(self.place, self.fd, draft, after)
            if not self._stands(draft):
                return False
        self.notes = told(self._path, status, after)
        return True

    def _copy_to(self, draft: Draft) -> tuple[os.stat_result | None, bytes]:
        """Copy the file to the draft; return its status (None when it changed meanwhile) and, of a small one, the content."""
        status = at_rest(self.fd, self._deadline)
        try:
            draft.refill(self.fd, status)
            content = os.pread(draft.fd, _SMALL, 0) if status.st_size <= _SMALL else b""
        except OSError as error:
            if Stamp.of(self.fd).size < status.st_size:
                return None, b""
            raise refusal(self._path, "cannot be copied", error) from error
        return (status if self._still(status, content) else None), content

    def _still(self, status: os.stat_result, content: bytes) -> bool:
        """Tell whether the file is still as it was when `status` was taken and `content` read."""
        if Stamp.of(self.fd) != Stamp(status):
            return False
        return status.st_size > _SMALL or os.pread(self.fd, _SMALL, 0) == content

    def _stands(self, draft: Draft) -> bool:
        """Tell whether the overwrite stands, and mark it as ours; an error of these looks does not undo what was written and synced."""
        try:
            if not self._holds(draft):
                return False
            if os.fstat(self.fd).st_uid == os.geteuid():  # nobody else may set the times
                mark_as_ours(self.fd)
        except OSError:
            pass
        return True

    def _holds(self, draft: Draft) -> bool:
        """Tell whether the file now has the draft's content, or a program without a lock has written into it again."""
        size = os.fstat(draft.fd).st_size
        pieces = range(0, size, _SMALL)
        same = all(os.pread(self.fd, _SMALL, at) == os.pread(draft.fd, _SMALL, at) for at in pieces)
        return same and os.fstat(self.fd).st_size == size

    def _set_metadata(self, draft: Draft, after: Ownership, status: os.stat_result) -> bool:
        """Give the draft owner, mode and attributes; False where only an overwrite in place can keep them."""
        kept = (after.uid, after.gid) == (status.st_uid, status.st_gid)
        try:
            set_metadata(draft.fd, after.uid, after.gid, after.mode, self.fd)
            give(draft.fd, after)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EACCES) or not kept:
                raise
            return False
        mark_as_ours(draft.fd)
        return True

    def _rename(self, draft: Draft) -> bool:
        """Move the draft into place; False where the file can only be overwritten."""
        directory, name = self.place.directory, self.place.name
        try:
            draft.rename(name)
        except OSError as error:
            if error.errno in _NO_RENAME_HERE:
                return False
            raise refusal(self._path, "cannot be renamed into place", error) from error
        try:
            directory.sync()
        except OSError as error:
            self._take_back()
            raise refusal(self._path, "its directory cannot be synced", error) from error
        if _was_exchanged(draft, name):
            raise UnsafeFile(self._path, f"somebody else renames files in {directory.path}")
        return True

    def _take_back(self) -> None:
        """Put the old file back under its name: `fd` still has its inode."""
        try:
            status = os.fstat(self.fd)
            with Draft(self.place.directory, self.place.name) as old:
                old.refill(self.fd, status)
                set_metadata(old.fd, status.st_uid, status.st_gid, status.st_mode & 0o7777, self.fd)
                old.rename(self.place.name)
        except OSError as error:
            reason = f"changed, but that may not outlast a power failure: {error.strerror}"
            raise WriteFailed(self._path, reason, "check the disk") from error


def _was_exchanged(draft: Draft, name: str) -> bool:
    """Tell whether `name` leads to another file than the draft that was renamed to it; an error of this look does not undo the rename."""
    try:
        return not os.path.samestat(draft.directory.status(name), os.fstat(draft.fd))
    except OSError:
        return False  # one that is gone was removed after the rename
