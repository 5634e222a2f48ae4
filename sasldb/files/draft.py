"""Drafts: the private file in which the next version of a database is made ready.

A draft is born with mode 0600 under an unguessable name beside the database (or in a directory of our own), and is locked
as long as its maker lives; a draft without a lock is litter of a process that was killed, and the next writer removes it.

Errors: OSError stays inside this room; the callers turn it into words with `files.refusals`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from sasldb.files.directory import Directory
from sasldb.files.refusals import close

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[str], None]

_BIRTH_MODE = 0o600
_NAME_MAX = 200  # bytes of the database's name that go into the draft's, well under NAME_MAX (255)
_RANDOM = 8  # bytes in its name
_CHUNK = 1 << 20


class Draft:
    """An open, locked, private file: `name` in `directory`, descriptor `fd`. Use as a context manager: at the end it is gone."""

    __slots__ = ("directory", "fd", "name")

    def __init__(self, directory: Directory, database: str) -> None:
        """Make the draft for the file with the name `database`; the caller handles OSError, and closes `directory` later than the draft."""
        self.directory = directory
        while True:
            name = prefix(database) + os.urandom(_RANDOM).hex()
            try:
                self.fd = directory.open_file(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, _BIRTH_MODE)
            except FileExistsError:
                continue
            self.name = name
            try:
                swept = not _lock(self.fd)
                status = os.fstat(self.fd)
                swept = swept or not status.st_nlink
                if stat.S_IMODE(status.st_mode) != _BIRTH_MODE:
                    os.fchmod(self.fd, _BIRTH_MODE)  # a umask took our own permissions, and libdb opens it again
            except BaseException:
                self.discard()
                raise
            if not swept:
                return
            self.discard()  # before it was locked, another maker of the same file took it for litter

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.discard()

    def refill(self, source: int, status: os.stat_result) -> None:
        """Make the draft's content that of the open file `source`, whose size `status` tells."""
        os.ftruncate(self.fd, 0)
        copy(source, self.fd, status.st_size)

    @property
    def handle(self) -> str:
        """A path for libdb that leads to this very inode, whatever others do to its name; the name where there is no /proc.

        OSError (ENOTSUP) where there is no /proc and others may exchange the name.
        """
        magic = f"/proc/self/fd/{self.fd}"
        if os.path.exists(magic):
            return magic
        if self.directory.open_to_others():
            raise OSError(
                errno.ENOTSUP, "others may write to its directory, and without /proc a draft there is not safe"
            )
        return self.directory.path_of(self.name)

    def is_at(self, name: str) -> bool:
        """Tell whether the entry `name` of the draft's directory leads to this draft."""
        return self.directory.leads_to(name, self.fd)

    def rename(self, name: str) -> None:
        """Give it the name `name`, in the place of what has it; the draft is none any more."""
        self.directory.rename(self.name, name)
        self.name = ""

    def discard(self) -> None:
        """Remove the draft (unless it was renamed) and close it."""
        if self.name:
            try:
                self.directory.unlink(self.name)
            except OSError:
                pass  # nothing can be done about it here; the next writer sweeps it away
            self.name = ""
        if self.fd >= 0:
            close(self.fd)
            self.fd = -1


def prefix(database: str) -> str:
    """Return what the names of all drafts for the file with the name `database` begin with."""
    return f".{os.fsdecode(os.fsencode(database)[:_NAME_MAX])}.sasldb-"


def sweep(directory: Directory, database: str, status: os.stat_result | None = None) -> None:
    """Remove the drafts for the name `database` in `directory` whose makers are dead; never waits, never fails.

    `status` is that of the database, if there is one and the caller holds its lock: a second name of that very inode is what a maker
    left that was killed between the two steps of publishing a new file.
    """
    beginning = prefix(database)
    try:
        names = directory.names()
    except OSError:
        return
    for name in names:
        if name.startswith(beginning) and _is_random(name[len(beginning) :]):
            _remove_if_dead(directory, name, status)


def _is_random(end: str) -> bool:
    """Tell whether `end` is what a draft's name ends in; a database may be called `.db.sasldb-old`."""
    return len(end) == 2 * _RANDOM and not end.strip("0123456789abcdef")


def _remove_if_dead(directory: Directory, name: str, database: os.stat_result | None) -> None:
    try:
        fd = directory.open_file(name, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return
    try:
        status = os.fstat(fd)
        if database is not None and os.path.samestat(status, database):
            directory.unlink(name)
        elif stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and os.geteuid() in (0, status.st_uid):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            directory.unlink(name)
    except OSError:
        pass
    finally:
        close(fd)


def _lock(fd: int) -> bool:
    """Lock the draft `fd`; False when another writer, who takes it for litter, has just locked it to remove it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return False
    return True


def copy(source: int, target: int, size: int) -> None:
    """Copy the first `size` bytes of descriptor `source` to the same place in `target`, in the kernel where it can.

    OSError (EIO) when there are fewer: the file became shorter, or the file system misbehaves.
    """
    done = 0
    while done < size:
        try:
            count = os.copy_file_range(source, target, size - done, done, done)
        except (OSError, AttributeError):
            break
        if count == 0:
            break
        done += count
    while done < size:
        piece = os.pread(source, min(_CHUNK, size - done), done)
        if not piece:
            raise OSError(errno.EIO, f"ends after {done} of {size} bytes")
        write_all(target, piece, done)
        done += len(piece)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`, however often the system takes only a part."""
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, offset)
        view = view[count:]
        offset += count
