"""The journal of an overwrite in place: the old and the new file, both complete, before the first octet is overwritten.

A writer that is killed half-way leaves neither the old nor the new file. Beside it lie `.sasldb-DEVICE-INODE.old` and `.new`, in the
database's directory or in a private one of the writer's. Who opens the file next finishes the work (writers) or reads the new
file instead (readers). A journal counts only when whoever made it could have written to the database itself.

Errors: Corrupt (a journal whose database somebody changed since), AccessDenied; OSError stays inside this room.
"""

from __future__ import annotations

import errno
import os
import stat

from sasldb.errors import AccessDenied, Corrupt

_STEM = ".sasldb-"
_REFUGE = "sasldb-"
_BLOCK = 512  # octets; the smallest unit of which a killed overwrite may have written some and not others
_PIECE = 1 << 20
_REFUGES = ("/var/tmp", "/tmp")  # the first survives a restart of the machine


def refuge() -> str:
    """Return a directory that only we can enter, made if need be.

    Raises:
        AccessDenied: there is none and none can be made, or somebody else sits on its name.
    """
    name = f"{_REFUGE}{os.geteuid()}"
    for parent in _REFUGES:
        directory = os.path.join(parent, name)
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            pass
        except OSError:
            continue
        if _is_private(directory):
            return directory
    raise AccessDenied(os.path.join(_REFUGES[0], name), "no private directory for the journal can be made here")


def leave(directory: str) -> None:
    """Remove the private directory of `refuge`, unless something is in it; any other directory is left alone."""
    if os.path.basename(directory).startswith(_REFUGE) and os.path.dirname(directory) in _REFUGES:
        try:
            os.rmdir(directory)
        except OSError:
            pass


def _is_private(directory: str) -> bool:
    try:
        status = os.lstat(directory)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


class Journal:
    """The two files of one database's overwrite: `old` and `new` are paths that may or may not exist."""

    __slots__ = ("database", "directory", "new", "old")

    def __init__(self, directory: str, database: os.stat_result) -> None:
        self.directory = directory
        self.database = database
        stem = os.path.join(directory, f"{_STEM}{database.st_dev:x}-{database.st_ino:x}")
        self.old = stem + ".old"
        self.new = stem + ".new"

    def remove(self) -> None:
        """Remove both; the new one first, for without it nobody rolls forward."""
        for path in (self.new, self.old):
            try:
                os.unlink(path)
            except OSError:
                pass

    def open(self, path: str) -> int:
        """Return a descriptor of `old` or `new`, for reading.

        OSError when it is not there, or when somebody made it who could not write to the database.
        """
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(fd)
        whole = stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and not status.st_mode & 0o022
        if not whole or not _may_write(status.st_uid, self.database):
            os.close(fd)
            raise PermissionError(errno.EPERM, "not a journal of this database")
        return fd

    def fits(self, database: int, old: int, new: int) -> bool:
        """Tell whether every block of descriptor `database` is that of the old file or that of the new one."""
        size = max(os.fstat(fd).st_size for fd in (old, new, database))
        pieces = range(0, size, _PIECE)
        return all(_piece_fits(*(os.pread(fd, _PIECE, at) for fd in (database, old, new))) for at in pieces)


def pending(path: str, directory: str, database: int) -> Journal | None:
    """Return the journal of an overwrite that was begun and never finished on descriptor `database`; None when there is none.

    `directory` is the database's, `path` what errors call it.

    Raises:
        Corrupt: there is one, and somebody has written to the file since: only a person can tell which content is wanted.
    """
    for journal in _journals(directory, os.fstat(database)):
        if not os.path.lexists(journal.new):
            continue
        opened: list[int] = []
        try:
            opened.append(journal.open(journal.old))
            opened.append(journal.open(journal.new))
            if journal.fits(database, *opened):
                return journal
        except OSError:
            continue  # finished meanwhile, or not one that counts
        finally:
            for fd in opened:
                os.close(fd)
        raise Corrupt(
            path,
            "overwriting it was cut short, and another program has written to it since",
            remedy=f"copy {journal.new} or {journal.old} over it, then remove both",
        )
    return None


def clear(directory: str, database: os.stat_result) -> None:
    """Remove what is left of journals that no longer count: halves, and those of files that the directory no longer has."""
    for journal in _journals(directory, database):
        if not os.path.lexists(journal.new):
            journal.remove()
    try:
        with os.scandir(directory) as entries:
            inodes = {entry.inode(): entry.name for entry in entries}
        device = os.stat(directory).st_dev
    except OSError:
        return
    for name in inodes.values():
        if name.startswith(_STEM) and name.endswith((".old", ".new")):
            _remove_orphan(os.path.join(directory, name), device, inodes)


def _remove_orphan(path: str, device: int, inodes: dict[int, str]) -> None:
    """Remove our own journal file `path` when the database that its name tells has gone from its directory."""
    numbers = os.path.basename(path)[len(_STEM) : -len(".old")].split("-")
    try:
        named = [int(number, 16) for number in numbers]
        status = os.lstat(path)
        ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        if ours and len(named) == 2 and named[0] == device and named[1] not in inodes:
            os.unlink(path)
    except (OSError, ValueError):
        pass


def _journals(directory: str, database: os.stat_result) -> list[Journal]:
    """Return every place where a journal of this file may lie."""
    names = {f"{_REFUGE}{os.geteuid()}"}
    places = [directory]
    shared = database.st_uid != os.geteuid() or database.st_mode & stat.S_IWGRP
    for parent in _REFUGES:
        if shared:
            try:
                names.update(name for name in os.listdir(parent) if name.startswith(_REFUGE))
            except OSError:
                pass
        places.extend(os.path.join(parent, name) for name in sorted(names))
    return [Journal(place, database) for place in places]


def _may_write(uid: int, database: os.stat_result) -> bool:
    """Tell whether user `uid` may write to the database, by its owner and group."""
    if uid in (0, os.geteuid(), database.st_uid):
        return True
    if not database.st_mode & stat.S_IWGRP:
        return False
    import grp
    import pwd

    try:
        user = pwd.getpwuid(uid)
        return user.pw_gid == database.st_gid or user.pw_name in grp.getgrgid(database.st_gid).gr_mem
    except KeyError:
        return False


def _piece_fits(there: bytes, old: bytes, new: bytes) -> bool:
    if there in (old, new):
        return True
    for at in range(0, len(there), _BLOCK):
        block = there[at : at + _BLOCK]
        # A growing file is first filled up with zeros, see `inplace.pour`.
        if block not in (old[at : at + _BLOCK], new[at : at + _BLOCK]) and block.strip(b"\0"):
            return False
    return True
