"""Berkeley DB hash files: changing them, through libdb (package `berkeleydb`).

libdb crashes or spins on some damaged files, so whoever calls this has had the file checked by `formats.hashpages` first, and
works on a private copy. Files are opened without an environment: no lock, log or region files are made. libdb's own
messages come as exceptions, not on stderr.

Errors: Corrupt (libdb finds the file damaged), WriteFailed (disk full, I/O error), FormatUnavailable.
"""

from __future__ import annotations

import errno

from berkeleydb import db

from sasldb.errors import Corrupt, DatabaseError, FormatUnavailable, WriteFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Changes = Mapping[bytes, "bytes | None"]

PAGE_SIZE = 4096  # bytes, of new files: what the Cyrus tools make
_MANY = 1000  # changes; from here on a cache as large as the file pays
_LEAST_CACHE = 1 << 20
_MOST_CACHE = 256 << 20

_DISK = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS))


def apply(draft: str, changes: Changes, size: int, path: str) -> None:
    """Put the records of `changes` into the hash file `draft` (a value of None: remove it; absent is no error), and sync it.

    A file of zero bytes becomes a database. `size` is the file's in bytes; `path` is what errors call it.

    Raises:
        Corrupt, WriteFailed, FormatUnavailable: see the module.
    """
    handle = db.DB()
    try:
        try:
            if len(changes) > _MANY:
                _enlarge_cache(handle, changes, size)
            if size == 0:
                handle.set_pagesize(PAGE_SIZE)
            handle.open(draft, dbtype=db.DB_HASH, flags=0 if size else db.DB_CREATE)
            _change(handle, changes)
        finally:
            handle.close()  # writes and syncs what is still in the cache
    except (db.DBError, OSError, ValueError, MemoryError) as error:
        raise _translate(path, error) from error


def _change(handle: db.DB, changes: Changes) -> None:
    several = handle.get_flags() & (db.DB_DUP | db.DB_DUPSORT)
    for key, value in changes.items():
        if value is None or several:
            try:
                handle.delete(key)
            except db.DBNotFoundError:
                pass
        if value is not None:
            handle.put(key, value)


def _enlarge_cache(handle: db.DB, changes: Changes, size: int) -> None:
    added = sum(len(key) + len(value or b"") + 8 for key, value in changes.items())
    handle.set_cachesize(0, min(_MOST_CACHE, max(_LEAST_CACHE, (size + 2 * added) * 5 // 4)))


def _translate(path: str, error: Exception) -> DatabaseError:
    """Return this package's error for one of libdb's, which never quotes a record."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = str(error.args[1] if len(error.args) > 1 else error).partition(" -- ")[0]  # what follows names the draft
    if number in _DISK:
        return WriteFailed(path, f"libdb cannot write it: {text}")
    if isinstance(error, db.DBOldVersionError):
        return FormatUnavailable(path, "made by an older Berkeley DB", "db_upgrade a copy of it")
    return Corrupt(path, f"libdb: {text}")
