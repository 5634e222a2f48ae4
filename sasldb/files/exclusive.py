"""Exclusive use of one database file: locked from beginning to end, read, and replaced as a whole (`files.replacing`).

Errors: those of `files.lock` and `files.place`; EmptyFile; WriteFailed, AccessDenied (nothing was changed); Conflict.
"""

from __future__ import annotations

import os

from sasldb.errors import EmptyFile, NotFound, quoted
from sasldb.files import inplace
from sasldb.files.deadline import Deadline
from sasldb.files.draft import sweep
from sasldb.files.journal import pending
from sasldb.files.lock import lock
from sasldb.files.ownership import Ownership, give, told
from sasldb.files.place import Place
from sasldb.files.publishing import publish
from sasldb.files.refusals import close, refusal
from sasldb.files.replacing import Replacement
from sasldb.files.stamps import Stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.files.draft import Make
    from sasldb.files.ownership import Rule

_PAUSE = 0.02  # seconds between two looks at a file that a Cyrus tool may be writing


class Exclusive:
    """One database, locked until `close`.

    Attributes:
        path: as the caller named it. place: where it is.
        fd: its descriptor (open for reading at least), or None while there is no such file.
        deadline: of every wait for others; what follows the lock is no wait, so the clock then stands still.
        notes: sentences for the user about owner and mode, after `replace`.
        warnings: sentences about where the file is.
    """

    __slots__ = ("deadline", "fd", "notes", "path", "place", "warnings", "rule")

    def __init__(self, path: str, rule: Rule, create: bool, deadline: Deadline) -> None:
        """Lock `path`; with `create` it need not exist, but its directory must.

        Raises:
            NotFound, AccessDenied, UnsafeFile, Locked: as `files.place.Place` and `files.lock.lock`.
        """
        self.path = path
        self.rule = rule
        self.deadline = deadline
        self.notes: list[str] = []
        self.fd: int | None = None
        self.place = Place(path)
        self.warnings = self.place.warnings()
        try:
            self.lock_again()
        except NotFound:
            if not create:
                self.place.close()
                raise
        except BaseException:
            self.place.close()
            raise
        deadline.stop()

    @property
    def real(self) -> str:
        """The path without links."""
        return self.place.real

    def lock_again(self) -> None:
        """Lock the file that the name leads to now, and finish what a killed writer may have begun; errors as the constructor's."""
        self.unlock()
        self.deadline.go_on()
        self.fd = lock(self.place, self.deadline)
        try:
            begun = pending(self.path, self.place.directory, self.fd)
            if begun is not None:
                try:
                    inplace.finish(self.path, self.fd, begun)
                    sweep(self.place.directory, self.place.name)
                finally:
                    begun.close()
        except OSError as error:
            self.unlock()
            raise refusal(self.path, "its journal cannot be read", error) from error
        except BaseException:
            self.unlock()
            raise

    def unlock(self) -> None:
        """Give the lock back."""
        if self.fd is not None:
            close(self.fd)
            self.fd = None

    def close(self) -> None:
        """Give the lock and the place back."""
        self.unlock()
        self.place.close()

    @property
    def size(self) -> int:
        """The file's size in bytes; 0 while there is none."""
        status = self.status()
        return 0 if status is None else status.st_size

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes at `offset`; AccessDenied or WriteFailed (EIO) when the system refuses."""
        if self.fd is None:
            return b""
        try:
            return os.pread(self.fd, length, offset)
        except OSError as error:
            raise refusal(self.path, "cannot be read", error) from error

    def stamp(self) -> Stamp | None:
        """Return what changes whenever a program writes to the file; None while there is no file."""
        status = self.status()
        return None if status is None else Stamp(status)

    def settles(self) -> bool:
        """Wait a little for a program that may be writing to the file; False when there is none, or the deadline is over."""
        stamp = self.stamp()
        return stamp is not None and stamp.recent and self.deadline.pause(_PAUSE)

    def status(self) -> os.stat_result | None:
        """Return the status of the file; None while there is none."""
        try:
            return None if self.fd is None else os.fstat(self.fd)
        except OSError as error:
            raise refusal(self.path, "cannot be looked at", error) from error

    def adjust(self) -> None:
        """Give the file as it is the owner and mode that are due, without another change."""
        status = self.status()
        if self.fd is None or status is None:
            return
        after = self.rule.due(self.real, status, self.fd)
        self.notes = told(self.path, status, after)
        if after == Ownership.of(status):
            return
        try:
            give(self.fd, after)
            os.fsync(self.fd)
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
        self.deadline.go_on()
        if self.fd is None:
            return publish(self.place, make, self.rule, self.deadline)
        replacement = Replacement(self.place, self.fd, self.rule, self.deadline)
        replacement.run(make)
        self.notes = replacement.notes
        return True


def claim(path: str, rule: Rule, *, create: bool, adopt_empty: bool, wait: float) -> Exclusive:
    """Lock `path` for editing (see `Exclusive`); `wait` is the longest time to wait for others, in seconds.

    Raises:
        EmptyFile: the file has zero bytes and `adopt_empty` is false.
        DatabaseError: as `Exclusive`.
    """
    held = Exclusive(path, rule, create, Deadline(wait))
    try:
        if held.fd is not None and held.size == 0 and not adopt_empty:
            raise EmptyFile(path, "zero bytes, not a database", f"to make it one, run: sasldb init -f {quoted(path)}")
    except BaseException:
        held.close()
        raise
    return held
