"""Publishing a new file: it appears under its name only when it is complete.

Errors: WriteFailed, AccessDenied (there is still no such file), UnsafeFile, and whatever the caller's change raises.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time

from sasldb.errors import UnsafeFile
from sasldb.files.draft import Draft, dress, drop_inherited_acl, sweep, sync_directory
from sasldb.files.ownership import Wishes, due
from sasldb.files.refusals import refusal
from sasldb.files.replacing import mark_as_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[str], None]

_NO_LINKS_HERE = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
_CYRUS_MAKES = 2.0  # seconds; an older `__db.NAME` is what a killed Cyrus tool left
_PAUSE = 0.005  # seconds


def publish(path: str, real: str, make: Make, wishes: Wishes) -> bool:
    """Make the file `real`, which does not exist; `make` fills a file of zero bytes, to which it is given a path.

    Returns:
        False, with nothing changed, when another process has made the file meanwhile.

    Raises:
        WriteFailed, AccessDenied: the system refused a step; there is still no such file.
        UnsafeFile: somebody else meddles with the files of the directory.
    """
    directory, name = os.path.split(real)
    sweep(directory, name)
    try:
        draft = Draft(directory, name)
    except OSError as error:
        raise refusal(path, "no file can be made in its directory", error) from error
    with draft:
        make(draft.handle)
        after = due(real, None, wishes)
        try:
            drop_inherited_acl(draft.fd)
            dress(draft.fd, after.uid, after.gid, after.mode, None)
            mark_as_ours(draft.fd)
            os.fsync(draft.fd)
            if not draft.is_at(draft.path):
                raise UnsafeFile(path, f"somebody else renames files in {directory}")
            _give_name(draft, real)
        except FileExistsError:
            return False
        except OSError as error:
            raise refusal(path, f"cannot be made as {after}", error) from error
        try:
            sync_directory(directory)
        except OSError as error:
            os.unlink(real)
            raise refusal(path, "its directory cannot be synced", error) from error
        return _outlasts_cyrus(draft, real)


def _give_name(draft: Draft, real: str) -> None:
    """Give a new file its name, unless somebody has taken it (FileExistsError)."""
    try:
        os.link(draft.path, real)
    except OSError as error:
        if error.errno not in _NO_LINKS_HERE:
            raise
        _take_place(draft, real)


def _take_place(draft: Draft, real: str) -> None:
    """Do the same where there are no hard links: hold the name with an empty file, locked, and rename over it."""
    place = os.open(real, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FileExistsError(errno.EEXIST, "another writer was first") from error
        there = os.fstat(place)
        if there.st_size or not os.path.samestat(os.lstat(real), there):
            raise FileExistsError(errno.EEXIST, "another writer was first")
        os.rename(draft.path, real)
        draft.keep()
    finally:
        os.close(place)


def _outlasts_cyrus(draft: Draft, real: str) -> bool:
    """Wait for a Cyrus tool that is making the same file; tell whether the name still leads to ours afterwards.

    Such a tool looked for the file before ours was there, makes `__db.NAME` and renames it over whatever stands there by then.
    """
    directory, name = os.path.split(real)
    theirs = os.path.join(directory, f"__db.{name}")
    end = time.monotonic() + _CYRUS_MAKES
    while time.monotonic() < end:
        try:
            if abs(time.time() - os.lstat(theirs).st_mtime) > _CYRUS_MAKES:
                break
        except OSError:
            break
        time.sleep(_PAUSE)
    return draft.is_at(real)
