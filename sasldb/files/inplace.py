"""Overwriting in place, where rename cannot serve: hard links, a file bind-mounted by itself, a directory we may not write to.

The old and the new file lie complete in a journal (`files.journal`) before the first octet is overwritten.

Errors: WriteFailed, AccessDenied: the old content stands, or the message names where it lies.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from sasldb.errors import AccessDenied, WriteFailed
from sasldb.files.draft import Draft, copy, sync_directory, write_all
from sasldb.files.journal import Journal, leave
from sasldb.files.refusals import refusal

_PIECE = 1 << 20


def overwrite(path: str, target: int, draft: Draft, after: tuple[int, int, int]) -> None:
    """Make the content of descriptor `target` that of `draft`, and its owner, group and mode those of `after`.

    `draft` must be complete and synced; its name is taken over by the journal.

    Raises:
        WriteFailed: the disk is full or failed. AccessDenied: the file may not be written to.
    """
    status = os.fstat(target)
    journal = Journal(os.path.dirname(draft.path), status)
    if fcntl.fcntl(target, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDWR:
        raise AccessDenied(path, "it can only be overwritten in place, and may not be written to")
    try:
        os.fchmod(draft.fd, 0o600)
        os.fchown(draft.fd, os.geteuid(), os.getegid())
        _write_old(journal, target, status.st_size)
        os.rename(draft.path, journal.new)
        draft.keep()
        if not draft.is_at(journal.new):
            raise PermissionError(errno.EPERM, f"somebody else puts files into {journal.directory}")
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
    leave(journal.directory)


def _write_old(journal: Journal, target: int, size: int) -> None:
    journal.remove()  # halves of an earlier one
    fd = os.open(journal.old, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(fd, 0o600)
        copy(target, fd, size)
        os.fsync(fd)
    finally:
        os.close(fd)


def pour(source: int, target: int) -> None:
    """Make the content of `target` that of `source` and sync it; room for growth is reserved before anything is changed."""
    size = os.fstat(source).st_size
    present = os.fstat(target).st_size
    if size > present:
        _reserve(target, present, size)
    copy(source, target, size)
    os.ftruncate(target, size)
    os.fsync(target)


def _reserve(fd: int, present: int, size: int) -> None:
    try:
        os.posix_fallocate(fd, present, size - present)
        return
    except AttributeError:
        pass  # a system without it
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            raise
    for at in range(present, size, _PIECE):
        write_all(fd, bytes(min(_PIECE, size - at)), at)


def _put_back(path: str, journal: Journal, target: int, status: os.stat_result) -> None:
    try:
        fd = journal.open(journal.old)
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


def finish(path: str, database: int, journal: Journal) -> None:
    """Do again what a killed writer had begun: the caller holds the lock on `database`.

    Raises:
        WriteFailed, AccessDenied: it cannot be done now; the journal stays.
    """
    try:
        fd = journal.open(journal.new)
        try:
            pour(fd, database)
        finally:
            os.close(fd)
    except OSError as error:
        raise refusal(path, f"an overwrite that was cut short cannot be finished from {journal.new}", error) from error
    journal.remove()
