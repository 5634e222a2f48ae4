"""Snapshots: the content of a file as it was at one moment, for reading.

Our own writers replace the file, so an open descriptor is a snapshot; the Cyrus tools write into it. A small file is therefore
read at once, a large one copied to a nameless private file, and either is done again when the file changed meanwhile.

Errors: NotFound, AccessDenied, UnsafeFile, EmptyFile, WriteFailed (EIO while reading), Conflict.
"""

from __future__ import annotations

import os
import time

from sasldb.errors import Conflict, EmptyFile, NotFound, quoted
from sasldb.files.draft import copy
from sasldb.files.journal import pending
from sasldb.files.lock import open_regular
from sasldb.files.refusals import refusal
from sasldb.files.trust import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Inspect = Callable[[Callable[[int, int], bytes], int], object]

_IN_MEMORY = 8 << 20  # octets
_TRIES = 50
_PAUSE = 0.01  # seconds
_RECENT = 1.0  # seconds; a Cyrus tool writes for some milliseconds
_TICK = 0.01  # seconds; within one tick of the kernel's clock a second write does not show in the time stamp


class Snapshot:
    """What `path` held when it was made: `read(offset, length)`, `size` in octets. Close it after use."""

    __slots__ = ("_content", "_fd", "_inspect", "path", "real", "size")

    def __init__(self, path: str, inspect: Inspect | None = None) -> None:
        """Read or copy the file; the errors are those of this module.

        `inspect` is called with a function that reads from the file and its size before a large one is copied, and may
        refuse it by an exception.
        """
        self.path = path
        self.real = resolve(path)
        self._inspect = inspect
        self._fd = self.size = -1
        try:
            for _ in range(_TRIES):
                if self._look():
                    break
                time.sleep(_PAUSE)
            # A file that never rests is read as it is: the pages are checked one by one all the same.
        except OSError as error:
            raise refusal(path, "cannot be read", error) from error
        if self.size < 0:
            raise Conflict(path, "overwritten by other programs all the time", "run this again")
        if self.size == 0:
            raise EmptyFile(path, "zero bytes, not a database", f"to make it one, run: sasldb init -f {quoted(path)}")

    def _look(self) -> bool:
        """Take what the file holds now, or what its journal says it is about to hold; False when it changed meanwhile."""
        try:
            fd = open_regular(self.path, self.real)
        except NotFound as error:
            remedy = f"to make it, run: sasldb init -f {quoted(self.path)}"
            raise NotFound(self.path, "no such file", remedy) from error
        directory = os.path.dirname(self.real)
        try:
            before = os.fstat(fd)
            begun = pending(self.path, directory, fd)
            if begun is None:
                self._take(fd, before.st_size)
                # A writer in place shows in its journal or, once that is gone, in the time of the last change.
                return pending(self.path, directory, fd) is None and _rested(before, os.fstat(fd))
        finally:
            os.close(fd)
        try:
            fd = begun.open(begun.new)
        except OSError:
            return False  # its writer has just finished
        try:
            self._take(fd, os.fstat(fd).st_size)
            return True
        finally:
            os.close(fd)

    def _take(self, fd: int, size: int) -> None:
        self.close()
        self.size = size
        if size <= _IN_MEMORY:
            self._content = os.pread(fd, size, 0)
            return
        if self._inspect is not None:
            self._inspect(lambda offset, length: os.pread(fd, length, offset), size)
        for directory in (os.path.dirname(self.real), "/var/tmp", "/tmp"):
            try:
                self._fd = os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
                copy(fd, self._fd, size)
                return
            except (OSError, AttributeError):
                self.close()  # no such files here, or no room
        self._fd = os.dup(fd)

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` octets at `offset`; WriteFailed or AccessDenied when the system refuses."""
        if self._fd < 0:
            return self._content[offset : offset + length]
        try:
            return os.pread(self._fd, length, offset)
        except OSError as error:
            raise refusal(self.path, "cannot be read", error) from error

    def close(self) -> None:
        """Forget the content."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._content = b""


def written_lately(path: str) -> bool:
    """Tell whether the file was written to within the last second: a damaged look may be that of a program still writing."""
    try:
        return abs(time.time() - os.stat(path).st_mtime) < _RECENT
    except OSError:
        return False


def _rested(before: os.stat_result, after: os.stat_result) -> bool:
    """Tell whether nobody wrote to the file between the two looks, and long enough before the first that it would show."""
    age = time.time() - before.st_mtime
    same = (before.st_size, before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )
    return same and (age > _TICK or before.st_mtime_ns != before.st_ctime_ns)
