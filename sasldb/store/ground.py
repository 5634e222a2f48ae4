"""What a block of changes stands on: the file as it was at the block's beginning, and what of it the block has read.

A Cyrus tool takes no lock. If one wrote meanwhile, the block's changes still hold unless one of these reads would have come out
differently.

Errors: those of `formats.table` and of reading the file.
"""

from __future__ import annotations

from sasldb.errors import Corrupt
from sasldb.files.exclusive import Exclusive
from sasldb.formats.table import open_pages
from sasldb.store.changes import look_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sasldb.formats.table import Pages

WHOLE = 128 << 10  # bytes up to which a file is checked as a whole; a larger one only where it is read or changed
_IN_MEMORY = 8 << 20  # bytes up to which a file is read at once


class Ground:
    """The records of the locked file `held` at the block's beginning; every method that reads takes note of what it read.

    `was_empty`: there was no file then, or one of zero bytes.
    """

    __slots__ = ("_all", "_held", "_pages", "_read", "_stamp", "was_empty")

    def __init__(self, held: Exclusive) -> None:
        self._held = held
        self.was_empty = not held.size
        self._stamp = held.stamp()
        self._pages: Pages | None = None
        self._read: dict[bytes, bytes | None] = {}
        self._all = False

    def pages(self) -> Pages | None:
        """Return the file's records, checked as a whole if it is not large; None while there is no file or zero bytes."""
        while self._pages is None and self._held.size:
            try:
                self._pages = self._open()
            except Corrupt:
                if not self._held.settles():
                    raise
        return self._pages

    def _open(self) -> Pages:
        if not self._read and not self._all:
            self._stamp = self._held.stamp()
        size = self._held.size
        if size > _IN_MEMORY:
            return open_pages(self._held.read, size, self._held.path)
        content = self._held.read(0, size)
        pages = open_pages(lambda offset, length: content[offset : offset + length], size, self._held.path)
        if size <= WHOLE:
            pages.check()
        return pages

    def value(self, key: bytes) -> bytes | None:
        """Return the value of `key`, None when there is none."""
        pages = self.pages()
        self._read[key] = pages.get(key) if pages else None
        return self._read[key]

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every record in the file's own order."""
        self._all = True
        pages = self.pages()
        return pages.items() if pages else iter(())

    def moved(self) -> bool:
        """Tell whether the file has been written to since the block's beginning."""
        return self._held.stamp() != self._stamp

    def bears(self, pages: Pages | None) -> bool:
        """Tell whether all that was read would be read again from `pages`, what the file holds by now."""
        if self._all:
            return False
        now = look_up(pages, self._read) if pages else {}
        return all(now.get(key) == value for key, value in self._read.items())
