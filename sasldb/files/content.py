"""A small file as a whole, such as a configuration file: read, put in place, removed.

It is put in place by the same steps as a database: a complete draft beside it, with owner, mode and attributes, synced and renamed. Where
it is mounted by itself (a container), it is overwritten. Links are followed.

Errors: AccessDenied, WriteFailed, UnsafeFile, DatabaseError (whatever else the system says); the old file stands.
"""

from __future__ import annotations

import errno
import os

from sasldb.errors import NotFound
from sasldb.files.draft import Draft, dress, sweep, sync_directory, write_all
from sasldb.files.lock import open_regular
from sasldb.files.ownership import Ownership
from sasldb.files.refusals import refusal

_NO_RENAME_HERE = (errno.EBUSY, errno.EXDEV)


class Present:
    """A file that is there: `content` (bytes) and `ownership`."""

    __slots__ = ("content", "ownership")

    def __init__(self, content: bytes, ownership: Ownership) -> None:
        self.content = content
        self.ownership = ownership


def look(path: str) -> Present | None:
    """Return what is at `path` (text), None where there is nothing; the errors are those of the module."""
    try:
        fd = open_regular(path, os.path.realpath(path))
    except NotFound:
        return None
    try:
        status = os.fstat(fd)
        pieces = []
        while piece := os.read(fd, 1 << 20):
            pieces.append(piece)
        return Present(b"".join(pieces), Ownership.of(status))
    except OSError as error:
        raise refusal(path, "cannot be read", error) from error
    finally:
        os.close(fd)


def put(path: str, content: bytes, ownership: Ownership) -> None:
    """Make the file at `path` hold `content` and have `ownership`; extended attributes of a file that is there are kept."""
    real = os.path.realpath(path)
    directory, name = os.path.split(real)
    sweep(directory, name)
    try:
        with Draft(directory, name) as draft:
            write_all(draft.fd, content, 0)
            _dress(draft, real, ownership)
            os.fsync(draft.fd)
            try:
                os.rename(draft.path, real)
            except OSError as error:
                if error.errno not in _NO_RENAME_HERE:
                    raise
                _overwrite(real, content, ownership)
            else:
                draft.keep()
        sync_directory(directory)
    except OSError as error:
        raise refusal(path, "cannot be written", error) from error


def own(path: str, ownership: Ownership) -> None:
    """Give the file at `path` owner, group and mode; what it holds stays."""
    fd = open_regular(path, os.path.realpath(path))
    try:
        dress(fd, ownership.uid, ownership.gid, ownership.mode, None)
    except OSError as error:
        raise refusal(path, f"owner and mode cannot be made {ownership}", error) from error
    finally:
        os.close(fd)


def remove(path: str) -> None:
    """Remove the file at `path`; that it is not there is no error."""
    try:
        os.unlink(path)
        sync_directory(os.path.dirname(os.path.abspath(path)))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise refusal(path, "cannot be removed", error) from error


def make_directory(path: str) -> None:
    """Make a directory that everybody may enter and only we may write to, in one that exists."""
    try:
        os.mkdir(path, 0o755)
        os.chmod(path, 0o755)
    except OSError as error:
        raise refusal(path, "no directory can be made", error) from error


def _dress(draft: Draft, real: str, ownership: Ownership) -> None:
    try:
        model: int | None = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        model = None
    try:
        dress(draft.fd, ownership.uid, ownership.gid, ownership.mode, model)
    finally:
        if model is not None:
            os.close(model)


def _overwrite(real: str, content: bytes, ownership: Ownership) -> None:
    fd = os.open(real, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        write_all(fd, content, 0)
        os.ftruncate(fd, len(content))
        dress(fd, ownership.uid, ownership.gid, ownership.mode, None)
        os.fsync(fd)
    finally:
        os.close(fd)
