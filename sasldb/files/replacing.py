"""Putting a new version of a file in the old one's place: the steps after the lock.

A missing file is published under its name only when it is complete. An existing one is copied to a draft in the same directory;
the caller changes the draft; it gets owner, mode and attributes and is synced; the original is looked at again (the Cyrus tools
take no locks; if one wrote meanwhile, the copy is made anew); then the draft is renamed, or poured into the old file where a
rename cannot serve (`files.inplace`), and the directory synced. At every moment the name leads to the old or to the new file.

Errors: WriteFailed, AccessDenied (the old file stands), Conflict, and whatever the caller's change raises.
"""

from __future__ import annotations

import errno
import os
import time

from sasldb.errors import Conflict, WriteFailed
from sasldb.files import inplace
from sasldb.files.draft import Draft, dress, sweep, sync_directory
from sasldb.files.lock import leads_to
from sasldb.files.ownership import Ownership, Wishes, due, told
from sasldb.files.refusals import refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[str], None]

_TRIES = 100
_SMALL = 1 << 20  # octets; up to this size "still what was copied" compares contents, above it time stamps
_TICK = 0.01  # seconds; two writes within one tick of the kernel's clock leave the same time stamp
_NO_LINKS_HERE = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
_NO_RENAME_HERE = (errno.EBUSY, errno.EPERM, errno.EACCES, errno.EXDEV, errno.EROFS)


def publish(path: str, real: str, make: Make, wishes: Wishes) -> bool:
    """Make the file `real`, which does not exist; `make` fills a file of zero bytes, whose path it is given.

    Returns:
        False, with nothing changed, when another process has made the file meanwhile.

    Raises:
        WriteFailed, AccessDenied: the system refused a step; there is still no such file.
    """
    directory, name = os.path.split(real)
    sweep(directory, name)
    try:
        draft = Draft(directory, name)
    except OSError as error:
        raise refusal(path, "no file can be made in its directory", error) from error
    with draft:
        make(draft.path)
        after = due(real, None, wishes)
        try:
            dress(draft.fd, after.uid, after.gid, after.mode, None)
            os.fsync(draft.fd)
            _give_name(draft, real)
        except FileExistsError:
            return False
        except OSError as error:
            raise refusal(path, f"cannot be made as {after}", error) from error
        try:
            sync_directory(directory)
        except OSError as error:
            os.unlink(real)
            raise refusal(path, "its directory cannot be synced", error) from error
    return True


def _give_name(draft: Draft, real: str) -> None:
    """Give a new file its name, unless somebody has taken it (FileExistsError)."""
    try:
        os.link(draft.path, real)
    except OSError as error:
        if error.errno not in _NO_LINKS_HERE:
            raise
        os.close(os.open(real, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        os.rename(draft.path, real)
        draft.keep()


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
        """Let `make` change a copy, whose path it is given, and put it in place; `make` is called again when need be.

        Raises:
            WriteFailed, AccessDenied, Conflict: see the module.
        """
        directory, name = os.path.split(self.real)
        sweep(directory, name, os.fstat(self.fd))
        alone = os.fstat(self.fd).st_nlink == 1
        try:
            draft = Draft(directory, name)
        except OSError as error:
            if error.errno not in _NO_RENAME_HERE:
                raise refusal(self.path, "no file can be made in its directory", error) from error
            alone = False
            draft = self._draft_elsewhere(name)
        with draft:
            self._exchange(make, draft, alone)

    def _draft_elsewhere(self, name: str) -> Draft:
        directory = inplace.refuge()
        sweep(directory, name)
        try:
            return Draft(directory, name)
        except OSError as error:
            raise refusal(self.path, f"no file can be made in {directory}", error) from error

    def _exchange(self, make: Make, draft: Draft, alone: bool) -> None:
        for _ in range(_TRIES):
            status, content = self._copy_to(draft)
            if status is None:
                continue
            make(draft.path)
            after = due(self.real, status, self.wishes)
            try:
                alone = self._dress(draft, after, status) and alone
                os.fsync(draft.fd)
            except OSError as error:
                raise refusal(self.path, f"cannot be written as {after}", error) from error
            if not leads_to(self.real, self.fd):
                raise Conflict(self.path, "replaced by another program while it was edited", "run this again")
            if not self._still(status, content):
                continue
            inplace.clear(os.path.dirname(self.real), status)
            if not (alone and self._rename(draft)):
                self._overwrite(draft, after)
            self.notes = told(self.path, status, after)
            return
        raise Conflict(
            self.path, "other programs change it faster than it can be copied", "stop them, then run this again"
        )

    def _copy_to(self, draft: Draft) -> tuple[os.stat_result | None, bytes]:
        """Copy the file to the draft; return its status (None when it changed meanwhile) and, of a small one, the content."""
        try:
            status = os.fstat(self.fd)
            if status.st_size > _SMALL:
                while abs(time.time() - status.st_mtime) < _TICK:
                    time.sleep(_TICK)
                    status = os.fstat(self.fd)
            draft.refill(self.fd, status)
            content = os.pread(draft.fd, _SMALL, 0) if status.st_size <= _SMALL else b""
        except OSError as error:
            raise refusal(self.path, "cannot be copied", error) from error
        return (status if self._still(status, content) else None), content

    def _still(self, status: os.stat_result, content: bytes) -> bool:
        """Tell whether the file is still as it was when `status` was taken and `content` read."""
        if stamp(self.fd) != (status.st_size, status.st_mtime_ns, status.st_ctime_ns):
            return False
        return status.st_size > _SMALL or os.pread(self.fd, _SMALL, 0) == content

    def _dress(self, draft: Draft, after: Ownership, status: os.stat_result) -> bool:
        """Give the draft owner, mode and attributes; False where only an overwrite in place can keep them."""
        kept = (after.uid, after.gid) == (status.st_uid, status.st_gid)
        try:
            dress(draft.fd, after.uid, after.gid, after.mode, self.fd)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EACCES) or not kept:
                raise
            os.fchmod(draft.fd, 0o600)
            return False
        return True

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
        return True

    def _take_back(self, directory: str) -> None:
        """Put the old file back under its name: `fd` still has its inode."""
        status = os.fstat(self.fd)
        try:
            with Draft(directory, os.path.basename(self.real)) as old:
                old.refill(self.fd, status)
                dress(old.fd, status.st_uid, status.st_gid, status.st_mode & 0o7777, self.fd)
                os.rename(old.path, self.real)
                old.keep()
        except OSError as error:
            raise WriteFailed(
                self.path, f"changed, but that may not outlast a power failure: {error.strerror}", "check the disk"
            ) from error

    def _overwrite(self, draft: Draft, after: Ownership) -> None:
        inplace.overwrite(self.path, self.fd, draft, (after.uid, after.gid, after.mode))


def stamp(fd: int) -> tuple[int, int, int]:
    """Return what changes whenever a program writes to the file: its size and times."""
    status = os.fstat(fd)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
