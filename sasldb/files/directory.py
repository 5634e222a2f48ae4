"""An open directory: what is in it is named relative to its descriptor, whatever happens to the names above it meanwhile.

Source: open(2), openat; path_resolution(7).

Errors: OSError stays inside this room.
"""

from __future__ import annotations

import errno
import os
import stat

from sasldb.files.acl import ATTRIBUTE
from sasldb.files.refusals import close

LOOK = os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)  # opens what one may neither read nor write
_FOLDER = os.O_CLOEXEC | os.O_DIRECTORY | os.O_RDONLY


class Directory:
    """The directory that descriptor `fd` has open; `path` is what messages call it (text, without links). Close it after use."""

    __slots__ = ("_itself", "fd", "path")

    def __init__(self, fd: int, path: str, itself: os.stat_result | None = None) -> None:
        """Take over `fd`, which `close` closes; `itself` is its status, if that is known already."""
        self.fd = fd
        self.path = path
        self._itself = itself

    @property
    def itself(self) -> os.stat_result:
        """The status of the directory, as it was at the first look."""
        if self._itself is None:
            self._itself = os.fstat(self.fd)
        return self._itself

    def again(self) -> Directory:
        """Return the same directory with a descriptor of its own."""
        return Directory(os.dup(self.fd), self.path, self._itself)

    @classmethod
    def open(cls, path: str, within: int | None = None) -> Directory:
        """Open the directory `path` (no link in its last component), relative to the descriptor `within`."""
        return cls(os.open(path, _FOLDER | os.O_NOFOLLOW, dir_fd=within), path)

    def close(self) -> None:
        """Give the descriptor back."""
        if self.fd >= 0:
            close(self.fd)
            self.fd = -1

    def path_of(self, name: str) -> str:
        """Return the path of the entry `name`, for messages."""
        return os.path.join(self.path, name)

    def open_file(self, name: str, flags: int, mode: int = 0o600) -> int:
        """Open the entry `name`, never through a link."""
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=self.fd)

    def status(self, name: str) -> os.stat_result:
        """Return the status of the entry `name` itself, which may be a link."""
        return os.stat(name, dir_fd=self.fd, follow_symlinks=False)

    def has(self, name: str) -> bool:
        """Tell whether there is an entry `name`; OSError when that cannot be told."""
        try:
            self.status(name)
        except FileNotFoundError:
            return False
        return True

    def leads_to(self, name: str, fd: int) -> bool:
        """Tell whether the entry `name` is the file that `fd` has open."""
        try:
            return os.path.samestat(self.status(name), os.fstat(fd))
        except OSError:
            return False  # gone, or (ESTALE, on NFS) replaced by another machine

    def unlink(self, name: str) -> None:
        """Remove the entry `name`."""
        os.unlink(name, dir_fd=self.fd)

    def rename(self, name: str, new: str) -> None:
        """Give the entry `name` the name `new`, in the place of what has it."""
        os.rename(name, new, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def link(self, name: str, new: str) -> None:
        """Give the entry `name` a second name; FileExistsError when that is taken."""
        os.link(name, new, src_dir_fd=self.fd, dst_dir_fd=self.fd, follow_symlinks=False)

    def names(self) -> list[str]:
        """Return the names of all entries."""
        fd = os.open(".", _FOLDER, dir_fd=self.fd)
        try:
            return os.listdir(fd)
        finally:
            close(fd)

    def sync(self) -> None:
        """Make new names and renames in it outlast a power failure, where the file system can."""
        try:
            fd = os.open(".", _FOLDER, dir_fd=self.fd)
        except PermissionError:
            return  # one that may be written to and not read: we cannot sync it
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            close(fd)

    @property
    def owner(self) -> int:
        """The uid of its owner."""
        return self.itself.st_uid

    def owner_alone_writes(self) -> bool:
        """Tell whether nobody but its owner and root may make entries in it."""
        status = self.itself
        group_may = status.st_mode & stat.S_IWGRP and (status.st_gid != 0 or _has_list(self))
        return not status.st_mode & stat.S_IWOTH and not group_may

    def open_to_others(self) -> bool:
        """Tell whether users other than root and us may make entries in it."""
        status = self.itself
        return open_to_others(status) or bool(status.st_mode & stat.S_IWGRP) and _has_list(self)


def open_to_others(status: os.stat_result) -> bool:
    """Tell whether the mode that `status` describes lets users other than root and us make entries in a directory."""
    if status.st_uid not in (0, os.geteuid()):
        return True
    group_may = status.st_mode & stat.S_IWGRP and status.st_gid not in (0, os.getegid())
    return bool(status.st_mode & stat.S_IWOTH or group_may)


def _has_list(directory: Directory) -> bool:
    """Tell whether an access control list gives more users than the mode shows write permission, as far as can be seen."""
    try:
        fd = os.open(".", _FOLDER, dir_fd=directory.fd)
        try:
            return ATTRIBUTE in os.listxattr(fd)
        finally:
            close(fd)
    except (OSError, AttributeError):
        return False  # a file system or system without them
