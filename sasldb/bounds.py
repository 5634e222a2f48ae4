"""How much is read of an input that is kept in memory as a whole: a state, a batch, a configuration.

What is named as one may be a device or a pipe that never ends. Errors: `OSError` (EFBIG) with a sentence for the user, beside those of
reading; the caller turns it into an error of its own.
"""

from __future__ import annotations

import os
from errno import EFBIG

LARGEST = 64 << 20  # bytes; a state of a million users has about as many
TOO_LARGE = "larger than 64 MiB, the most that is read"
_PIECE = 1 << 16  # bytes


def read_all(descriptor: int) -> bytes:
    """Return all that `descriptor` gives to its end.

    Raises:
        OSError: it gives more than LARGEST bytes, or cannot be read.
    """
    content = bytearray()
    while piece := os.read(descriptor, _PIECE):
        content += piece
        if len(content) > LARGEST:
            raise OSError(EFBIG, TOO_LARGE)
    return bytes(content)


def read_file(path: str) -> bytes:
    """Return the content of the file `path`. Raises `OSError`: see `read_all`, and those of opening it."""
    with open(path, "rb", buffering=0) as file:
        return read_all(file.fileno())
