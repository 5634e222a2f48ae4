"""HASHPAGES: read a Berkeley DB hash file without libdb: fast, in a stream, and safe on any bytes.

What a caller gets are the right records in libdb's own cursor order, or an error; never a loop, a crash or a silent
lack: where records would be missing, the iteration ends with Corrupt. It never writes. `HashPages.check` proves that
libdb can be let loose on the file (libdb itself dies of SIGFPE or SIGSEGV, or spins, on damaged pages).

The format, with its sources, is in the modules below it: hashmeta (the first page), hashitems (one page's records),
hashbook (every page has one owner), hashchains (pages in order), hashcheck (the proof for libdb).

Raises UnknownFormat and FormatUnavailable when a file is taken on, Corrupt any time.
"""

from __future__ import annotations

from sasldb.formats.hashbook import PageBook
from sasldb.formats.hashchains import HashChains
from sasldb.formats.hashitems import Elsewhere
from sasldb.formats.hashmeta import META_SIZE, HashMeta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class HashPages:
    """One hash file, read-only.

    Attributes:
        meta: everything that the first page tells.
        version, page_size (bytes), swapped (not this machine's byte order), checksummed, buckets.
        duplicates: the file allows several values under one key (libdb would then add instead of replace).
        record_estimate: the file's own count of records; may be too large, see `HashMeta.elements`.
    """

    def __init__(self, read: Callable[[int, int], bytes], size: int, path: str) -> None:
        """Take on a file.

        Args:
            read: returns the bytes at `(offset, length)`, fewer only at the end of the file.
            size: the file's size in bytes.
            path: its name, for messages.

        Raises:
            UnknownFormat: no Berkeley DB file of any kind.
            FormatUnavailable: another access method, version or feature than can be read here.
            Corrupt: the first page contradicts itself or the size.
        """
        self.path = path
        self.meta = meta = HashMeta(read(0, META_SIZE), size, path)
        self.version = meta.version
        self.page_size = meta.page_size
        self.swapped = meta.swapped
        self.checksummed = meta.checksummed
        self.duplicates = meta.duplicates
        self.buckets = meta.last_bucket + 1
        self.record_estimate = meta.elements
        self.chains = HashChains(read, meta)

    def key_batches(self) -> Iterator[list[bytes]]:
        """Yield the keys (bytes) of a page at a time; all of them are in libdb's cursor order.

        A key with several values comes once for each. Values on overflow pages are counted, not read.

        Raises:
            Corrupt: a damaged page; or, at the end, pages or records that are missing.
            FormatUnavailable: duplicates kept in a tree.
        """
        book = PageBook(self.meta)
        reader = self.chains.reader
        for _, number, page, offsets in self.chains.bucket_pages(book):
            if reader.is_plain(page, offsets):
                yield reader.plain_keys(page, offsets)
                continue
            keys = []
            for key, values in reader.pairs(page, number, offsets):
                key = self.chains.fetch(key, book)
                keys += [key] * len(values)
                book.promised += sum(map(self._promise, values))
            yield keys
        self.chains.settle(book)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield `(key, value)` (bytes) of every record, in libdb's cursor order.

        Raises:
            Corrupt, FormatUnavailable: as `key_batches`.
        """
        book = PageBook(self.meta)
        reader = self.chains.reader
        for _, number, page, offsets in self.chains.bucket_pages(book):
            if reader.is_plain(page, offsets):
                yield from zip(reader.plain_keys(page, offsets), reader.plain_values(page, offsets))
                continue
            for key, values in reader.pairs(page, number, offsets):
                key = self.chains.fetch(key, book)
                for value in values:
                    yield key, self.chains.fetch(value, book)
        self.chains.settle(book)

    def get(self, key: bytes) -> bytes | None:
        """Return the value (bytes) of `key` (bytes), the first one of several, or None.

        Only the chain of the key's bucket is read.

        Raises:
            Corrupt, FormatUnavailable: as `key_batches`, for that chain.
        """
        book = PageBook(self.meta)
        for number, page, offsets in self.chains.chain(self.meta.bucket_of(key), book):
            for found, values in self.chains.reader.pairs(page, number, offsets):
                if isinstance(found, Elsewhere) and found.length == len(key):
                    found = self.chains.fetch(found, book)
                if found == key:
                    return self.chains.fetch(values[0], book)
        if book.hole:
            for _ in self.key_batches():  # tells a bucket that was never written from one that was lost
                pass
        return None

    def check(self) -> None:
        """Prove the structure of the whole file; see `hashcheck.check`.

        Raises:
            Corrupt: the first damage that was met.
            FormatUnavailable: duplicates kept in a tree.
        """
        from sasldb.formats.hashcheck import check

        check(self)

    def check_around(self, keys: Iterable[bytes], growth: int) -> None:
        """Prove what libdb will touch when `keys` are put or deleted; see `hashcheck.check_around`.

        Raises:
            Corrupt, FormatUnavailable: as `check`.
        """
        from sasldb.formats.hashcheck import check_around

        check_around(self, keys, growth)

    def _promise(self, value: bytes | Elsewhere) -> int:
        """Return the number of overflow pages of a value."""
        return -(-value.length // (self.page_size - self.meta.overhead)) if isinstance(value, Elsewhere) else 0
