"""The lock: flock on the database's own inode, so that no lock file is left behind.

A writer replaces the file by rename, and who waited then holds the lock of an inode that no name leads to any more. So after
every lock the name is looked up again, and a waiter of a replaced inode starts anew.

Errors: NotFound, AccessDenied, UnsafeFile (not a regular file), Locked (waited for longer than allowed).
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time

from sasldb.errors import Locked, UnsafeFile
from sasldb.files.refusals import refusal
from sasldb.model.text import printable, to_text

_FIRST_PAUSE = 0.0005  # seconds; doubled up to _LONGEST_PAUSE, so that short edits follow each other closely
_LONGEST_PAUSE = 0.02


def open_regular(path: str, real: str, writable: bool = False) -> int:
    """Return a descriptor of the regular file `real`; `path` is what the caller named, for the errors.

    Opened for writing where asked for and possible (NFS gives no exclusive lock on a read-only descriptor).

    Raises:
        NotFound, AccessDenied: as the system says.
        UnsafeFile: it is a directory, a device, a FIFO or a socket.
    """
    flags = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW  # O_NONBLOCK: a FIFO must not hang the command
    try:
        fd = _open(real, flags, writable)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.EISDIR):
            raise UnsafeFile(path, "not a regular file") from error
        raise refusal(path, "cannot be opened", error) from error
    try:
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError as error:
        os.close(fd)
        raise refusal(path, "cannot be looked at", error) from error
    if not regular:
        os.close(fd)
        raise UnsafeFile(path, "not a regular file")
    return fd


def _open(real: str, flags: int, writable: bool) -> int:
    if writable:
        try:
            return os.open(real, os.O_RDWR | flags)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ETXTBSY):
                raise
    return os.open(real, os.O_RDONLY | flags)


def lock(path: str, real: str, wait: float) -> int:
    """Return a descriptor of `real`, exclusively locked; closing it gives the lock back.

    `wait` is the longest time to wait, in seconds.

    Raises:
        NotFound, AccessDenied, UnsafeFile: as `open_regular`.
        Locked: others held the lock all that time.
    """
    deadline = time.monotonic() + wait
    while True:
        fd = open_regular(path, real, writable=True)
        try:
            _lock_by(fd, deadline, path, wait)
            if leads_to(real, fd):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def leads_to(real: str, fd: int) -> bool:
    """Tell whether the name `real` still leads to the inode that `fd` has open."""
    try:
        return os.path.samestat(os.lstat(real), os.fstat(fd))
    except OSError:
        return False  # gone, or (ESTALE, on NFS) replaced by another machine


def _lock_by(fd: int, deadline: float, path: str, wait: float) -> None:
    pause = _FIRST_PAUSE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EINTR):
                raise refusal(path, "cannot be locked", error) from error
        if time.monotonic() >= deadline:
            raise Locked(
                path, f"still locked by {_holder(fd)} after {wait:g} s", "wait for it to end, then run this again"
            )
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _holder(fd: int) -> str:
    """Name the process that holds the lock, as /proc/locks tells (proc(5)); "another process" where it does not."""
    try:
        status = os.fstat(fd)
        inode = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        with open("/proc/locks", encoding="ascii") as table:
            for line in table:
                words = line.split()
                if "FLOCK" in words and "->" not in words and words[5] == inode:
                    with open(f"/proc/{int(words[4])}/comm", "rb") as comm:
                        name = printable(to_text(comm.read(64).rstrip(b"\n")))  # the process chose it
                        return f"process {words[4]} ({name})"
    except (OSError, IndexError, ValueError):
        pass
    return "another process"
