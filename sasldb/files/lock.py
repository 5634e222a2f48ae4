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

from sasldb.errors import Locked, UnsafeFile
from sasldb.files.refusals import close, refusal
from sasldb.model.text import printable, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.files.deadline import Deadline
    from sasldb.files.place import Place

_FIRST_PAUSE = 0.0005  # seconds; doubled up to _LONGEST_PAUSE, so that short edits follow each other closely
_LONGEST_PAUSE = 0.02


def open_regular(place: Place, writable: bool = False, deadline: Deadline | None = None) -> int:
    """Return a descriptor of the regular file at `place`.

    Opened for writing where asked for and possible (NFS gives no exclusive lock on a read-only descriptor). Where a program has a lease
    on it (fcntl(2): a file server, or the file's owner), it is asked to give that up, and waited for until the deadline.

    Raises:
        Locked: it kept the lease.
        NotFound, AccessDenied: as the system says.
        UnsafeFile: it is a directory, a device, a FIFO or a socket.
    """
    try:
        while (fd := _open_unless_leased(place, writable)) is None:
            if deadline is None or not deadline.pause(_LONGEST_PAUSE):
                raise Locked(place.path, "a program keeps a lease on it", "wait for it to end, then run this again")
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.EISDIR):
            raise UnsafeFile(place.path, "not a regular file") from error
        raise refusal(place.path, "cannot be opened", error) from error
    try:
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError as error:
        close(fd)
        raise refusal(place.path, "cannot be looked at", error) from error
    if not regular:
        close(fd)
        raise UnsafeFile(place.path, "not a regular file")
    return fd


def _open_unless_leased(place: Place, writable: bool) -> int | None:
    try:
        return _open(place, writable)
    except BlockingIOError:
        return None


def _open(place: Place, writable: bool) -> int:
    directory, name = place.directory, place.name
    if writable:
        try:
            return directory.open_file(name, os.O_RDWR | os.O_NONBLOCK)  # O_NONBLOCK: a FIFO must not hang the command
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ETXTBSY):
                raise
    return directory.open_file(name, os.O_RDONLY | os.O_NONBLOCK)


def lock(place: Place, deadline: Deadline) -> int:
    """Return a descriptor of the file at `place`, exclusively locked; closing it gives the lock back.

    Raises:
        NotFound, AccessDenied, UnsafeFile: as `open_regular`.
        Locked: others held the lock until the deadline was over.
    """
    while True:
        fd = open_regular(place, True, deadline)
        try:
            lock_by(fd, deadline, place.path)
            if place.directory.leads_to(place.name, fd):
                return fd
            if not deadline.left:
                raise Locked(place.path, f"replaced all the time for {deadline.wait:g} s", "run this again")
        except BaseException:
            close(fd)
            raise
        close(fd)


def lock_by(fd: int, deadline: Deadline, path: str) -> None:
    """Lock the open file or directory `fd` exclusively; `path` is what errors call it. Raises Locked, or what the system says."""
    pause = _FIRST_PAUSE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EINTR):
                raise refusal(path, "cannot be locked", error) from error
        if not deadline.pause(pause):
            reason = f"still locked by {_holder(fd)} after {deadline.wait:g} s"
            raise Locked(path, reason, "wait for it to end, then run this again")
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
                        name = printable(to_text((comm.read(64) or b"").rstrip(b"\n")))  # the process chose it
                        return f"process {words[4]} ({name})"
    except (OSError, IndexError, ValueError):
        pass
    return "another process"
