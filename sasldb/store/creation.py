"""Making an empty database, with the right owner and mode before the first secret is in it.

A file that holds anything is left alone, whatever it is; a file of zero bytes becomes a database and keeps its owner and mode. A copy in
Postfix's chroot follows (see `store.copies`).

Errors: FileExists; NotFound (no such directory), AccessDenied, UnsafeFile, WriteFailed, Locked: see the classes. Nothing was changed.
StaleCopy: the database was made.
"""

from __future__ import annotations

from sasldb.errors import FileExists
from sasldb.files.exclusive import Exclusive, claim
from sasldb.files.ownership import Ownership
from sasldb.formats import berkeley
from sasldb.formats.detect import HEAD, UNKNOWN, identify
from sasldb.policy.chroot import copy_in_jail
from sasldb.policy.ownership import OwnershipOptions
from sasldb.store.copies import ChrootCopy

WAIT = 30.0  # seconds, for the lock


class Created:
    """What was made, or would be.

    Attributes:
        path: the file. ownership: its owner, group and mode.
        sentences: for the person at the terminal: what changed of owner and mode, what is unsafe about the file's place.
    """

    __slots__ = ("ownership", "path", "sentences")

    def __init__(self, path: str, ownership: Ownership, sentences: list[str]) -> None:
        self.path = path
        self.ownership = ownership
        self.sentences = sentences


def create(path: str, wishes: OwnershipOptions, dry_run: bool = False) -> Created:
    """Make an empty database `path` (text), with the owner, group and mode of the rule or of `wishes`.

    With `dry_run` everything is looked at and nothing is made.

    Raises:
        FileExists: there is a file with something in it.
        DatabaseError: see the module.
    """
    held = claim(path, wishes, create=True, adopt_empty=True, wait=WAIT)
    try:
        if held.size:
            raise _exists(path, held.read(0, HEAD))
        copy = _copy(held, wishes)
        present = held.status()
        if not dry_run and not held.replace(lambda draft: _make(draft, path)):
            raise FileExists(path, "another process has made it just now")
        if copy is not None and not dry_run:
            held.notes += copy.follow()
        remark = [wishes.remark] if present is None and wishes.remark else []
        return Created(path, wishes.due(held.real, present), _sentences(held) + remark)
    finally:
        held.close()


def _make(draft: str, path: str) -> None:
    """Turn the file `draft`, of zero bytes, into a database."""
    berkeley.apply(draft, {}, 0, path)


def _copy(held: Exclusive, wishes: OwnershipOptions) -> ChrootCopy | None:
    """Return the copy in Postfix's chroot, if one is in use; a file of zero bytes may be waiting there."""
    path = copy_in_jail(held.path, held.real)
    return None if path is None else ChrootCopy(held, path, wishes)


def _sentences(held: Exclusive) -> list[str]:
    return [*held.warnings, *held.notes]


def _exists(path: str, head: bytes) -> FileExists:
    """Return the error that says what the file beginning with `head` is."""
    kind = identify(head)
    if kind == UNKNOWN:
        return FileExists(path, "a file is there already, and it is no database")
    return FileExists(path, f"a {kind} database is there already")
