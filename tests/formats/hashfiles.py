"""Berkeley DB files of every shape, made, read and used by libdb itself: the oracle of the page reader's tests."""

from __future__ import annotations

import os
import random
import signal
import struct
from collections.abc import Iterable
from pathlib import Path

from berkeleydb import db as libdb

from sasldb.formats.hashpages import HashPages

Records = list[tuple[bytes, bytes]]

PAGE_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
LITTLE, BIG = 1234, 4321


class Shape:
    """How a database is to be made: bytes a page, byte order, libdb's flags, pairs a page, expected records."""

    def __init__(
        self, page_size: int = 4096, order: int = LITTLE, flags: int = 0, fill: int = 0, expected: int = 0
    ) -> None:
        self.page_size = page_size
        self.order = order
        self.flags = flags
        self.fill = fill
        self.expected = expected

    @property
    def mark(self) -> str:
        """The byte order as struct writes it."""
        return "<" if self.order == LITTLE else ">"

    def __repr__(self) -> str:
        return f"Shape({self.page_size}, {self.order}, {self.flags}, {self.fill}, {self.expected})"


def opened(path: Path, shape: Shape | None = None) -> libdb.DB:
    """Return a handle of a database that exists, or is made in `shape`."""
    handle = libdb.DB()
    if shape is None:
        handle.open(str(path))
        return handle
    handle.set_pagesize(shape.page_size)
    handle.set_lorder(shape.order)
    if shape.flags:
        handle.set_flags(shape.flags)
    if shape.fill:
        handle.set_h_ffactor(shape.fill)
    if shape.expected:
        handle.set_h_nelem(shape.expected)
    handle.open(str(path), dbtype=libdb.DB_HASH, flags=libdb.DB_CREATE | libdb.DB_EXCL)
    return handle


def make(path: Path, shape: Shape, records: Iterable[tuple[bytes, bytes | None]]) -> Path:
    """Make a database of `shape`: put the records in turn; None as a value deletes."""
    handle = opened(path, shape)
    for key, value in records:
        if value is not None:
            handle.put(key, value)
        elif handle.exists(key):
            handle.delete(key)
    handle.close()
    return path


def some_records(seed: int, count: int, largest: int = 60) -> list[tuple[bytes, bytes | None]]:
    """Return puts and some deletes: short values, and a few of up to `largest` bytes; a few keys as long."""
    chance = random.Random(seed)
    changes: list[tuple[bytes, bytes | None]] = []
    for number in range(count):
        size = chance.randrange(largest) if chance.random() < 0.1 else chance.randrange(40)
        key = b"user%d\0realm\0property%d" % (number, chance.randrange(3))
        if chance.random() < 0.03:
            key += b"x" * chance.randrange(largest)
        changes.append((key, chance.randbytes(size)))
        if chance.random() < 0.2:
            changes.append((chance.choice(changes)[0], None))
    return changes


def cursor(path: Path) -> Records:
    """Return what libdb's cursor reads, in its order."""
    handle = libdb.DB()
    handle.open(str(path), flags=libdb.DB_RDONLY)
    walk = handle.cursor()
    records: Records = []
    found = walk.first()
    while found:
        records.append(found)
        found = walk.next()
    walk.close()
    handle.close()
    return records


def pages_of(octets: bytes) -> HashPages:
    """Return the reader of a file that is these bytes."""
    return HashPages(lambda offset, length: octets[offset : offset + length], len(octets), "x.db")


def field(octets: bytes, mark: str, offset: int) -> int:
    """Return the 32-bit number at `offset`."""
    number: int = struct.unpack_from(mark + "I", octets, offset)[0]
    return number


def libdb_survives(path: Path, keys: list[bytes], whole: bool) -> bool:
    """Have libdb change (and, for `whole`, list and verify) a file in a process of its own; False if it dies or hangs.

    An error that libdb reports counts as survival only where not the whole file was proved before.
    """
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(5)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            _use(path, keys, whole)
            code = 0
        except libdb.DBError:
            code = 1 if whole else 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def _use(path: Path, keys: list[bytes], whole: bool) -> None:
    """Put and delete `keys`; for `whole` also list, let the file grow, and verify."""
    if whole:
        cursor(path)
    handle = opened(path)
    for key in keys:
        handle.put(key, b"another value")
    for number in range(30 * whole):
        handle.put(b"grown%d" % number, b"v" * (17 * number))
    for key in keys:
        handle.delete(key)
    handle.close()
    if whole:
        cursor(path)
        libdb.DB().verify(str(path), flags=libdb.DB_NOORDERCHK)
