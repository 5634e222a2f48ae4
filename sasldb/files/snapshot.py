"""Snapshots: the content of a file as it was at one moment, for reading.

Our own writers replace the file, so an open descriptor is a snapshot; the Cyrus tools write into it. A small file is therefore
read at once, a large one copied to a nameless private file, and either is done again when the file changed meanwhile.

Errors: NotFound, AccessDenied, UnsafeFile, EmptyFile, WriteFailed (EIO while reading), Conflict.
"""

from __future__ import annotations

import os
import time

from sasldb.errors import Conflict, EmptyFile, NotFound
from sasldb.files import inplace
from sasldb.files.draft import copy
from sasldb.files.lock import open_regular
from sasldb.files.refusals import refusal
from sasldb.files.trust import resolve

_IN_MEMORY = 8 << 20  # octets
_TRIES = 50
_PAUSE = 0.01  # seconds
_RECENT = 1.0  # seconds; a Cyrus tool writes for some milliseconds
_TICK = 0.01  # seconds; within one tick of the kernel's clock a second write does not show in the time stamp


class Snapshot:
    """What `path` held when it was made: `read(offset, length)`, `size` in octets. Close it after use.

    `recent` tells whether the file had been written to within the last second: then a damaged look may be that of a program
    still writing, and a second look is worth its time.
    """

    __slots__ = ("_content", "_fd", "path", "real", "recent", "size")

    def __init__(self, path: str) -> None:
        """Read or copy the file; the errors are those of this module."""
        self.path = path
        self.real = resolve(path)
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
            raise EmptyFile(path, "zero bytes, not a database", f"to make it one, run: sasldb init -f {path}")

    def _look(self) -> bool:
        """Take what the file holds now, or what its journal says it is about to hold; False when it changed meanwhile."""
        try:
            fd = open_regular(self.path, self.real)
        except NotFound as error:
            raise NotFound(self.path, "no such file", f"to make it, run: sasldb init -f {self.path}") from error
        directory = os.path.dirname(self.real)
        try:
            journal = inplace.pending(directory, fd)
            if journal is None:
                return self._take(fd) and inplace.pending(directory, fd) is None
        finally:
            os.close(fd)
        try:
            fd = inplace.open_new(journal)
        except FileNotFoundError:
            return False  # its writer has just finished
        try:
            return self._take(fd)
        finally:
            os.close(fd)

    def _take(self, fd: int) -> bool:
        before = os.fstat(fd)
        age = abs(time.time() - before.st_mtime)
        self.size = before.st_size
        self.recent = age < _RECENT
        if self.size <= _IN_MEMORY:
            self._content = os.pread(fd, self.size, 0)
            rested = age > _TICK or os.pread(fd, self.size, 0) == self._content
        else:
            self._copy(fd)
            rested = age > _TICK
        after = os.fstat(fd)
        return rested and (after.st_size, after.st_mtime_ns) == (self.size, before.st_mtime_ns)

    def _copy(self, fd: int) -> None:
        self.close()
        for directory in (os.path.dirname(self.real), "/var/tmp", "/tmp"):
            try:
                self._fd = os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
                copy(fd, self._fd, self.size)
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
