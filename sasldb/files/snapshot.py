"""Snapshots: the content of a file as it was at one moment, for reading.

Our own writers replace the file, so an open descriptor is a snapshot; the Cyrus tools write into it. A small file is therefore
read at once, a large one copied to a nameless private file, and either is done again when the file changed meanwhile.

Errors: NotFound, AccessDenied, UnsafeFile, EmptyFile, WriteFailed (EIO while reading).
"""

from __future__ import annotations

import os
import time

from sasldb.errors import EmptyFile, NotFound
from sasldb.files import inplace
from sasldb.files.draft import copy
from sasldb.files.lock import open_regular
from sasldb.files.refusals import refusal
from sasldb.files.trust import resolve

_IN_MEMORY = 8 << 20  # octets
_TRIES = 50
_PAUSE = 0.01  # seconds
_RECENT = 1.0  # seconds; a Cyrus tool writes for some milliseconds


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
        self._fd = -1
        try:
            fd = open_regular(path, self.real)
        except NotFound as error:
            raise NotFound(path, "no such file", f"to make it, run: sasldb init -f {path}") from error
        try:
            journal = inplace.pending(os.path.dirname(self.real), fd)
            if journal is not None:
                os.close(fd)
                fd = open_regular(path, journal.new)
            self._take(fd)
        except OSError as error:
            raise refusal(path, "cannot be read", error) from error
        finally:
            os.close(fd)
        if self.size == 0:
            raise EmptyFile(path, "zero bytes, not a database", f"to make it one, run: sasldb init -f {path}")

    def _take(self, fd: int) -> None:
        for _ in range(_TRIES):
            before = os.fstat(fd)
            self.size = before.st_size
            self.recent = abs(time.time() - before.st_mtime) < _RECENT
            if self.size <= _IN_MEMORY:
                self._content = os.pread(fd, self.size, 0)
            else:
                self._copy(fd)
            after = os.fstat(fd)
            if (after.st_size, after.st_mtime_ns) == (self.size, before.st_mtime_ns):
                break
            time.sleep(_PAUSE)
        # A file that never rests is read as it is: the pages are checked one by one all the same.

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
