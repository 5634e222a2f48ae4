"""The commit: a change set is brought into a copy of the file, which then takes the file's place.

A small file is checked as a whole before libdb touches it (see `store.ground`) and afterwards; a large one is
checked around what changes. Every changed record is read back before the new file counts.

Errors: Corrupt, UnknownFormat, FormatUnavailable, WriteFailed, AccessDenied, Conflict. In each case the old file stands.
"""

from __future__ import annotations

import os

from sasldb.errors import Conflict, Corrupt
from sasldb.files.exclusive import Exclusive
from sasldb.files.refusals import close, refusal
from sasldb.formats.table import open_pages
from sasldb.store.changes import ChangeSet, look_up
from sasldb.store.ground import WHOLE, Ground

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.formats.table import Pages, Read
    from sasldb.store.changes import Values


def commit(held: Exclusive, ground: Ground, changes: ChangeSet) -> bool:
    """Bring `changes` into the locked file; owner and mode are set even where no record changes.

    Returns:
        False, with nothing changed, when the file did not exist and another process has made it meanwhile: lock it, try again.
    """
    while True:
        try:
            pages = ground.pages()
            values = changes.resolve(pages)
            if pages is not None and not values:
                held.adjust()
                return True
            return held.replace(lambda draft: _Step(held, ground, changes, values).run(draft))
        except Corrupt:
            if not held.settles():  # else a Cyrus tool was writing while its file was copied
                raise


class _Step:
    """What is done to one draft. `values` is what the changes come to, as long as nobody has written to the file."""

    __slots__ = ("_changes", "_ground", "_held", "_path", "_values")

    def __init__(self, held: Exclusive, ground: Ground, changes: ChangeSet, values: Values) -> None:
        self._held = held
        self._path = held.path
        self._ground = ground
        self._changes = changes
        self._values = values

    def run(self, draft: str) -> None:
        """Make the changes in the file to which the path `draft` leads, a copy of the database (or of zero bytes)."""
        try:
            fd = os.open(draft, os.O_RDONLY | os.O_CLOEXEC)
            try:
                self._change(draft, fd)
            finally:
                close(fd)
        except OSError as error:
            raise refusal(self._path, "its copy cannot be read", error) from error

    def _change(self, draft: str, fd: int) -> None:
        from sasldb.formats import berkeley

        size = os.fstat(fd).st_size
        if not size and not self._ground.was_empty:
            raise Conflict(
                self._path, "another program emptied it while it was edited", "bring it back, then run this again"
            )
        before = open_pages(_reader(fd), size, self._path) if size else None
        values = self._values
        if self._ground.moved():
            if not self._ground.bears(before):
                raise Conflict(self._path, "another program changed what this edit was based on", "run this again")
            values = self._changes.resolve(before)
        if before is not None:
            self._check_before(before, values, size)
        berkeley.apply(draft, values, size, self._path)
        size = os.fstat(fd).st_size
        after = open_pages(_reader(fd), size, self._path)
        if size > WHOLE:
            after.check_around(values, _added(values))
        else:
            after.check()
        _read_back(self._path, after, values)

    def _check_before(self, pages: Pages, values: Values, size: int) -> None:
        """Look at what libdb will touch; at everything where a Cyrus tool may have been between two writes."""
        stamp = self._held.stamp()
        if (stamp is not None and stamp.recent and stamp.by_others) or (size <= WHOLE and self._ground.moved()):
            pages.check()
        elif size > WHOLE:
            pages.check_around(values, _added(values))


def _reader(fd: int) -> Read:
    return lambda offset, length: os.pread(fd, length, offset)


def _added(values: Values) -> int:
    return sum(value is not None for value in values.values())


def _read_back(path: str, pages: Pages, values: Values) -> None:
    found = look_up(pages, values)
    if any(found.get(key) != value for key, value in values.items()):
        raise Corrupt(path, "what was written cannot be read back, and the old file was kept", remedy="check the disk")
