"""What the operating system refused, in this package's words: OSError -> `DatabaseError`.

Used by every module that touches the disk, so that no OSError leaves this room.
"""

from __future__ import annotations

import errno
import os

from sasldb.errors import AccessDenied, DatabaseError, NotFound, UnsafeFile, WriteFailed

_KINDS: dict[int, type[DatabaseError]] = {
    errno.ENOENT: NotFound,
    errno.EACCES: AccessDenied,
    errno.EPERM: AccessDenied,
    errno.EROFS: AccessDenied,
    errno.ELOOP: UnsafeFile,
    errno.ENOSPC: WriteFailed,
    errno.EDQUOT: WriteFailed,
    errno.EFBIG: WriteFailed,
    errno.EIO: WriteFailed,
}


def refusal(path: str, doing: str, error: OSError) -> DatabaseError:
    """Return (not raise) the error of this package for `error`, met while `doing` something ("cannot open it") to `path`."""
    kind = _KINDS.get(error.errno or 0, DatabaseError)
    return kind(path, f"{doing}: {error.strerror or error}")


def close(fd: int) -> None:
    """Close a descriptor. An error is no matter: what was written to it has been synced, and the descriptor is gone all the same (close(2))."""
    try:
        os.close(fd)
    except OSError:
        pass
