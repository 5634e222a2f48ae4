"""What the daemon may do, by trying it: a child process takes its root directory, groups and user, and opens the file.

Mode bits alone would not tell: directories above, ACLs, links that lead out of the jail, SELinux and read-only mounts have their say.
Only root can become another user, so anybody else gets None: not tried. Source of the order (groups, root directory, user id, with
supplementary groups): Postfix, chroot_uid(3).

Errors: none for what the attempt comes to; `SiteConfigError` where the user does not exist or no child can be made.
"""

from __future__ import annotations

import errno
import os
import pwd
import select
import signal
import socket

from sasldb.errors import SiteConfigError

READ, WRITE, CONNECT = "read", "write", "connect"
_LONGEST = 4096  # bytes of an answer, which a pipe takes at once
_PATIENCE = 5.0  # seconds; a file system of another user's (FUSE), or of a network, may never answer


class Attempt:
    """What came of it: `errno` (0: it worked), and where that is a directory's fault, `directory` (as seen inside; else "")."""

    __slots__ = ("directory", "errno")

    def __init__(self, errno: int, directory: str = "") -> None:
        self.errno = errno
        self.directory = directory


def attempt(what: str, path: str, user: str, jail: str | None) -> Attempt | None:
    """Try `what` (READ, WRITE, CONNECT) with `path` (absolute, as seen inside) as `user`, in the root directory `jail`.

    Returns None where it could not be tried: we are not root.

    Raises:
        SiteConfigError: no such user, or no new process.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(user)
        groups = os.getgrouplist(user, entry.pw_gid)  # before chroot: the jail has no /etc/group
        reader, writer = os.pipe()
        child = os.fork()
    except KeyError:
        raise SiteConfigError(f"user {user}", "no such user", remedy="see mail_owner in main.cf") from None
    except OSError as error:
        raise SiteConfigError(f"user {user}", f"cannot be tried: {error.strerror}") from error
    if child == 0:
        try:
            os.write(writer, _answer(what, path, (entry.pw_uid, entry.pw_gid, groups), jail))
        finally:
            os._exit(0)
    os.close(writer)
    try:
        ready, _, _ = select.select([reader], [], [], _PATIENCE)
        answer = os.read(reader, _LONGEST) if ready else b"%d" % errno.ETIMEDOUT
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    number, _, directory = answer.partition(b"\0")
    return Attempt(int(number or b"5"), os.fsdecode(directory))


def _answer(what: str, path: str, identity: tuple[int, int, list[int]], jail: str | None) -> bytes:
    """In the child: return the error number and the directory to blame, as bytes."""
    uid, gid, groups = identity
    try:
        os.setgroups(groups)
        os.setgid(gid)
        if jail:
            os.chroot(jail)
            os.chdir("/")
        os.setuid(uid)
        _do(what, path)
    except OSError as error:
        return b"%d\0%b" % (error.errno or 5, os.fsencode(_closed_directory(path)))
    return b"0\0"


def _do(what: str, path: str) -> None:
    if what == CONNECT:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2.0)
            client.connect(path)
    else:
        os.close(os.open(path, (os.O_RDONLY if what == READ else os.O_RDWR) | os.O_NONBLOCK))


def _closed_directory(path: str) -> str:
    """Return the first directory on the way to `path` that this process may not search, "" where all let it through."""
    parent = os.path.dirname(path)
    while not os.access(parent, os.X_OK) and os.path.dirname(parent) != parent:
        above = os.path.dirname(parent)
        if os.access(above, os.X_OK):
            return parent if os.path.lexists(parent) else ""
        parent = above
    return "" if os.access(parent, os.X_OK) else parent
