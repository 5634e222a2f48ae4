"""Signposts: a file in our private directory that names the directory in which the journal of an overwrite lies.

A file with several names, or one that is mounted by itself, can be reached through other directories than that of its journal. Who comes
by another name finds the journal by the signpost. It is no more than a hint: the journal is judged where it lies.

Without a private directory there is no signpost, and only who comes by the same directory finds the journal. Raises nothing.
"""

from __future__ import annotations

import os

from sasldb.errors import AccessDenied
from sasldb.files import private_directory
from sasldb.files.directory import Directory
from sasldb.files.draft import write_all
from sasldb.files.refusals import close

_END = ".at"
_LONGEST = 4096  # bytes of a path: PATH_MAX


def put(stem: str, directory: Directory) -> None:
    """Make last that the journal whose names begin with `stem` lies in `directory`; a private one needs no signpost."""
    try:
        private = private_directory.private_directory()
    except AccessDenied:
        return
    try:
        if not os.path.samestat(private.itself, directory.itself):
            _clear(private, stem)
            _write(private, stem, directory.path)
            private.sync()
    except OSError:
        pass
    finally:
        private.close()


def remove(stem: str) -> None:
    """Take the signpost away."""
    for private in private_directory.existing():
        try:
            _clear(private, stem)
        except OSError:
            pass  # it leads to a directory in which nothing is found
        finally:
            private.close()


def follow(stem: str, private: Directory) -> Directory | None:
    """Return the directory to which a signpost in the directory `private` leads; None where there is none, or it is gone."""
    try:
        fd = private.open_file(stem + _END, os.O_RDONLY | os.O_NONBLOCK)
        try:
            path = os.read(fd, _LONGEST)
        finally:
            close(fd)
        return Directory.open(os.fsdecode(path)) if path[:1] == b"/" else None
    except (OSError, ValueError):
        return None


def _write(private: Directory, stem: str, path: str) -> None:
    fd = private.open_file(stem + _END, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        write_all(fd, os.fsencode(path), 0)
        os.fsync(fd)
    finally:
        close(fd)


def _clear(private: Directory, stem: str) -> None:
    if private.has(stem + _END):
        private.unlink(stem + _END)
        private.sync()
