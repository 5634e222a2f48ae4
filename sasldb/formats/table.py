"""The table of formats, and the one way to open a file of any of them for reading.

Errors: UnknownFormat (no database, or one of another kind), FormatUnavailable (known, but not readable here), Corrupt.
"""

from __future__ import annotations


from sasldb.errors import FormatUnavailable, UnknownFormat
from sasldb.formats.detect import BERKELEY_HASH, GDBM, HEAD, LMDB, UNKNOWN, identify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    Read = Callable[[int, int], bytes]

    class Pages(Protocol):
        """Records of one file, read without trusting it. Every method raises Corrupt where the file is damaged."""

        def key_batches(self) -> Iterator[list[bytes]]:
            """Keys in the file's own order, many at a time."""

        def items(self) -> Iterator[tuple[bytes, bytes]]:
            """Keys and values in the file's own order."""

        def get(self, key: bytes) -> bytes | None:
            """The (first) value of `key`."""

        def check(self) -> None:
            """Look at the whole file."""

        def check_around(self, keys: Iterable[bytes], growth: int) -> None:
            """Look at what a change of `keys` would touch, `growth` of them new."""


_NOT_YET = {GDBM: "python3-gdbm", LMDB: "lmdb"}


def open_pages(read: Read, size: int, path: str) -> Pages:
    """Return the records of the file of `size` bytes that `read(offset, length)` reads; `path` is what errors call it.

    Raises:
        UnknownFormat, FormatUnavailable, Corrupt: see the module.
    """
    name = identify(read(0, HEAD))
    if name == BERKELEY_HASH:
        from sasldb.formats.hashpages import HashPages

        return HashPages(read, size, path)
    if name in _NOT_YET:
        raise FormatUnavailable(path, f"a {name} database: this version reads Berkeley DB only")
    if name == UNKNOWN:
        raise UnknownFormat(path, "not a database of any known format")
    raise UnknownFormat(path, f"{name}, which is no sasldb format")
