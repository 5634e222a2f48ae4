"""HASHCHAINS: the pages of a Berkeley DB hash file, one after another, each proved to be the one that belongs there.

Buckets, their chains, overflow pages, free pages: read in a stream, a megabyte ahead where pages lie together, and never
in a loop (see `hashbook`). What is on a page is for `hashitems`, what it means for `hashpages`.

Sources, libdb 5.3.28: dbinc/db_page.h (`PAGE`; `OV_LEN`, `OV_REF` of overflow pages), db/db_overflow.c (an item's pages are all full
but the last), db/db_meta.c (free pages), db/db_conv.c (checksums; pages that were never written), hash/hash_page.c
(`__ham_item_next`: a cursor's order), hash/hash_verify.c (bucket pages above the last bucket are empty).

Raises Corrupt with the page's number.
"""

from __future__ import annotations

from struct import unpack_from

from sasldb.errors import Corrupt
from sasldb.formats.hashbook import PageBook
from sasldb.formats.hashitems import (
    P_HASH,
    P_HASH_UNSORTED,
    P_INVALID,
    P_OVERFLOW,
    Elsewhere,
    Header,
    ItemReader,
    Offsets,
)
from sasldb.formats.hashmeta import PAGE_CHECKSUM_AT, HashMeta, checksum_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READ_AHEAD = 1 << 20  # bytes


class HashChains:
    """The pages of one file. `meta` is its first page, `reader` reads items; `read` returns the bytes at `(offset, length)`."""

    __slots__ = ("_read", "meta", "path", "reader")

    def __init__(self, read: Callable[[int, int], bytes], meta: HashMeta) -> None:
        self._read = read
        self.meta = meta
        self.path = meta.path
        self.reader = ItemReader(meta)

    def bucket_pages(self, book: PageBook) -> Iterator[tuple[int, int, bytes, Offsets]]:
        """Yield `(bucket, page number, page, offsets)` of every hash page that holds pairs, in cursor order.

        Raises:
            Corrupt: a damaged page or chain.
        """
        buckets = self.meta.last_bucket + 1
        for first_bucket, first_page, count in self.meta.runs:
            count = min(count, buckets - first_bucket)
            if count <= 0:
                break
            shift = first_bucket - first_page
            for number, page in self.run(first_page, count):
                bucket = number + shift
                following, offsets = self._bucket_page(page, number, bucket, book)
                if offsets:
                    book.pairs += len(offsets) >> 1
                    yield bucket, number, page, offsets
                if following:
                    for link in self._links(number, following, bucket, book):
                        yield bucket, *link

    def chain(self, bucket: int, book: PageBook) -> Iterator[tuple[int, bytes, Offsets]]:
        """Yield `(page number, page, offsets)` of the pages of one bucket that hold pairs, in order.

        Raises:
            Corrupt: a damaged page or chain.
        """
        number = self.meta.bucket_page(bucket)
        page = self.page(number)
        following, offsets = self._bucket_page(page, number, bucket, book)
        if offsets:
            yield number, page, offsets
        if following:
            yield from self._links(number, following, bucket, book)

    def _bucket_page(self, page: bytes, number: int, bucket: int, book: PageBook) -> tuple[int, Offsets]:
        """Prove the first page of a bucket; return as `ItemReader.offsets`."""
        if is_hole(page):
            book.note_hole(number, bucket)
            return 0, ()
        return self._hash_page(page, number, 0, bucket)

    def _hash_page(self, page: bytes, number: int, previous: int, bucket: int) -> tuple[int, Offsets]:
        """Prove a page of a bucket as far as reading needs it; return as `ItemReader.offsets`.

        Two keys stand for all of them here: a whole page of another bucket, or from before a split, betrays itself.
        """
        following, offsets = self.reader.offsets(page, number, previous)
        if offsets:
            for key in self.reader.end_keys(page, offsets):
                if self.meta.bucket_of(key) != bucket:
                    raise Corrupt(self.path, "a key in a bucket that is not its own", number)
        return following, offsets

    def _links(self, number: int, following: int, bucket: int, book: PageBook) -> Iterator[tuple[int, bytes, Offsets]]:
        """Yield what `chain` does, from page `following` on, which comes after page `number`."""
        while following:
            book.claim(following, number)
            previous, number = number, following
            page = self.page(number)
            following, offsets = self._hash_page(page, number, previous, bucket)
            if offsets:
                book.pairs += len(offsets) >> 1
                yield number, page, offsets

    def fetch(self, item: bytes | Elsewhere, book: PageBook) -> bytes:
        """Return the bytes of an item, reading its overflow pages where it has any.

        Raises:
            Corrupt: a damaged chain of overflow pages.
        """
        if not isinstance(item, Elsewhere):
            return item
        overhead = self.meta.overhead
        parts = []
        left, owner, number, previous = item.length, item.owner, item.number, 0
        while left:
            book.claim(number, owner)
            page = self.page(number)
            header = Header(page, self.meta.order)
            length = min(left, self.meta.page_size - overhead)
            left -= length
            if header.number != number or header.kind != P_OVERFLOW or header.level:
                raise Corrupt(self.path, f"a page of type {header.kind} where an overflow page should be", number)
            if header.previous != previous or header.entries != 1:
                raise Corrupt(self.path, "not the overflow page that should be here", number)
            if header.low != length or bool(header.following) != bool(left):
                raise Corrupt(self.path, f"an overflow page of {header.low} bytes instead of {length}", number)
            parts.append(page[overhead : overhead + length])
            previous = owner = number
            number = header.following
        return b"".join(parts)

    def settle(self, book: PageBook) -> None:
        """Read the list of free pages and the bucket pages not in use yet, and close the account.

        Raises:
            Corrupt: a damaged list, missing pages, or missing records.
        """
        for _ in self.free_pages(book):
            pass
        buckets = self.meta.last_bucket + 1
        for first_bucket, first_page, count in self.meta.runs:
            unused = first_bucket + count - max(first_bucket, buckets)
            if unused > 0:
                for number, page in self.run(first_page + count - unused, unused):
                    self.prove_unused(page, number)
        if (
            book.missing > 0
        ):  # unlocked writers lose pages that are free or were never written: no record goes with them
            for number in book.unclaimed():
                page = self.page(number)
                if is_hole(page) or _is_free(Header(page, self.meta.order), number):
                    book.claim(number, number)
        book.settle()

    def prove_unused(self, page: bytes, number: int) -> None:
        """Prove that a page set aside for a bucket to come holds nothing.

        Raises:
            Corrupt: it does.
        """
        if is_hole(page):
            return
        header = Header(page, self.meta.order)
        kinds = (P_INVALID, P_HASH, P_HASH_UNSORTED)
        held = header.entries or header.following or header.previous or header.level
        if header.number != number or header.kind not in kinds or held:
            raise Corrupt(self.path, "records on a page that no bucket uses yet", number)

    def free_pages(self, book: PageBook) -> Iterator[int]:
        """Yield the numbers of the free pages, in the order in which libdb will use them.

        Raises:
            Corrupt: the list leaves the file, meets another chain, or holds a page that is in use.
        """
        owner, number = 0, self.meta.free
        while number:
            book.claim(number, owner)
            header = Header(self.page(number), self.meta.order)
            if not _is_free(header, number):
                raise Corrupt(self.path, f"a page of type {header.kind} on the list of free pages", number)
            yield number
            owner, number = number, header.following

    def page(self, number: int) -> bytes:
        """Return the bytes of page `number` (inside the file).

        Raises:
            Corrupt: the file has become shorter, or a wrong checksum.
        """
        return next(self.run(number, 1))[1]

    def run(self, first: int, count: int) -> Iterator[tuple[int, bytes]]:
        """Yield `(number, bytes)` of `count` pages from page `first` on, reading ahead.

        Raises:
            Corrupt: the file has become shorter, or a wrong checksum.
        """
        size = self.meta.page_size
        step = _READ_AHEAD // size
        for start in range(first, first + count, step):
            length = min(step, first + count - start) * size
            octets = self._read(start * size, length)
            if len(octets) != length:
                raise Corrupt(self.path, "the file became shorter while it was read", start)
            number = start
            for offset in range(0, length, size):
                page = octets[offset : offset + size]
                if self.meta.checksummed and not is_hole(page):
                    (stored,) = unpack_from(self.meta.order + "I", page, PAGE_CHECKSUM_AT)
                    if stored != checksum_of(page, PAGE_CHECKSUM_AT):
                        raise Corrupt(self.path, "wrong checksum", number)
                yield number, page
                number += 1


def is_hole(page: bytes) -> bool:
    """Tell whether a page was never written: all its bytes are zero."""
    return not page[25] and page == bytes(len(page))


def _is_free(header: Header, number: int) -> bool:
    """Tell whether this is the header of a page `number` that was given back."""
    shape = header.number, header.kind, header.level, header.previous, header.entries
    return shape == (number, P_INVALID, 0, 0, 0)
