"""Signposts: a file in our private directory that names the directory in which the journal of an overwrite lies.

A file with several names, or one that is mounted by itself, can be reached through other directories than that of its journal. A command
that uses another name finds the journal by the signpost. It is no more than a hint: the journal is judged where it lies.

If there is no private directory, there is no signpost: then only a command that uses the same directory finds the journal.
Errors: the OSError of `put`.
"""

from __future__ import annotations

import errno
import os

from sasldb.errors import AccessDenied
from sasldb.files import private_directory
from sasldb.files.directory import Directory
from sasldb.files.refusals import close

_END = ".at"
_LONGEST = 4096  # bytes of a path: PATH_MAX


def put(stem: str, directory: Directory) -> None:
    """Make last that the journal whose names begin with `stem` lies in `directory`; a private one needs no signpost.

    Raises:
        OSError: the signpost cannot be made, so an overwrite must not begin.
    """
    try:
        private = private_directory.private_directory()
    except AccessDenied:
        return
    try:
        if not os.path.samestat(private.itself, directory.itself):
            _clear(private, stem)
            _write(private, stem, os.fsencode(directory.path))
            private.sync()
    except OSError:
        remove(stem)
        raise
    finally:
        private.close()


def remove(stem: str) -> None:
    """Remove the signpost; raises nothing."""
    for private in private_directory.existing(stem + _END):
        try:
            _clear(private, stem)
        except OSError:
            pass  # it leads to a directory in which nothing is found
        finally:
            private.close()


def follow(stem: str, private: Directory) -> Directory | None:
    """Return the directory to which a signpost in the directory `private` leads; None if there is no signpost or no such directory."""
    try:
        fd = private.open_file(stem + _END, os.O_RDONLY | os.O_NONBLOCK)
        try:
            path = os.read(fd, _LONGEST)
        finally:
            close(fd)
        return Directory.open(os.fsdecode(path)) if path[:1] == b"/" else None
    except (OSError, ValueError):
        return None


def _write(private: Directory, stem: str, path: bytes) -> None:
    fd = private.open_file(stem + _END, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        if os.write(fd, path) != len(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(fd)
    finally:
        close(fd)


def _clear(private: Directory, stem: str) -> None:
    if private.has(stem + _END):
        private.unlink(stem + _END)
        private.sync()
