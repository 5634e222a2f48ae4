"""Exclusive use of one database file: locked from beginning to end, read, and replaced as a whole (`files.replacing`).

Errors: those of `files.lock` and `files.trust`; EmptyFile; WriteFailed, AccessDenied (nothing was changed); Conflict.
"""

from __future__ import annotations

import os
import time

from sasldb.errors import EmptyFile, NotFound, quoted
from sasldb.files import inplace
from sasldb.files.journal import pending
from sasldb.files.lock import lock
from sasldb.files.ownership import Ownership, Wishes, due, give, told
from sasldb.files.refusals import refusal
from sasldb.files.publishing import publish
from sasldb.files.replacing import Replacement, written_by_others
from sasldb.files.trust import resolve, warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.files.publishing import Make

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
        """Lock `path`, for which `wait` seconds may be waited; with `create` it need not exist, but its directory must.

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
        try:
            begun = pending(self.path, os.path.dirname(self.real), self.fd)
            if begun is not None:
                inplace.finish(self.path, self.fd, begun)
        except OSError as error:
            self.close()
            raise refusal(self.path, "its journal cannot be read", error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the lock back."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    @property
    def size(self) -> int:
        """The file's size in octets; 0 while there is none."""
        status = self._status()
        return 0 if status is None else status.st_size

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
        status = self._status()
        return None if status is None else (status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def recent(self) -> bool:
        """Tell whether the file was written to within the last second: a Cyrus tool may still be at it."""
        status = self._status()
        return status is not None and abs(time.time() - status.st_mtime) < _RECENT

    def recent_by_others(self) -> bool:
        """Tell whether a program other than ours wrote to it within the last second."""
        status = self._status()
        return status is not None and written_by_others(status, _RECENT)

    def _status(self) -> os.stat_result | None:
        try:
            return None if self.fd is None else os.fstat(self.fd)
        except OSError as error:
            raise refusal(self.path, "cannot be looked at", error) from error

    def adjust(self) -> None:
        """Give the file as it is the owner and mode that are due, without another change."""
        status = self._status()
        if self.fd is None or status is None:
            return
        after = due(self.real, status, self.wishes, self.fd)
        self.notes = told(self.path, status, after)
        if after == Ownership.of(status):
            return
        try:
            give(self.fd, after)
        except OSError as error:
            raise refusal(self.path, f"owner and mode cannot be made {after}", error) from error

    def replace(self, make: Make) -> bool:
        """Put the file in place that `make` makes of a copy; it is called with a path to the copy, and again if need be.

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
        raise EmptyFile(path, "zero bytes, not a database", f"to make it one, run: sasldb init -f {quoted(path)}")
    return held
