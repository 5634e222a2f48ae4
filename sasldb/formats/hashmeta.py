"""HASHMETA: the first page of a Berkeley DB hash file, read and proved before anything relies on it.

It tells what the file is (or why it cannot be read here), how large its pages are and where every bucket begins. It never
looks at another page (see `hashpages`), and knows nothing of users.

Sources, libdb 5.3.28, each confirmed on files of the real library: dbinc/db_page.h (`DBMETA33`, `HMETA33`: offsets in the
first 512 bytes; page types), dbinc/hash.h (`BS_TO_PAGE`, `CHARKEY`), hash/hash_func.c (`__ham_func5` is FNV-1 from 0,
`__ham_func4` is Horner's rule with 33), hash/hash_open.c (versions 7 to 9 are usable, 4 to 6 want an upgrade),
hash/hash_verify.c (masks, spares), db/db_conv.c (what a checksum covers).

Raises UnknownFormat (no Berkeley DB file), FormatUnavailable (one that is not read here) and Corrupt.
"""

from __future__ import annotations

import sys
from _operator import mul  # operator, without the cost of its Python half
from struct import unpack_from

from sasldb.errors import Corrupt, FormatUnavailable, UnknownFormat

META_SIZE = 512  # bytes; DBMETASIZE, the part of the first page that is used and that its checksum covers
SMALLEST_PAGE, LARGEST_PAGE = 512, 65536  # bytes, DB_MIN_PGSIZE and DB_MAX_PGSIZE
P_HASHMETA = 8
PAGE_HEADER = 26  # bytes, SIZEOF_PAGE; a checksummed page has PG_CHKSUM (2 of padding, 4 of checksum) behind it
PAGE_CHECKSUM_AT, META_CHECKSUM_AT = 28, 492  # the comment in HMETA33 says 496, but the vector before it has 16 bytes

_HASH_MAGIC = 0x061561
_KINDS = {0x053162: "btree or recno", 0x042253: "queue", 0x074582: "heap", 0x040988: "log", 0x030800: "renamed"}
_CHARKEY = b"%$sniglet^&\0"
_FLAG_CHECKSUM, _FLAGS_PARTITION = 0x01, 0x06  # metaflags, byte 26
_FLAG_DUP, _FLAG_SUBDB, _FLAG_DUPSORT = 0x01, 0x02, 0x04  # flags, bytes 48-51

_MOST_PAGES = 1 << 24  # a file with holes can announce any number; this many would be some 700 million users

_weights: dict[int, list[int]] = {}


def hash_of(key: bytes) -> int:
    """Return the 32-bit hash of `key` (bytes): FNV-1 starting from 0."""
    value = 0
    for byte in key:
        value = (value * 16777619 & 0xFFFFFFFF) ^ byte
    return value


def checksum_of(page: bytes, at: int) -> int:
    """Return the 32-bit checksum of `page` (bytes), taking the four bytes at offset `at` for zero."""
    weights = _weights.get(len(page))
    if weights is None:
        weights = [1]
        while len(weights) < len(page):
            weights.append(weights[-1] * 33 & 0xFFFFFFFF)
        weights.reverse()
        _weights[len(page)] = weights
    total: int = sum(map(mul, page[:at] + b"\0\0\0\0" + page[at + 4 :], weights))
    return total & 0xFFFFFFFF


class HashMeta:
    """The proved facts of the first page. Page and bucket numbers are 0-based; sizes are bytes.

    Attributes:
        order: "<" or ">", the file's byte order as `struct` writes it; swapped: it is not this machine's.
        overhead: where the table of item offsets begins in a page.
        pages: number of pages of the file. last_bucket: the highest bucket in use.
        free: first page of the free list, 0 for none.
        elements: the file's own count of pairs. libdb keeps it exactly when it takes no locks, but starts it at the
            `h_nelem` that the creator gave (db_dump | db_load gives the old count), so it may be too large.
        fill: pairs on a page from which on libdb splits a bucket, 0 for its default rule.
        duplicates: the file allows several values under one key.
        runs: `(first bucket, first page, number of pages)` of every group of bucket pages, in order of buckets.
    """

    order: str
    page_size: int
    last_bucket: int
    elements: int
    free: int
    runs: list[tuple[int, int, int]]

    __slots__ = (
        *("path", "order", "swapped", "version", "page_size", "checksummed", "overhead", "pages", "free"),
        *("last_bucket", "elements", "fill", "duplicates", "runs"),
    )

    def __init__(self, head: bytes, size: int, path: str) -> None:
        """Take the first `META_SIZE` bytes (fewer if the file is shorter) and the file's size in bytes.

        Raises:
            UnknownFormat: no Berkeley DB file of any kind.
            FormatUnavailable: another access method, version or feature than can be read here.
            Corrupt: the page contradicts itself or the size of the file.
        """
        self.path = path
        self.order = _order_of(head, path)
        self.swapped = (self.order == "<") != (sys.byteorder == "little")
        if len(head) < META_SIZE:
            raise Corrupt(path, "cut short: the first page is not complete", 0)
        self._read_features(head)
        self._read_geometry(head, size)
        self._read_table(head)

    def _read_features(self, head: bytes) -> None:
        """Read what kind of hash file this is, and refuse what is not read here."""
        self.version, self.page_size, encryption, kind, meta_flags = unpack_from(self.order + "2I3B", head, 16)
        (partitions,) = unpack_from(self.order + "I", head, 36)
        (flags,) = unpack_from(self.order + "I", head, 48)
        if self.version < 7:
            reason = f"Berkeley DB hash version {self.version} is older than the versions 7 to 9 that can be read"
            raise FormatUnavailable(self.path, reason, "run on a copy: db_upgrade")
        if self.version > 9:
            reason = f"Berkeley DB hash version {self.version} is newer than the versions 7 to 9 that can be read"
            raise FormatUnavailable(self.path, reason, "dump and load it with db_dump and db_load of its own release")
        if encryption:
            raise FormatUnavailable(self.path, "an encrypted Berkeley DB file")
        if flags & _FLAG_SUBDB:
            raise FormatUnavailable(self.path, "a Berkeley DB file of several databases")
        if partitions or meta_flags & _FLAGS_PARTITION:
            raise FormatUnavailable(self.path, "a partitioned Berkeley DB file")
        if kind != P_HASHMETA:
            raise Corrupt(self.path, f"the first page has type {kind}", 0)
        unknown = meta_flags & ~_FLAG_CHECKSUM or flags & ~(_FLAG_DUP | _FLAG_DUPSORT)
        if unknown or flags == _FLAG_DUPSORT:
            raise Corrupt(self.path, f"impossible flags {meta_flags:#x} and {flags:#x}", 0)
        self.duplicates = flags != 0
        self.checksummed = meta_flags == _FLAG_CHECKSUM
        self.overhead = PAGE_HEADER + 6 if self.checksummed else PAGE_HEADER
        if self.checksummed:
            (stored,) = unpack_from(self.order + "I", head, META_CHECKSUM_AT)
            if stored != checksum_of(head[:META_SIZE], META_CHECKSUM_AT):
                raise Corrupt(self.path, "wrong checksum", 0)

    def _read_geometry(self, head: bytes, size: int) -> None:
        """Read the sizes, and compare them with the file's."""
        page_size = self.page_size
        if not SMALLEST_PAGE <= page_size <= LARGEST_PAGE or page_size & (page_size - 1):
            raise Corrupt(self.path, f"impossible page size {page_size}", 0)
        (number,) = unpack_from(self.order + "I", head, 8)
        self.free, last = unpack_from(self.order + "2I", head, 28)
        if number != 0:
            raise Corrupt(self.path, f"the first page says that it is page {number}", 0)
        if size != (last + 1) * page_size:
            cut = "cut short" if size < (last + 1) * page_size else "longer than it should be"
            raise Corrupt(self.path, f"{cut}: {size} bytes where {last + 1} pages of {page_size} are announced", 0)
        if last >= _MOST_PAGES:
            raise FormatUnavailable(self.path, f"{last + 1} pages are more than can be kept account of")
        self.pages = last + 1
        if self.free > last:
            raise Corrupt(self.path, f"the list of free pages begins at page {self.free}, outside the file", 0)

    def _read_table(self, head: bytes) -> None:
        """Read the hash table: its masks, its hash function and where its buckets lie."""
        self.last_bucket, high, low, self.fill, self.elements, charkey = unpack_from(self.order + "6I", head, 72)
        if charkey != hash_of(_CHARKEY):
            raise FormatUnavailable(self.path, "its keys are hashed by a function of its creator's own")
        bits = self.last_bucket.bit_length()
        if not 0 < self.last_bucket < self.pages:
            raise Corrupt(self.path, f"impossible number of buckets {self.last_bucket + 1}", 0)
        if high != (1 << bits) - 1 or low != high >> 1:
            raise Corrupt(self.path, f"masks {high:#x} and {low:#x} do not fit {self.last_bucket + 1} buckets", 0)
        self.runs = self._runs(unpack_from(self.order + "32I", head, 96), bits)

    def _runs(self, spares: tuple[int, ...], bits: int) -> list[tuple[int, int, int]]:
        """Return the groups of bucket pages: the spares give each doubling's first page less its first bucket."""
        runs: list[tuple[int, int, int]] = []
        after = 1  # libdb only ever adds groups at the end of the file
        for index, spare in enumerate(spares):
            bucket = 1 << index >> 1
            count = bucket or 1
            if index > bits and not any(spares[index:]):
                break
            if spare + bucket < after or spare + bucket + count > self.pages:
                raise Corrupt(self.path, f"impossible place of the buckets from {bucket} on", 0)
            runs.append((bucket, spare + bucket, count))
            after = spare + bucket + count
        return runs

    def bucket_of(self, key: bytes) -> int:
        """Return the number of the bucket that `key` (bytes) belongs in."""
        high = (1 << self.last_bucket.bit_length()) - 1
        bucket = hash_of(key) & high
        return bucket if bucket <= self.last_bucket else bucket & high >> 1

    def bucket_page(self, bucket: int) -> int:
        """Return the number of the first page of `bucket`, or 0 when no page is set aside for it yet."""
        index = bucket.bit_length()
        if index >= len(self.runs):
            return 0
        first_bucket, first_page, _ = self.runs[index]
        return first_page + bucket - first_bucket


def _order_of(head: bytes, path: str) -> str:
    """Return the byte order ("<" or ">") of a hash file; name what else it is."""
    if len(head) >= 20:
        for order in "<>":
            (magic,) = unpack_from(order + "I", head, 12)
            if magic == _HASH_MAGIC:
                return order
            if magic in _KINDS:
                raise FormatUnavailable(path, f"a Berkeley DB file of kind {_KINDS[magic]}, not hash")
            if unpack_from(order + "I", head, 0)[0] == _HASH_MAGIC:
                raise FormatUnavailable(path, "a hash file of Berkeley DB 1.85, which nothing here can read")
    raise UnknownFormat(path, "not a Berkeley DB file")
