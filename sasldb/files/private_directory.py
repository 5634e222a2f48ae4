"""A directory of our own, for what must not lie where other users may write: `sasldb-UID`, mode 0700, in a directory of the system.

Other users can make a directory of that name before we do. So it is opened first and judged by its descriptor.

Errors: AccessDenied; OSError stays inside this room.
"""

from __future__ import annotations

import os
import stat

from sasldb.errors import AccessDenied
from sasldb.files.directory import Directory, open_to_others

_STEM = "sasldb-"
_OUTLASTS_A_RESTART = "/var/tmp"
_PARENTS = (_OUTLASTS_A_RESTART, "/tmp")
_OF_ROOT = "/var/lib"  # nobody else can make a name there


def private_directory() -> Directory:
    """Return our private directory, made if need be. It is never removed: another of our processes may be about to use it.

    Raises:
        AccessDenied: there is none and none can be made, or other users sit on its name.
    """
    name = f"{_STEM}{os.geteuid()}"
    for parent in _parents():
        try:
            directory = _open(parent, name, make=True)
        except OSError:
            continue
        if directory is not None:
            return directory
    path = os.path.join(_OUTLASTS_A_RESTART, name)
    raise AccessDenied(path, "no private directory for the journal can be made here", f"look who owns {path}")


def existing(name_in_it: str = "") -> list[Directory]:
    """Return our private directories that are there; with `name_in_it`, those that have an entry of that name."""
    name = f"{_STEM}{os.geteuid()}"
    found = []
    for parent in _parents():
        try:
            there = os.lstat(os.path.join(parent, name)).st_uid == os.geteuid()
            if name_in_it:
                os.lstat(os.path.join(parent, name, name_in_it))  # every change asks, so nothing is opened in vain
            directory = _open(parent, name, make=False) if there else None
        except OSError:
            continue
        if directory is not None:
            found.append(directory)
    return found


def _parents() -> tuple[str, ...]:
    return _PARENTS if os.geteuid() else (_OF_ROOT, *_PARENTS)


def _open(parent: str, name: str, make: bool) -> Directory | None:
    """Open `name` in `parent`; None where it is no private directory of ours."""
    above = Directory(os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), parent)
    try:
        status = os.fstat(above.fd)
        if open_to_others(status) and not (status.st_mode & stat.S_ISVTX and status.st_uid in (0, os.geteuid())):
            return None  # in a sticky directory its owner too may rename what is in it
        if make:
            _make(above, name)
        directory = Directory.open(name, above.fd)
    finally:
        above.close()
    directory.path = os.path.join(parent, name)
    status = os.fstat(directory.fd)
    if status.st_uid == os.geteuid() and not status.st_mode & 0o022:
        return directory
    directory.close()
    return None


def _make(above: Directory, name: str) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=above.fd)
        os.chmod(name, 0o700, dir_fd=above.fd)  # a umask may have taken our own permissions
    except FileExistsError:
        pass  # perhaps made by a process that was killed before it was synced
    above.sync()
