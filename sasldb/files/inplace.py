"""Overwriting in place, where rename cannot serve: hard links, a file bind-mounted by itself, a directory we may not write to.

The file gets its owner and mode first. Then the old and the new file are complete in a journal (`files.journal`) before the first byte is
overwritten.

Errors: WriteFailed, AccessDenied: the old content stands, or the message says what the next command does.
"""

from __future__ import annotations

import errno
import fcntl
import os

from sasldb.errors import AccessDenied, WriteFailed
from sasldb.files.acl import Acl
from sasldb.files.draft import Draft, copy, write_all
from sasldb.files.journal import Journal, place_for
from sasldb.files.ownership import Ownership, give
from sasldb.files.place import Place
from sasldb.files.refusals import close, refusal

_PIECE = 1 << 20


def overwrite(place: Place, target: int, draft: Draft, after: Ownership) -> None:
    """Make the content of `target`, the open and locked file at `place`, that of `draft`, and its owner, group and mode `after`.

    `draft` must be complete and synced.

    Raises:
        WriteFailed: the disk is full or failed. AccessDenied: the file may not be written to.
    """
    if fcntl.fcntl(target, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDWR:
        raise AccessDenied(place.path, "it can only be overwritten in place, and may not be written to")
    status = os.fstat(target)
    before = Ownership.of(status)
    before.acl = None if after.acl is None else Acl.of(target)
    journal = place_for(place.directory, target)
    try:
        try:
            give(target, after)
            if before != after:
                os.fsync(target)  # or after a power failure the new content may be there, and the new mode not
            _keep_both(journal, target, status.st_size, draft, place.name)
        except OSError as error:
            _give_up(journal, target, before)
            raise refusal(place.path, "its journal cannot be written", error) from error
        try:
            pour(draft.fd, target)
        except OSError as error:
            _put_back(place.path, journal, target, before)
            raise refusal(place.path, "cannot be overwritten; it is as it was", error) from error
        _remove(journal)
    finally:
        journal.close()


def _keep_both(journal: Journal, target: int, size: int, draft: Draft, name: str) -> None:
    """Write the journal: when both files are there under their names, they are complete."""
    if journal.complete:
        raise FileExistsError(errno.EEXIST, f"{journal.path(journal.new)} is there already")
    journal.remove()  # halves of an earlier one
    journal.announce()
    old = journal.directory.open_file(journal.old, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        os.fchmod(old, 0o600)
        copy(target, old, size)
        os.fsync(old)
    finally:
        close(old)
    if os.path.samestat(os.fstat(draft.directory.fd), os.fstat(journal.directory.fd)):
        os.fchmod(draft.fd, 0o600)
        os.fchown(draft.fd, os.geteuid(), os.getegid())
        os.fsync(draft.fd)
        draft.rename(journal.new)
    else:
        with Draft(journal.directory, name) as new:
            copy(draft.fd, new.fd, os.fstat(draft.fd).st_size)
            os.fsync(new.fd)
            new.rename(journal.new)
    journal.directory.sync()


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


def _give_up(journal: Journal, target: int, before: Ownership) -> None:
    """Take back what was done before the first byte was overwritten."""
    _remove(journal)
    try:
        give(target, before)
    except OSError:
        pass  # the owner and mode are those that were due; the error that is raised says what failed


def _put_back(path: str, journal: Journal, target: int, before: Ownership) -> None:
    """Bring the old content back after a failure; the journal says so, if this process does not come to it."""
    try:
        journal.ask_for_the_old_one()
        old = journal.open(journal.old)
        try:
            pour(old, target)
        finally:
            close(old)
        give(target, before)
    except OSError as error:
        reason = f"overwriting it failed half-way: {error.strerror}"
        raise WriteFailed(
            path, reason, "check the disk; the next command that changes it puts the old file back"
        ) from error
    _remove(journal)


def _remove(journal: Journal) -> None:
    """Remove a journal that is not needed any more; what stays is removed by the next writer."""
    try:
        journal.remove()
    except OSError:
        pass


def finish(path: str, database: int, journal: Journal) -> None:
    """Complete what a killed writer had begun, or had failed to put back: the caller holds the lock on the open file `database`.

    Raises:
        WriteFailed, AccessDenied: it cannot be done now; the journal stays.
    """
    name = journal.wanted
    try:
        fd = journal.open(name)
        try:
            pour(fd, database)
        finally:
            close(fd)
        journal.remove()
    except OSError as error:
        reason = f"an overwrite that was cut short cannot be finished from {journal.path(name)}"
        raise refusal(path, reason, error) from error
