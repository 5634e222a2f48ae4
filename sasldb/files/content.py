"""A small file as a whole, such as a configuration file: read, put in place, removed.

It is put in place by the same steps as a database: a complete draft beside it, with owner, mode and attributes, synced and renamed. Where
it is mounted by itself (a container), it is overwritten. Links are followed.

Errors: AccessDenied, WriteFailed, UnsafeFile, DatabaseError (whatever else the system says); the old file stands.
"""

from __future__ import annotations

import errno
import os

from sasldb import bounds
from sasldb.errors import NotFound
from sasldb.files.attributes import set_metadata
from sasldb.files.directory import Directory
from sasldb.files.draft import Draft, sweep, write_all
from sasldb.files.lock import open_regular
from sasldb.files.ownership import Ownership, give
from sasldb.files.place import Place
from sasldb.files.refusals import close, refusal

_NO_RENAME_HERE = (errno.EBUSY, errno.EXDEV)
_INSIDE = ".sasldb-any"  # any name: the directory of a path is what a name in it leads to


class Present:
    """A file that is there: `content` (bytes) and `ownership`."""

    __slots__ = ("content", "ownership")

    def __init__(self, content: bytes, ownership: Ownership) -> None:
        self.content = content
        self.ownership = ownership


def look(path: str) -> Present | None:
    """Return what is at `path` (text), None where there is nothing; the errors are those of the module."""
    try:
        with Place(path) as place:
            fd = open_regular(place)
    except NotFound:
        return None
    try:
        status = os.fstat(fd)
        return Present(bounds.read_all(fd), Ownership.of(status))
    except OSError as error:
        raise refusal(path, "cannot be read", error) from error
    finally:
        close(fd)


def put(path: str, content: bytes, ownership: Ownership) -> None:
    """Make the file at `path` hold `content` and have `ownership`; extended attributes of a file that is there are kept."""
    with Place(path) as place:
        sweep(place.directory, place.name)
        try:
            with Draft(place.directory, place.name) as draft:
                write_all(draft.fd, content, 0)
                _set_metadata(draft, place, ownership)
                os.fsync(draft.fd)
                try:
                    draft.rename(place.name)
                except OSError as error:
                    if error.errno not in _NO_RENAME_HERE:
                        raise
                    _overwrite(place, content, ownership)
            place.directory.sync()
        except OSError as error:
            raise refusal(path, "cannot be written", error) from error


def own(path: str, ownership: Ownership) -> None:
    """Give the file at `path` owner, group and mode; what it holds stays."""
    with Place(path) as place:
        fd = open_regular(place)
    try:
        give(fd, ownership)
    except OSError as error:
        raise refusal(path, f"owner and mode cannot be made {ownership}", error) from error
    finally:
        close(fd)


def remove(path: str) -> None:
    """Remove the file at `path`, or the link; that it is not there is no error."""
    directory, name = os.path.split(path)
    try:
        with Place(os.path.join(directory, _INSIDE)) as place:
            place.directory.unlink(name)
            place.directory.sync()
    except (FileNotFoundError, NotFound):
        pass
    except OSError as error:
        raise refusal(path, "cannot be removed", error) from error


def make_directory(path: str) -> None:
    """Make a directory that everybody may enter and only we may write to, in one that exists."""
    try:
        with Place(path) as place:
            os.mkdir(place.name, 0o755, dir_fd=place.directory.fd)
            made = Directory.open(place.name, place.directory.fd)
            try:
                os.fchmod(made.fd, 0o755)
            finally:
                made.close()
    except OSError as error:
        raise refusal(path, "no directory can be made", error) from error


def _set_metadata(draft: Draft, place: Place, ownership: Ownership) -> None:
    try:
        model: int | None = place.directory.open_file(place.name, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        model = None
    try:
        set_metadata(draft.fd, ownership.uid, ownership.gid, ownership.mode, model)
    finally:
        if model is not None:
            close(model)


def _overwrite(place: Place, content: bytes, ownership: Ownership) -> None:
    fd = place.directory.open_file(place.name, os.O_WRONLY)
    try:
        give(fd, ownership)
        write_all(fd, content, 0)
        os.ftruncate(fd, len(content))
        os.fsync(fd)
    finally:
        close(fd)
