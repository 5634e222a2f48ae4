"""Read a whole file that configuration names: a regular file of limited size, so that neither a pipe nor a device can hold a command up.

Others may write to the directory of such a file, and put a pipe in its place. Errors: OSError, which the caller takes for "cannot be read".
"""

from __future__ import annotations

import errno
import os
import stat

from sasldb import bounds

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def content(path: str) -> bytes:
    """Return what the file at `path` holds (bytes).

    Raises:
        OSError: as the system says; EINVAL for what is no regular file, EFBIG for one that is too large (see `bounds`).
    """
    descriptor = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        return bounds.read_all(descriptor)
    finally:
        os.close(descriptor)


def text(path: str) -> str:
    """Return the same as text; what is no UTF-8 is kept by surrogates. Raises OSError as `content`."""
    return content(path).decode("utf-8", "surrogateescape")
