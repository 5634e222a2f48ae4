"""The journal of an overwrite in place: the old and the new file, both complete, before the first byte is overwritten.

A writer that is killed half-way leaves neither the old nor the new file. In the database's directory, or in a private one of the writer's,
are `.sasldb-FILESYSTEM-INODE.GENERATION.old` and `.new`. A command that uses a name in another directory finds them by a signpost
(`files.signposts`). The next writer finishes the work; readers meanwhile read the new file. A third file, `.undo`, says that the
overwrite failed and the old file is wanted.

A journal counts only where nobody else can have put it: in a directory that only its owner may write to, and that owner, who owns the
files too, is root or ourselves. Only an overwrite that is complete, or never began, removes its journal.

Errors: Corrupt (a journal whose database somebody changed since), AccessDenied; OSError stays inside this room.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
import sys

from sasldb.errors import AccessDenied, Corrupt, quoted
from sasldb.files import private_directory, signposts
from sasldb.files.directory import Directory
from sasldb.files.refusals import close

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_STEM = ".sasldb-"
_BLOCK = 512  # bytes; the smallest unit of which a killed overwrite may have written some and not others
_PIECE = 1 << 20
_LONG = struct.calcsize("l")
_GET_GENERATION = 0x80007601 | _LONG << 16  # FS_IOC_GETVERSION of linux/fs.h


class Journal:
    """The files of one database's overwrite: names in `directory` that may or may not exist. Close it after use."""

    __slots__ = ("_owner", "_stem", "directory", "new", "old", "undo")

    def __init__(self, directory: Directory, stem: str) -> None:
        """Name the files that begin with `stem` in `directory`, which it takes over."""
        self.directory = directory
        self._owner = directory.owner
        self._stem = stem
        self.old = stem + ".old"
        self.new = stem + ".new"
        self.undo = stem + ".undo"

    def close(self) -> None:
        """Give the directory's descriptor back."""
        self.directory.close()

    def path(self, name: str) -> str:
        """Return the path of one of the files, for messages and people."""
        return self.directory.path_of(name)

    @property
    def complete(self) -> bool:
        """Whether both files are there; an overwrite begins only then."""
        return self.directory.has(self.new) and self.directory.has(self.old)

    @property
    def wanted(self) -> str:
        """The name of the file whose content the database is to have."""
        return self.old if self.directory.has(self.undo) else self.new

    def announce(self) -> None:
        """Make it found by commands that use a name of the file in another directory; the OSError is that of `signposts.put`."""
        signposts.put(self._stem, self.directory)

    def ask_for_the_old_one(self) -> None:
        """Say that the overwrite failed, and make that last: the database is to have the old content."""
        close(self.directory.open_file(self.undo, os.O_WRONLY | os.O_CREAT))
        self.directory.sync()

    def remove(self) -> None:
        """Remove all files and make that last; the new one first, for without it the overwrite never began."""
        names = [name for name in (self.new, self.undo, self.old) if self.directory.has(name)]
        for name in names:
            self.directory.unlink(name)
            if name == self.new and self.undo in names:
                self.directory.sync()  # without `.undo`, the new file must not come back
        if names:
            self.directory.sync()
        signposts.remove(self._stem)

    def open(self, name: str) -> int:
        """Return a descriptor of one of the files, for reading; OSError when it is not there or is not what the writer put there."""
        fd = self.directory.open_file(name, os.O_RDONLY | os.O_NONBLOCK)
        try:
            status = os.fstat(fd)
            whole = stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and not status.st_mode & 0o022
            if not whole or status.st_uid != self._owner:
                raise PermissionError(errno.EPERM, "not a journal of this database")
        except OSError:
            close(fd)
            raise
        return fd

    def fits(self, database: int) -> bool:
        """Tell whether every block of the open file `database` is that of the old file or that of the new one.

        OSError when one of them cannot be read.
        """
        old = self.open(self.old)
        try:
            new = self.open(self.new)
            try:
                return _is_mixture(database, old, new)
            finally:
                close(new)
        finally:
            close(old)


def pending(path: str, directory: Directory, database: int) -> Journal | None:
    """Return the journal of an overwrite that was begun and never finished on the open file `database`; None when there is none.

    `directory` is the database's, `path` what errors call it.

    Raises:
        Corrupt: there is one, and somebody has written to the file since: only a person can tell which content is wanted.
        AccessDenied: there is one that we may not read.
    """
    for journal in _journals(directory, database):
        counts = False
        try:
            counts = _counts(path, journal, database)
        finally:
            if not counts:
                journal.close()
        if counts:
            return journal
    return None


def clear(directory: Directory, database: int) -> None:
    """Remove what writers of the locked file `database` left that were killed before they began to overwrite it, or after it was complete."""
    needed = False
    for journal in _journals(directory, database):
        try:
            if journal.complete:
                needed = True
            else:
                journal.remove()
        finally:
            journal.close()
    if not needed:
        signposts.remove(_stem(database))


def place_for(directory: Directory, database: int) -> Journal:
    """Return where the journal of the open file `database` is to be: in its directory, or where others may write to that, in a private one.

    Raises:
        AccessDenied: there is no private directory.
    """
    own = directory.again()
    writable = os.access(".", os.W_OK | os.X_OK, dir_fd=own.fd, effective_ids=True)
    if own.owner == os.geteuid() and own.owner_alone_writes() and writable:
        return Journal(own, _stem(database))
    own.close()
    return Journal(private_directory.private_directory(), _stem(database))


def _counts(path: str, journal: Journal, database: int) -> bool:
    """Tell whether `journal` is one of an overwrite that was begun; the errors are those of `pending`."""
    try:
        if not journal.complete:
            return False
        if journal.fits(database):
            return True
    except FileNotFoundError:
        return False  # finished meanwhile
    except PermissionError as error:
        if error.errno == errno.EPERM:
            return False
        owner = f"uid {journal.directory.owner}"
        remedy = f"as {owner}, run any command that changes it"
        raise AccessDenied(path, f"{owner} was overwriting it, and may have been interrupted", remedy) from error
    old, new = journal.path(journal.old), journal.path(journal.new)
    names = [journal.path(name) for name in (journal.new, journal.old, journal.undo) if journal.directory.has(name)]
    raise Corrupt(
        path,
        "overwriting it was cut short, and another program has written to it since",
        remedy=f"copy {quoted(new)} or {quoted(old)} over it, then run: rm {' '.join(map(quoted, names))}",
    )


def _journals(directory: Directory, database: int) -> Iterator[Journal]:
    """Yield every place where a journal of the open file `database` counts; the caller closes them."""
    stem = _stem(database)
    private = private_directory.existing()
    announced = [signposts.follow(stem, place) for place in private]
    places = [directory, *private, *(place for place in announced if place is not None)]
    try:
        while places:
            place = places.pop(0)
            place = place.again() if place is directory else place
            if place.owner in (0, os.geteuid()) and place.owner_alone_writes():
                yield Journal(place, stem)
            else:
                place.close()
    finally:
        for place in places:
            place.close()


def _stem(database: int) -> str:
    """Return what the names of the journal's files begin with: what tells this file from all others, and outlasts a restart.

    A number of the file system that does (statvfs(3)), where it is known; the inode; how often that inode has been used for another file.
    """
    status = os.fstat(database)
    file_system = getattr(os.fstatvfs(database), "f_fsid", 0) or status.st_dev
    return f"{_STEM}{file_system:x}-{status.st_ino:x}.{_generation(database):x}"


def _generation(fd: int) -> int:
    """Return the number that the file system gives an inode each time it is used anew; 0 where it has none."""
    try:
        return int.from_bytes(fcntl.ioctl(fd, _GET_GENERATION, bytes(_LONG))[:4], sys.byteorder)
    except OSError:
        return 0


def _is_mixture(database: int, old: int, new: int) -> bool:
    """Tell whether the file `database` is what an overwrite of `old` with `new` may have left."""
    sizes = os.fstat(old).st_size, os.fstat(new).st_size
    size = os.fstat(database).st_size
    if not min(sizes) <= size <= max(sizes):
        return False
    for at in range(0, size, _PIECE):
        there, before, after = (os.pread(fd, _PIECE, at) for fd in (database, old, new))
        if not _piece_fits(there, before, after, sizes[0] - at):
            return False
    return True


def _piece_fits(there: bytes, old: bytes, new: bytes, fill_from: int) -> bool:
    if there in (old, new):
        return True
    for at in range(0, len(there), _BLOCK):
        block = there[at : at + _BLOCK]
        end = at + len(block)
        if block in (old[at:end], new[at:end]):
            continue
        # A growing file is first filled up with zeros, see `inplace.pour`.
        if end <= fill_from or block.strip(b"\0"):
            return False
    return True
