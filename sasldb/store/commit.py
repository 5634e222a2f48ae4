"""The commit: a change set is brought into a copy of the file, which then takes the file's place.

A small file is checked as a whole before libdb touches it (see `store.ground`) and afterwards; a large one is
checked around what changes. Every changed record is read back before the new file counts.

Errors: Corrupt, UnknownFormat, FormatUnavailable, WriteFailed, AccessDenied, Conflict. In each case the old file stands.
"""

from __future__ import annotations

import os
import time

from sasldb.errors import Conflict, Corrupt
from sasldb.files.exclusive import Exclusive
from sasldb.files.refusals import refusal
from sasldb.formats.table import open_pages
from sasldb.store.changes import ChangeSet, look_up
from sasldb.store.ground import LOOKS, PAUSE, WHOLE, Ground

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.formats.table import Pages, Read
    from sasldb.store.changes import Values


def commit(held: Exclusive, ground: Ground, changes: ChangeSet) -> bool:
    """Bring `changes` into the locked file; owner and mode are set even where no record changes.

    Returns:
        False, with nothing changed, when the file did not exist and another process has made it meanwhile: lock it, try again.
    """
    pages = ground.pages()
    if pages is not None and not changes.resolve(pages):
        held.adjust()
        return True
    for look in range(LOOKS):
        try:
            return held.replace(lambda draft: _bring_in(held.path, draft, ground, changes))
        except Corrupt:
            if look + 1 == LOOKS or not held.recent():
                raise
            time.sleep(PAUSE)  # a Cyrus tool was writing while its file was copied
    return False


def _bring_in(path: str, draft: str, ground: Ground, changes: ChangeSet) -> None:
    """Make the changes in the file `draft`, a copy of the database (or of zero bytes)."""
    try:
        fd = os.open(draft, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _change(path, draft, fd, ground, changes)
        finally:
            os.close(fd)
    except OSError as error:
        raise refusal(path, "its copy cannot be read", error) from error


def _change(path: str, draft: str, fd: int, ground: Ground, changes: ChangeSet) -> None:
    """Make the changes in the file `draft`, which `fd` has open for reading; the caller handles OSError."""
    from sasldb.formats import berkeley

    size = os.fstat(fd).st_size
    before = open_pages(_reader(fd), size, path) if size else None
    if ground.moved() and not ground.bears(before):
        raise Conflict(path, "another program changed what this edit was based on", "run this again")
    values = changes.resolve(before)
    if before is not None and size > WHOLE:
        before.check_around(values, _added(values))
    elif before is not None and ground.moved():
        before.check()
    berkeley.apply(draft, values, size, path)
    size = os.fstat(fd).st_size
    after = open_pages(_reader(fd), size, path)
    if size > WHOLE:
        after.check_around(values, _added(values))
    else:
        after.check()
    _read_back(path, after, values)


def _reader(fd: int) -> Read:
    return lambda offset, length: os.pread(fd, length, offset)


def _added(values: Values) -> int:
    return sum(value is not None for value in values.values())


def _read_back(path: str, pages: Pages, values: Values) -> None:
    found = look_up(pages, values)
    if any(found.get(key) != value for key, value in values.items()):
        raise Corrupt(path, "what was written cannot be read back, and the old file was kept", remedy="check the disk")
