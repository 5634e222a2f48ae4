"""A note on a file that it is a copy which this program made, and the means to tell that nobody has written to it since.

The note is an extended attribute with the time of the file's last write. Whoever writes to it, in place or by another file, makes the two
differ. Where the file system has no such attributes there is no note, and nothing is known. Source: Linux, xattr(7).

Raises nothing.
"""

from __future__ import annotations

import os

ATTRIBUTE = "user.sasldb.copied"


def note(fd: int, written: int) -> None:
    """Note on the file `fd` that it was a copy when its last write was at `written` (nanoseconds since the epoch), if that can be noted."""
    try:
        os.setxattr(fd, ATTRIBUTE, b"%d" % written)
    except (AttributeError, OSError):
        pass  # not on Linux, or not on this file system


def untouched(fd: int) -> bool:
    """Tell whether the file `fd` has such a note, and has not been written to since."""
    try:
        return os.getxattr(fd, ATTRIBUTE) == b"%d" % os.fstat(fd).st_mtime_ns
    except (AttributeError, OSError):
        return False
