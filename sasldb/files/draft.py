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

_BIRTH_MODE = 0o600
_NAME_MAX = 200  # octets of the database's name that go into the draft's, well under NAME_MAX (255)
_CHUNK = 1 << 20
_ACL = "system.posix_acl_access"
_ATTRIBUTES_OF_CONTENT = frozenset({"security.ima", "security.evm"})  # signatures: they hold for the old content alone


class Draft:
    """An open, locked, private file. Attributes: `path`, `fd`. Use as a context manager: at the end it is gone."""

    __slots__ = ("fd", "path")

    def __init__(self, directory: str, name: str) -> None:
        """Make the draft for the database `name` in `directory`; the caller handles OSError."""
        while True:
            path = os.path.join(directory, prefix(name) + os.urandom(8).hex())
            try:
                self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, _BIRTH_MODE)
            except FileExistsError:
                continue
            self.path = path
            try:
                fcntl.flock(self.fd, fcntl.LOCK_EX)
                status = os.fstat(self.fd)
                swept = not status.st_nlink
                if stat.S_IMODE(status.st_mode) != _BIRTH_MODE:
                    os.fchmod(self.fd, _BIRTH_MODE)  # a umask took our own permissions, and libdb opens it again
            except BaseException:
                self.discard()
                raise
            if not swept:
                return
            os.close(self.fd)  # before it was locked, another maker of the same file took it for litter

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.discard()

    def refill(self, source: int, status: os.stat_result) -> None:
        """Make the draft's content that of the descriptor `source`, whose size `status` tells."""
        os.ftruncate(self.fd, 0)
        copy(source, self.fd, status.st_size)

    @property
    def handle(self) -> str:
        """A path for libdb that leads to this very inode, whatever others do to its name; the name where there is no /proc."""
        magic = f"/proc/self/fd/{self.fd}"
        return magic if os.path.exists(magic) else self.path

    def is_at(self, path: str) -> bool:
        """Tell whether the name `path` leads to this draft."""
        try:
            return os.path.samestat(os.lstat(path), os.fstat(self.fd))
        except OSError:
            return False

    def keep(self) -> None:
        """Forget the name: the file has been given another."""
        self.path = ""

    def discard(self) -> None:
        """Remove the draft (unless it was renamed) and close it."""
        if self.path:
            try:
                os.unlink(self.path)
            except OSError:
                pass  # nothing can be done about it here; the next writer sweeps it away
            self.path = ""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def prefix(name: str) -> str:
    """Return what the names of all drafts for the database `name` begin with."""
    return f".{os.fsdecode(os.fsencode(name)[:_NAME_MAX])}.sasldb-"


def sweep(directory: str, name: str, database: os.stat_result | None = None) -> None:
    """Remove the drafts for `name` in `directory` whose makers are dead; never waits, never fails.

    `database` is the status of the database, if there is one and the caller holds its lock: a second name of that very
    inode is what a maker left that was killed between the two steps of publishing a new file.
    """
    beginning = prefix(name)
    try:
        litter = [entry for entry in os.listdir(directory) if entry.startswith(beginning)]
    except OSError:
        return
    for entry in litter:
        _remove_if_dead(os.path.join(directory, entry), database)


def _remove_if_dead(path: str, database: os.stat_result | None) -> None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        status = os.fstat(fd)
        if database is not None and os.path.samestat(status, database):
            os.unlink(path)
        elif stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_nlink == 1:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
    except OSError:
        pass
    finally:
        os.close(fd)


def copy(source: int, target: int, size: int) -> None:
    """Copy the first `size` octets of descriptor `source` to the same place in `target`, in the kernel where it can.

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
            raise OSError(errno.EIO, f"ends after {done} of {size} octets")
        write_all(target, piece, done)
        done += len(piece)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`, however often the system takes only a part."""
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, offset)
        view = view[count:]
        offset += count


def drop_inherited_acl(fd: int) -> None:
    """Take the access control list away that a new file got from its directory: it would let in whom the mode hides."""
    try:
        if _ACL in os.listxattr(fd):
            os.removexattr(fd, _ACL)
    except (OSError, AttributeError):
        pass  # a file system or system without them


def dress(fd: int, uid: int, gid: int, mode: int, model: int | None) -> None:
    """Give descriptor `fd` owner, group and mode, and the extended attributes (ACL, SELinux) of descriptor `model`."""
    status = os.fstat(fd)
    if (status.st_uid, status.st_gid) != (uid, gid):
        os.fchown(fd, uid, gid)
    if model is not None:
        _copy_attributes(model, fd)
    os.fchmod(fd, mode)  # after the ACL: its group entry becomes the mask


def _copy_attributes(model: int, fd: int) -> None:
    try:
        names = os.listxattr(model)
    except (OSError, AttributeError):
        return  # a file system or system without extended attributes
    if _ACL not in names:
        drop_inherited_acl(fd)
    for name in names:
        if name in _ATTRIBUTES_OF_CONTENT:
            continue
        value = os.getxattr(model, name)
        try:
            if os.getxattr(fd, name) == value:
                continue
        except OSError:
            pass
        os.setxattr(fd, name, value)


def sync_directory(directory: str) -> None:
    """Make a rename or a new name in `directory` last through a power failure, where the file system can."""
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        return  # one that may be written to and not read: it cannot be synced by us
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)
