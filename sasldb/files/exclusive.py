"""Exclusive use of one database file, and its replacement as a whole.

The protocol: lock the inode; copy the file to a draft in the same directory; let the caller change the draft; give it owner,
mode and attributes; sync it; look whether the original is still what was copied (the Cyrus tools take no locks; if one wrote
meanwhile, start again from it); rename; sync the directory. At every moment the name leads to the old or to the new file.

Errors: those of `files.lock` and `files.trust`; EmptyFile; WriteFailed, AccessDenied (nothing was changed); Conflict.
"""

from __future__ import annotations

import errno
import os
import time

from sasldb.errors import Conflict, EmptyFile, NotFound, WriteFailed
from sasldb.files import inplace
from sasldb.files.draft import Draft, dress, sweep, sync_directory
from sasldb.files.lock import leads_to, lock
from sasldb.files.ownership import Ownership, Wishes, due, told
from sasldb.files.refusals import refusal
from sasldb.files.trust import resolve, warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[str], None]

_TRIES = 100
_SMALL = 1 << 20  # octets; up to this size "still what was copied" compares contents, above it time stamps
_RECENT = 1.0  # seconds
_TICK = 0.01  # seconds; two writes within one tick of the kernel's clock leave the same time stamp
_NO_LINKS_HERE = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
_NO_RENAME_HERE = (errno.EBUSY, errno.EPERM, errno.EACCES, errno.EXDEV, errno.EROFS)


class Exclusive:
    """One database, locked until `close`.

    Attributes:
        path: as the caller named it. real: without links.
        fd: its descriptor (open for reading at least), or None while there is no such file.
        notes: sentences for the user about owner and mode, after `replace`.
        warnings: sentences about where the file lies.
    """

    __slots__ = ("fd", "notes", "path", "real", "warnings", "wishes")

    def __init__(self, path: str, wishes: Wishes, create: bool, wait: float) -> None:
        """Lock `path`, for which `wait` seconds may be waited; with `create` it need not exist.

        Raises:
            NotFound, AccessDenied, UnsafeFile, Locked: as `files.lock.lock`.
        """
        self.path = path
        self.wishes = wishes
        self.notes: list[str] = []
        self.real = resolve(path)
        self.fd: int | None = None
        try:
            self.lock_again(wait)
        except NotFound:
            if not create or not os.path.isdir(os.path.dirname(self.real)):
                raise
        self.warnings = warnings(self.real)

    def lock_again(self, wait: float) -> None:
        """Lock the file that the name leads to now, and finish what a killed writer may have begun; errors as the constructor's."""
        self.fd = lock(self.path, self.real, wait)
        journal = inplace.pending(os.path.dirname(self.real), self.fd)
        if journal is not None:
            inplace.finish(self.path, self.fd, journal)

    def close(self) -> None:
        """Give the lock back."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    @property
    def size(self) -> int:
        """The file's size in octets; 0 while there is none."""
        return 0 if self.fd is None else os.fstat(self.fd).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` octets at `offset`; AccessDenied or WriteFailed (EIO) when the system refuses."""
        if self.fd is None:
            return b""
        try:
            return os.pread(self.fd, length, offset)
        except OSError as error:
            raise refusal(self.path, "cannot be read", error) from error

    def stamp(self) -> tuple[int, int, int] | None:
        """Return what changes whenever a program writes to the file: size and times; None while there is no file."""
        return None if self.fd is None else _stamp(self.fd)

    def recent(self) -> bool:
        """Tell whether the file was written to within the last second: a Cyrus tool may still be at it."""
        return self.fd is not None and abs(time.time() - os.fstat(self.fd).st_mtime) < _RECENT

    def adjust(self) -> None:
        """Give the file as it is the owner and mode that are due, without another change."""
        if self.fd is None:
            return
        status = os.fstat(self.fd)
        after = due(self.real, status, self.wishes)
        self.notes = told(self.path, status, after)
        if not self.notes:
            return
        try:
            if (status.st_uid, status.st_gid) != (after.uid, after.gid):
                os.fchown(self.fd, after.uid, after.gid)
            os.fchmod(self.fd, after.mode)
        except OSError as error:
            raise refusal(self.path, f"owner and mode cannot be made {after}", error) from error

    def replace(self, make: Make) -> bool:
        """Put the file in place that `make` makes of a copy; it is called with the copy's path, and again if need be.

        A missing file is handed to `make` as one of zero bytes. Returns False, and changes nothing, when the file did not exist
        and another process has made it meanwhile: lock it and try again.

        Raises:
            WriteFailed, AccessDenied: the system refused a step. Conflict: other programs change the file all the time.
            Whatever `make` raises. In each case the old file stands.
        """
        directory, name = os.path.split(self.real)
        if self.fd is None:
            sweep(directory, name)
            return self._publish(make, directory, name)
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
        return True

    def _draft_elsewhere(self, name: str) -> Draft:
        directory = inplace.refuge()
        sweep(directory, name)
        try:
            return Draft(directory, name)
        except OSError as error:
            raise refusal(self.path, f"no file can be made in {directory}", error) from error

    def _publish(self, make: Make, directory: str, name: str) -> bool:
        try:
            draft = Draft(directory, name)
        except OSError as error:
            raise refusal(self.path, "no file can be made in its directory", error) from error
        with draft:
            make(draft.path)
            after = due(self.real, None, self.wishes)
            try:
                dress(draft.fd, after.uid, after.gid, after.mode, None)
                os.fsync(draft.fd)
                self._give_name(draft)
            except FileExistsError:
                return False
            except OSError as error:
                raise refusal(self.path, f"cannot be made as {after}", error) from error
            try:
                sync_directory(directory)
            except OSError as error:
                os.unlink(self.real)
                raise refusal(self.path, "its directory cannot be synced", error) from error
        return True

    def _give_name(self, draft: Draft) -> None:
        """Give a new file its name, unless somebody has taken it (FileExistsError)."""
        try:
            os.link(draft.path, self.real)
        except OSError as error:
            if error.errno not in _NO_LINKS_HERE:
                raise
            os.close(os.open(self.real, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            os.rename(draft.path, self.real)
            draft.keep()

    def _exchange(self, make: Make, draft: Draft, alone: bool) -> None:
        assert self.fd is not None
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
            if not (alone and self._rename(draft)):
                self._overwrite(draft, after)
            self.notes = told(self.path, status, after)
            return
        raise Conflict(
            self.path, "other programs change it faster than it can be copied", "stop them, then run this again"
        )

    def _copy_to(self, draft: Draft) -> tuple[os.stat_result | None, bytes]:
        """Copy the file to the draft; return its status (None when it changed meanwhile) and, of a small one, the content."""
        assert self.fd is not None
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
        assert self.fd is not None
        if _stamp(self.fd) != (status.st_size, status.st_mtime_ns, status.st_ctime_ns):
            return False
        return status.st_size > _SMALL or self.read(0, _SMALL) == content

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
        assert self.fd is not None
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
        assert self.fd is not None
        inplace.overwrite(self.path, self.fd, draft, (after.uid, after.gid, after.mode))


def claim(path: str, wishes: Wishes, *, create: bool, adopt_empty: bool, wait: float) -> Exclusive:
    """Lock `path` for editing (see `Exclusive`).

    Raises:
        EmptyFile: the file has zero bytes and `adopt_empty` is false.
        DatabaseError: as `Exclusive`.
    """
    held = Exclusive(path, wishes, create, wait)
    if held.fd is not None and held.size == 0 and not adopt_empty:
        held.close()
        raise EmptyFile(path, "zero bytes, not a database", f"to make it one, run: sasldb init -f {path}")
    return held


def _stamp(fd: int) -> tuple[int, int, int]:
    status = os.fstat(fd)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
