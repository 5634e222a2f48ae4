"""One at a time: the private directory of the backups, locked by the command that changes this Postfix's configuration.

Postfix's configuration directory is world-readable, and who can open a file can lock it. So the lock is on `sasldb-undo` in it, which only
root can enter. It is opened once and judged by its descriptor; a directory of somebody else, or one that others can open, is refused.
Source: flock(2), proc(5).

Errors: Locked (another process held the lock for too long; the message names it), UnsafeFile, AccessDenied, those of `files.refusals`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time

from sasldb.errors import Locked, UnsafeFile
from sasldb.files.refusals import refusal

FOLDER = "sasldb-undo"
WAIT = 30.0  # seconds
_PAUSE = 0.05  # seconds between two tries
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Turn:
    """A context manager that holds the lock of the configuration directory `config_dir`.

    With `make` the private directory is created if it is missing, and removed at the end if it is empty. Without `make` a missing
    directory is not locked: nothing is there to undo.
    """

    def __init__(self, config_dir: str, make: bool, wait: float = WAIT) -> None:
        """Remember the place; `wait` is the longest time to wait for the lock, in seconds."""
        self.path = os.path.join(config_dir, FOLDER)
        self._make = make
        self._wait = wait
        self._fd: int | None = None

    def __enter__(self) -> None:
        deadline = time.monotonic() + self._wait
        while True:
            fd = self._open()
            if fd is None:
                return
            try:
                self._see_private(fd)
                self._lock(fd, deadline)
                if _leads_to(self.path, fd):  # another command may have removed it, and its last backup, meanwhile
                    self._fd = fd
                    return
                if time.monotonic() >= deadline:
                    raise Locked(self.path, f"replaced again and again for {self._wait:g} s", "run this again")
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def __exit__(self, *exc_info: object) -> None:
        if self._fd is None:
            return
        try:
            if _leads_to(self.path, self._fd):
                os.rmdir(self.path)
        except OSError:
            pass  # there are backups in it
        os.close(self._fd)
        self._fd = None

    def _open(self) -> int | None:
        """Return a descriptor of the directory, None where it is missing and not to be made."""
        for _ in range(100):  # it may be removed between the two steps
            try:
                return os.open(self.path, _FLAGS)
            except FileNotFoundError:
                if not self._make:
                    return None
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise UnsafeFile(self.path, "not a directory", "look what it is, and remove it") from error
                raise refusal(self.path, "cannot be opened", error) from error
            try:
                os.mkdir(self.path, 0o700)
            except FileExistsError:
                pass
            except OSError as error:
                raise refusal(self.path, "cannot be created", error) from error
        raise Locked(self.path, "removed again and again", "run this again")

    def _see_private(self, fd: int) -> None:
        """See that nobody else made the directory, and that nobody else can open it or what is in it."""
        status = os.fstat(fd)
        if status.st_uid not in (0, os.geteuid()):
            raise UnsafeFile(self.path, f"owned by user {status.st_uid}", "look what is in it, and remove it")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UnsafeFile(self.path, "other users can open it", f"run: chmod 0700 {self.path}")

    def _lock(self, fd: int, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EINTR):
                    raise refusal(self.path, "cannot be locked", error) from error
            left = deadline - time.monotonic()
            if left <= 0:
                reason = f"still locked by {_holder(fd)} after {self._wait:g} s"
                raise Locked(self.path, reason, "wait for it to end, then run this again")
            time.sleep(min(_PAUSE, left))


def _leads_to(path: str, fd: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(fd))
    except OSError:
        return False


def _holder(fd: int) -> str:
    """Name the process that holds the lock, as /proc/locks has it; "another process" where it does not."""
    try:
        status = os.fstat(fd)
        inode = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        with open("/proc/locks", encoding="ascii") as table:
            lines = [line.split() for line in table]
        process = next(int(words[4]) for words in lines if "FLOCK" in words and "->" not in words and words[5] == inode)
        with open(f"/proc/{process}/comm", "rb") as comm:
            return f"process {process} ({ascii(os.fsdecode(comm.read().strip()))[1:-1]})"
    except (OSError, IndexError, ValueError, StopIteration):
        return "another process"
