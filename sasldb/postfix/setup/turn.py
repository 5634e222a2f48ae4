"""One at a time: the private directory of the backups, locked by the command that changes this Postfix's configuration.

Postfix's configuration directory is world-readable, and who can open a file can lock it. So the lock is on `sasldb-undo` in it, which only
root can enter. It is opened once and judged by its descriptor; a directory of somebody else, or one that others can open, is refused.
Source: flock(2), proc(5).

Errors: Locked (another process held the lock for too long; the message names it), UnsafeFile, AccessDenied, those of `files.refusals`.
"""

from __future__ import annotations

import errno
import os
import stat

from sasldb.errors import AccessDenied, Locked, UnsafeFile
from sasldb.files.deadline import Deadline
from sasldb.files.lock import lock_by
from sasldb.files.refusals import refusal

FOLDER = "sasldb-undo"
WAIT = 30.0  # seconds
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
        deadline = Deadline(self._wait)
        while True:
            fd = self._open()
            if fd is None:
                return
            try:
                self._see_private(fd)
                lock_by(fd, deadline, self.path)
                if _leads_to(self.path, fd):  # another command may have removed it, and its last backup, meanwhile
                    self._fd = fd
                    return
                if not deadline.left:
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
            except PermissionError as error:
                raise AccessDenied(self.path, "root alone may look for backups here", "run this as root") from error
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


def _leads_to(path: str, fd: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(fd))
    except OSError:
        return False
