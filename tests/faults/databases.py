"""Small databases to break, and what is left of them."""

from __future__ import annotations

import os
from pathlib import Path

import sasldb

Records = dict[bytes, bytes]

REALM = "example.com"
USER_PASSWORD = b"userPassword"


def key(user: str, name: bytes = USER_PASSWORD) -> bytes:
    """Return the key of a record of `user`@example.com."""
    return b"%b\0%b\0%b" % (user.encode(), REALM.encode(), name)


def build(path: Path, users: int, size: int = 16, realm: str = REALM) -> bytes:
    """Make the database `path` with user0 ... , passwords of `size` bytes; return the file's content."""
    with sasldb.edit(str(path)) as db:
        for number in range(users):
            db.set_password(f"user{number}@{realm}", b"%0*d" % (size, number))
    return path.read_bytes()


def records(path: Path) -> Records:
    """Return every record as our reader sees it, the whole file checked."""
    with sasldb.open(str(path)) as db:
        return dict(db.records())


def names(directory: Path) -> set[str]:
    """Return the names of everything that lies in `directory`."""
    return {entry.name for entry in directory.iterdir()}


def age(path: Path) -> None:
    """Let the file look as if it had been written long ago: else a Cyrus tool may still be at it, and is waited for."""
    os.utime(path, (1_500_000_000, 1_500_000_000))
