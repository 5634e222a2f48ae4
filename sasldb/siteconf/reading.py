"""Read a whole file that configuration names: a regular file of limited size, so that neither a pipe nor a device can hold a command up.

Others may write to the directory of such a file, and put a pipe in its place. Errors: OSError, which the caller takes for "cannot be read".
"""

from __future__ import annotations

import errno
import os
import stat

LARGEST = 16 << 20  # bytes; no configuration file, program or library that is read here comes near
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def content(path: str, largest: int = LARGEST) -> bytes:
    """Return what the file at `path` holds (bytes).

    Raises:
        OSError: as the system says; EINVAL for what is no regular file, EFBIG for one of more than `largest` bytes.
    """
    with open(os.open(path, _FLAGS), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        found = file.read(largest + 1)
    if len(found) > largest:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    return found


def text(path: str) -> str:
    """Return the same as text; what is no UTF-8 is kept by surrogates. Raises OSError as `content`."""
    return content(path).decode("utf-8", "surrogateescape")
