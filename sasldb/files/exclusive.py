"""Exclusive use of one database file: locked from beginning to end, read, and replaced as a whole (`files.replacing`).

Errors: those of `files.lock` and `files.trust`; EmptyFile; WriteFailed, AccessDenied (nothing was changed); Conflict.
"""

from __future__ import annotations

import os
import time

from sasldb.errors import EmptyFile, NotFound
from sasldb.files import inplace
from sasldb.files.lock import lock
from sasldb.files.ownership import Wishes, due, told
from sasldb.files.refusals import refusal
from sasldb.files.replacing import Replacement, publish, stamp
from sasldb.files.trust import resolve, warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.files.replacing import Make

_RECENT = 1.0  # seconds


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
        return None if self.fd is None else stamp(self.fd)

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
        if self.fd is None:
            return publish(self.path, self.real, make, self.wishes)
        replacement = Replacement(self.path, self.real, self.fd, self.wishes)
        replacement.run(make)
        self.notes = replacement.notes
        return True


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
