"""Snapshots: the content of a file as it was at one moment, for reading.

Our own writers replace the file, so an open descriptor is a snapshot; the Cyrus tools write into it. A small file is therefore
read at once, a large one copied to a nameless private file, and either is done again when the file changed meanwhile.

Errors: NotFound, AccessDenied, UnsafeFile, EmptyFile, WriteFailed (EIO while reading), Conflict.
"""

from __future__ import annotations

import os

from sasldb.errors import AccessDenied, Conflict, Corrupt, EmptyFile, NotFound, quoted
from sasldb.files.draft import copy
from sasldb.files.journal import pending
from sasldb.files.lock import open_regular
from sasldb.files.place import Place
from sasldb.files.refusals import close, refusal
from sasldb.files.stamps import Stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sasldb.files.deadline import Deadline
    from sasldb.files.journal import Journal

    Inspect = Callable[[Callable[[int, int], bytes], int], object]

_IN_MEMORY = 8 << 20  # bytes
_PAUSE = 0.01  # seconds


class Snapshot:
    """What `path` held when it was made: `read(offset, length)`, `size` in bytes, `stamp` of the file then. Close it after use."""

    __slots__ = ("_content", "_deadline", "_fd", "_inspect", "_place", "path", "size", "stamp")

    def __init__(self, path: str, deadline: Deadline, inspect: Inspect | None = None) -> None:
        """Read or copy the file; the errors are those of this module.

        `inspect` is called with a function that reads from the file and its size before a large one is copied, and may
        refuse it by an exception.
        """
        self.path = path
        self._deadline = deadline
        self._inspect = inspect
        self._content = b""
        self._fd = self.size = -1
        self.stamp: Stamp | None = None
        with Place(path) as self._place:
            try:
                self._take_when_at_rest()
            except OSError as error:
                raise refusal(path, "cannot be read", error) from error
        if self.size < 0:
            raise Conflict(path, "overwritten by other programs all the time", "run this again")
        if self.size == 0:
            raise EmptyFile(path, "zero bytes, not a database", f"to make it one, run: sasldb init -f {quoted(path)}")

    def settles(self) -> bool:
        """Wait a little for a program that may have been writing to the file; False when there was none, or the deadline is over."""
        return self.stamp is not None and self.stamp.recent and self._deadline.pause(_PAUSE)

    def _take_when_at_rest(self) -> None:
        """Look until nobody writes to the file; one that never rests is taken as it is, for the pages are checked one by one."""
        while True:
            try:
                if self._look() or not self._deadline.pause(_PAUSE):
                    return
            except (
                Corrupt,
                AccessDenied,
            ):  # a program is writing, or overwrites the file and lets us not read its journal
                if not self.settles():
                    raise

    def _look(self) -> bool:
        """Take what the file holds now, or what its journal says it is about to hold; False when it changed meanwhile."""
        try:
            fd = open_regular(self._place, deadline=self._deadline)
        except NotFound as error:
            remedy = f"to make it, run: sasldb init -f {quoted(self.path)}"
            raise NotFound(self.path, "no such file", remedy) from error
        try:
            before = self.stamp = Stamp.of(fd)
            begun = pending(self.path, self._place.directory, fd)
            if begun is None:
                self._take(fd, before.size)
                # A writer in place that began before the look has its journal there; one that began later changes the stamp.
                return before == Stamp.of(fd) and before.shows_the_next_write()
        finally:
            close(fd)
        return self._take_from(begun)

    def _take_from(self, journal: Journal) -> bool:
        """Take the content that the database is to have; False when its writer has just finished."""
        try:
            try:
                fd = journal.open(journal.wanted)
            except OSError:
                return False
            try:
                self._take(fd, os.fstat(fd).st_size)
                return True
            finally:
                close(fd)
        finally:
            journal.close()

    def _take(self, fd: int, size: int) -> None:
        self.close()
        self.size = size
        if size <= _IN_MEMORY:
            self._content = os.pread(fd, size, 0)
            return
        if self._inspect is not None:
            self._inspect(lambda offset, length: os.pread(fd, length, offset), size)
        for directory, within in ((".", self._place.directory.fd), ("/var/tmp", None), ("/tmp", None)):
            try:
                self._fd = os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=within)
                copy(fd, self._fd, size)
                return
            except (OSError, AttributeError):
                self.close()  # no such files here, or no room
        self._fd = os.dup(fd)

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes at `offset`; WriteFailed or AccessDenied when the system refuses."""
        if self._fd < 0:
            return self._content[offset : offset + length]
        try:
            return os.pread(self._fd, length, offset)
        except OSError as error:
            raise refusal(self.path, "cannot be read", error) from error

    def close(self) -> None:
        """Forget the content."""
        if self._fd >= 0:
            close(self._fd)
            self._fd = -1
        self._content = b""
