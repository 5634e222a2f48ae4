"""Where a path leads, and whether it may be followed.

Links are followed, so that the target is replaced and never the link; but a link which somebody else could have put there
(owned by neither root nor us, in a directory that other users may write to) is refused.

Errors: UnsafeFile (such a link, a link loop), NotFound (a link that leads nowhere), AccessDenied.
"""

from __future__ import annotations

import errno
import os
import stat

from sasldb.errors import NotFound, UnsafeFile
from sasldb.files.refusals import refusal

_MOST_LINKS = 40  # as the kernel's own limit, path_resolution(7)


def open_to_others(status: os.stat_result) -> bool:
    """Tell whether users other than root and us may make entries in the directory that `status` describes."""
    if status.st_uid not in (0, os.geteuid()):
        return True
    group_may = status.st_mode & stat.S_IWGRP and status.st_gid not in (0, os.getegid())
    return bool(status.st_mode & stat.S_IWOTH or group_may)


def resolve(path: str) -> str:
    """Return the absolute path without links that `path` leads to; its last component need not exist.

    Raises:
        UnsafeFile: a link that somebody else may have put there, a loop of links, a path that no file can have.
        NotFound: the last component is a link that leads nowhere, or the current directory has gone.
        AccessDenied: a directory on the way may not be searched.
    """
    if not path or path.endswith("/") or "\0" in path:
        raise UnsafeFile(path.replace("\0", "\\0"), "not the path of a file")
    try:
        absolute = path if path.startswith("/") else os.path.join(os.getcwd(), path)
    except OSError as error:
        raise refusal(path, "the current directory cannot be told", error) from error
    if os.path.realpath(absolute) == absolute and not os.path.islink(absolute):
        return absolute
    try:
        real = _walk(path, absolute)
    except OSError as error:
        raise refusal(path, "cannot be reached", error) from error
    if os.path.islink(absolute) and not os.path.lexists(real):
        raise NotFound(path, f"a link to {real}, which does not exist", "make the target, or remove the link")
    return real


def _walk(path: str, absolute: str) -> str:
    """Follow `absolute` one component after the other and return where it ends."""
    pending = absolute.split("/")[::-1]
    real = "/"
    links = 0
    while pending:
        name = pending.pop()
        if name in ("", "."):
            continue
        if name == "..":
            if not os.path.isdir(real):
                raise NotADirectoryError(errno.ENOTDIR, "not a directory")
            real = os.path.dirname(real)
            continue
        here = os.path.join(real, name)
        if not os.path.islink(here):
            real = here
            continue
        links += 1
        if links > _MOST_LINKS:
            raise UnsafeFile(path, "too many links, or a loop of links")
        owner = os.lstat(here).st_uid
        if owner not in (0, os.geteuid()) and open_to_others(os.stat(real)):
            raise UnsafeFile(path, f"{here} is a link owned by uid {owner} in a directory that others may write to")
        target = os.readlink(here)
        if target.startswith("/"):
            real = "/"
        pending.extend(target.split("/")[::-1])
    return real


def warnings(real: str) -> list[str]:
    """Return what is worrying about where the file `real` lies, as sentences without a full stop; [] when nothing is."""
    directory = os.path.dirname(real) or "/"
    try:
        if open_to_others(os.stat(directory)):
            return [f"{real}: other users may write to its directory {directory}"]
    except OSError as error:
        raise refusal(real, "its directory cannot be read", error) from error
    return []
