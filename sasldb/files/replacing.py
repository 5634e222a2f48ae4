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
import time

from sasldb.errors import Conflict, UnsafeFile, WriteFailed
from sasldb.files import inplace, journal
from sasldb.files.draft import Draft, dress, sweep, sync_directory
from sasldb.files.lock import leads_to
from sasldb.files.ownership import Ownership, Wishes, due, give, told
from sasldb.files.refusals import refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.files.publishing import Make

_TRIES = 100
_SMALL = 1 << 20  # octets; up to this size "still what was copied" compares contents too, above it time stamps alone
_REST = 0.03  # seconds without a write, after which no Cyrus tool is thought to be between two of its writes
_PATIENCE = 0.3  # seconds; a file that never rests is taken as it is, and checked as a whole
_PAUSE = 0.005  # seconds
_NO_RENAME_HERE = (errno.EBUSY, errno.EPERM, errno.EACCES, errno.EXDEV, errno.EROFS)


class Replacement:
    """One replacement of the locked file `fd`, which the name `real` leads to; `notes` tells what it did to owner and mode."""

    __slots__ = ("fd", "notes", "path", "real", "wishes")

    def __init__(self, path: str, real: str, fd: int, wishes: Wishes) -> None:
        self.path = path
        self.real = real
        self.fd = fd
        self.wishes = wishes
        self.notes: list[str] = []

    def run(self, make: Make) -> None:
        """Let `make` change a copy, to which it is given a path, and put it in place; `make` is called again when need be.

        Raises:
            WriteFailed, AccessDenied, UnsafeFile, Conflict: see the module.
        """
        directory, name = os.path.split(self.real)
        try:
            sweep(directory, name, os.fstat(self.fd))
            journal.clear(directory, os.fstat(self.fd))
            for _ in range(_TRIES):
                if self._attempt(make, directory, name):
                    return
        except OSError as error:
            raise refusal(self.path, "cannot be replaced", error) from error
        raise Conflict(self.path, "other programs change it all the time", "stop them, then run this again")

    def _attempt(self, make: Make, directory: str, name: str) -> bool:
        alone = os.fstat(self.fd).st_nlink == 1
        try:
            draft = Draft(directory, name)
        except OSError as error:
            if error.errno not in _NO_RENAME_HERE:
                raise refusal(self.path, "no file can be made in its directory", error) from error
            alone = False
            draft = self._draft_elsewhere(name)
        with draft:
            return self._exchange(make, draft, alone)

    def _draft_elsewhere(self, name: str) -> Draft:
        directory = journal.refuge()
        sweep(directory, name)
        try:
            return Draft(directory, name)
        except OSError as error:
            raise refusal(self.path, f"no file can be made in {directory}", error) from error

    def _exchange(self, make: Make, draft: Draft, alone: bool) -> bool:
        """Do it once; False when another program wrote to the file meanwhile."""
        status, content = self._copy_to(draft)
        if status is None:
            return False
        make(draft.handle)
        after = due(self.real, status, self.wishes, self.fd)
        try:
            alone = alone and self._dress(draft, after, status)
            os.fsync(draft.fd)
        except OSError as error:
            raise refusal(self.path, f"cannot be written as {after}", error) from error
        if not leads_to(self.real, self.fd):
            raise Conflict(self.path, "replaced by another program while it was edited", "run this again")
        if not self._still(status, content):
            return False
        if not draft.is_at(draft.path):
            raise UnsafeFile(self.path, f"somebody else renames files in {os.path.dirname(draft.path)}")
        if not (alone and self._rename(draft)):
            inplace.overwrite(self.path, self.fd, draft, (after.uid, after.gid, after.mode))
            self._own_list(after)
            if not self._holds(draft):
                return False
            if os.fstat(self.fd).st_uid == os.geteuid():  # nobody else may set the times
                mark_as_ours(self.fd)
        self.notes = told(self.path, status, after)
        return True

    def _copy_to(self, draft: Draft) -> tuple[os.stat_result | None, bytes]:
        """Copy the file to the draft; return its status (None when it changed meanwhile) and, of a small one, the content."""
        status = self._rested()
        try:
            draft.refill(self.fd, status)
            content = os.pread(draft.fd, _SMALL, 0) if status.st_size <= _SMALL else b""
        except OSError as error:
            if stamp(self.fd)[0] < status.st_size:
                return None, b""
            raise refusal(self.path, "cannot be copied", error) from error
        return (status if self._still(status, content) else None), content

    def _rested(self) -> os.stat_result:
        """Return the file's status, after a pause if a program other than ours has just written to it."""
        end = time.monotonic() + _PATIENCE
        status = os.fstat(self.fd)
        while written_by_others(status, _REST) and time.monotonic() < end:
            time.sleep(_PAUSE)
            status = os.fstat(self.fd)
        return status

    def _still(self, status: os.stat_result, content: bytes) -> bool:
        """Tell whether the file is still as it was when `status` was taken and `content` read."""
        if stamp(self.fd) != (status.st_size, status.st_mtime_ns, status.st_ctime_ns):
            return False
        return status.st_size > _SMALL or os.pread(self.fd, _SMALL, 0) == content

    def _holds(self, draft: Draft) -> bool:
        """Tell whether the file now has the draft's content, or a program without a lock has written into it again."""
        size = os.fstat(draft.fd).st_size
        pieces = range(0, size, _SMALL)
        same = all(os.pread(self.fd, _SMALL, at) == os.pread(draft.fd, _SMALL, at) for at in pieces)
        return same and os.fstat(self.fd).st_size == size

    def _dress(self, draft: Draft, after: Ownership, status: os.stat_result) -> bool:
        """Give the draft owner, mode and attributes; False where only an overwrite in place can keep them."""
        kept = (after.uid, after.gid) == (status.st_uid, status.st_gid)
        try:
            dress(draft.fd, after.uid, after.gid, after.mode, self.fd)
            give(draft.fd, after)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EACCES) or not kept:
                raise
            return False
        mark_as_ours(draft.fd)
        return True

    def _own_list(self, after: Ownership) -> None:
        """Give the file that was overwritten the access control list that is due."""
        try:
            if after.acl is not None:
                give(self.fd, after)
        except OSError as error:
            raise refusal(self.path, f"owner and mode cannot be made {after}", error) from error

    def _rename(self, draft: Draft) -> bool:
        """Move the draft into place; False where the file can only be overwritten."""
        directory = os.path.dirname(self.real)
        try:
            os.rename(draft.path, self.real)
        except OSError as error:
            if error.errno in _NO_RENAME_HERE:
                return False
            raise refusal(self.path, "cannot be renamed into place", error) from error
        draft.keep()
        try:
            sync_directory(directory)
        except OSError as error:
            self._take_back(directory)
            raise refusal(self.path, "its directory cannot be synced", error) from error
        if not draft.is_at(self.real):
            raise UnsafeFile(self.path, f"somebody else renames files in {directory}")
        return True

    def _take_back(self, directory: str) -> None:
        """Put the old file back under its name: `fd` still has its inode."""
        try:
            status = os.fstat(self.fd)
            with Draft(directory, os.path.basename(self.real)) as old:
                old.refill(self.fd, status)
                dress(old.fd, status.st_uid, status.st_gid, status.st_mode & 0o7777, self.fd)
                os.rename(old.path, self.real)
                old.keep()
        except OSError as error:
            raise WriteFailed(
                self.path, f"changed, but that may not outlast a power failure: {error.strerror}", "check the disk"
            ) from error


def stamp(fd: int) -> tuple[int, int, int]:
    """Return what changes whenever a program writes to the file: its size and times."""
    status = os.fstat(fd)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def mark_as_ours(fd: int) -> None:
    """Set the time of the last write a little back, so that it differs from the time of the last change.

    A Cyrus tool's write makes both the same: that tells its files, in the middle of whose writing it may be, from ours, which are whole.
    """
    status = os.fstat(fd)
    os.utime(fd, ns=(status.st_atime_ns, status.st_mtime_ns - 1000))


def written_by_others(status: os.stat_result, seconds: float) -> bool:
    """Tell whether a program other than ours wrote to the file within the last `seconds`."""
    return status.st_mtime_ns == status.st_ctime_ns and abs(time.time() - status.st_mtime) < seconds
