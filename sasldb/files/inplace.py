"""Overwriting in place, where rename cannot serve: hard links, a file bind-mounted by itself, a directory we may not write to.

A writer that is killed half-way would leave neither the old nor the new file. So both lie complete in a journal before the
first octet is overwritten: `.sasldb-DEVICE-INODE.old` and `.new`, beside the database or in a private directory of ours. Who
opens the file next and finds a journal finishes the work (writers) or reads the new file instead (readers).

Errors: WriteFailed, AccessDenied, Corrupt (a journal that no longer fits the file).
"""

from __future__ import annotations

import errno
import os
import stat

from sasldb.errors import AccessDenied, WriteFailed
from sasldb.files.draft import Draft, copy, sync_directory
from sasldb.files.refusals import refusal

_BLOCK = 512  # octets; the smallest unit of which a killed overwrite may have written some and not others
_PIECE = 1 << 20
_REFUGES = ("/var/tmp", "/tmp")  # the first survives a restart of the machine


def refuge() -> str:
    """Return a directory that only we can enter, made if need be.

    Raises:
        AccessDenied: there is none and none can be made, or somebody else sits on its name.
    """
    name = f"sasldb-{os.geteuid()}"
    for parent in _REFUGES:
        directory = os.path.join(parent, name)
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            pass
        except OSError:
            continue
        if _is_private(directory):
            return directory
    raise AccessDenied(os.path.join(_REFUGES[0], name), "no private directory for the journal can be made here")


def _is_private(directory: str) -> bool:
    try:
        status = os.lstat(directory)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


class Journal:
    """The two files of one database's overwrite: `old` and `new` are paths that may or may not exist."""

    __slots__ = ("directory", "new", "old")

    def __init__(self, directory: str, database: os.stat_result) -> None:
        self.directory = directory
        stem = os.path.join(directory, f".sasldb-{database.st_dev:x}-{database.st_ino:x}")
        self.old = stem + ".old"
        self.new = stem + ".new"

    def remove(self) -> None:
        """Remove both; the new one first, for without it nobody rolls forward."""
        for path in (self.new, self.old):
            try:
                os.unlink(path)
            except OSError:
                pass


def overwrite(path: str, target: int, draft: Draft, after: tuple[int, int, int]) -> None:
    """Make the content of descriptor `target` that of `draft`, and its owner, group and mode those of `after`.

    `draft` must be complete and synced; its name is taken over by the journal.

    Raises:
        WriteFailed: the disk is full or failed. The old content has been put back, or the message names where it lies.
        AccessDenied: the file may not be written to.
    """
    status = os.fstat(target)
    journal = Journal(os.path.dirname(draft.path), status)
    _demand_writable(path, target)
    try:
        _write_old(journal, target, status.st_size)
        os.rename(draft.path, journal.new)
        draft.keep()
        sync_directory(journal.directory)
    except OSError as error:
        journal.remove()
        raise refusal(path, "its journal cannot be written", error) from error
    try:
        pour(draft.fd, target)
        if (status.st_uid, status.st_gid) != after[:2]:
            os.fchown(target, after[0], after[1])
        if stat.S_IMODE(status.st_mode) != after[2]:
            os.fchmod(target, after[2])
    except OSError as error:
        _put_back(path, journal, target, status)
        raise refusal(path, "cannot be overwritten; it is as it was", error) from error
    journal.remove()


def _demand_writable(path: str, target: int) -> None:
    """Make sure, before anything is begun, that `target` may be written through; AccessDenied where it may not."""
    import fcntl

    if fcntl.fcntl(target, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDWR:
        raise AccessDenied(path, "it can only be overwritten in place, and may not be written to")


def _write_old(journal: Journal, target: int, size: int) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(journal.old, flags, 0o600)
    try:
        copy(target, fd, size)
        os.fsync(fd)
    finally:
        os.close(fd)


def pour(source: int, target: int) -> None:
    """Make the content of `target` that of `source` and sync it; room for growth is reserved before anything is changed."""
    size = os.fstat(source).st_size
    present = os.fstat(target).st_size
    if size > present and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(target, present, size - present)
    copy(source, target, size)
    os.ftruncate(target, size)
    os.fsync(target)


def _put_back(path: str, journal: Journal, target: int, status: os.stat_result) -> None:
    try:
        fd = os.open(journal.old, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            pour(fd, target)
        finally:
            os.close(fd)
        os.fchown(target, status.st_uid, status.st_gid)
        os.fchmod(target, stat.S_IMODE(status.st_mode))
    except OSError as error:
        os.unlink(journal.new)
        raise WriteFailed(
            path,
            f"overwriting it failed half-way: {error.strerror}",
            f"the old file lies in {journal.old}: copy it back",
        ) from error
    journal.remove()


def pending(directory: str, database: int) -> Journal | None:
    """Return the journal of an overwrite that was begun and never finished on descriptor `database`; None when there is none.

    A journal of which others may be the author, or that no longer fits the file (somebody wrote to it since), is none.
    """
    status = os.fstat(database)
    for journal in _journals(directory, status):
        if os.path.lexists(journal.new) and _fits(journal, database):
            return journal
    return None


def clear(directory: str, database: os.stat_result) -> None:
    """Remove what killed writers left of journals: the caller holds the lock on `database`, and has found it whole."""
    for journal in _journals(directory, database):
        journal.remove()


def _journals(directory: str, database: os.stat_result) -> list[Journal]:
    """Return every place where a journal of this file may lie."""
    refuges = [os.path.join(parent, f"sasldb-{os.geteuid()}") for parent in _REFUGES]
    return [Journal(place, database) for place in (directory, *refuges)]


def finish(path: str, database: int, journal: Journal) -> None:
    """Do again what the killed writer had begun: the caller holds the lock on `database`.

    Raises:
        WriteFailed, AccessDenied: it cannot be done now; the journal stays.
    """
    try:
        fd = _open_own(journal.new)
        try:
            pour(fd, database)
        finally:
            os.close(fd)
    except OSError as error:
        raise refusal(path, f"an overwrite that was cut short cannot be finished from {journal.new}", error) from error
    journal.remove()


def open_new(journal: Journal) -> int:
    """Return a descriptor of the new file, for reading; OSError when it has gone (its writer finished) or is not ours."""
    return _open_own(journal.new)


def _open_own(path: str) -> int:
    """Open a journal file for reading; PermissionError when anybody but root or us may have made it."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
        os.close(fd)
        raise PermissionError(errno.EPERM, "not a journal of ours")
    return fd


def _fits(journal: Journal, database: int) -> bool:
    """Tell whether every block of the database is that of the old file or that of the new one."""
    try:
        old = _open_own(journal.old)
    except OSError:
        return False
    try:
        new = _open_own(journal.new)
    except OSError:
        os.close(old)
        return False
    try:
        size = max(os.fstat(fd).st_size for fd in (old, new, database))
        pieces = range(0, size, _PIECE)
        return all(_piece_fits(*(os.pread(fd, _PIECE, at) for fd in (database, old, new))) for at in pieces)
    finally:
        os.close(old)
        os.close(new)


def _piece_fits(there: bytes, old: bytes, new: bytes) -> bool:
    if there in (old, new):
        return True
    for at in range(0, len(there), _BLOCK):
        block = there[at : at + _BLOCK]
        # A growing file is first filled up with zeros, see `pour`.
        if block not in (old[at : at + _BLOCK], new[at : at + _BLOCK]) and block.strip(b"\0"):
            return False
    return True
