"""HASHITEMS: what one page of a Berkeley DB hash file holds, from its bytes, trusting none of them.

A hash page is a table of 16-bit offsets, two for every pair (key, then data); item n reaches from its offset to the
offset of item n-1, the first one to the end of the page. Nothing here reads the file: items that lie on overflow pages
come back as `Elsewhere`, for `hashpages` to fetch.

Sources, libdb 5.3.28: dbinc/db_page.h (`PAGE`: header of 26 bytes; `HKEYDATA`, `HOFFPAGE`, `HOFFDUP`: items; `LEN_HITEM`),
dbinc/hash.h (`DUP_SIZE`: a set of duplicates is length, value, length ...), hash/hash_verify.c (what must hold).

Raises Corrupt with the page's number, and FormatUnavailable for duplicates kept in a tree.
"""

from __future__ import annotations

from _operator import gt, itemgetter  # operator, without the cost of its Python half
from struct import Struct, unpack_from

from sasldb.errors import Corrupt, FormatUnavailable
from sasldb.formats.hashmeta import HashMeta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

P_INVALID, P_HASH_UNSORTED, P_OVERFLOW, P_HASH = 0, 2, 7, 13  # page types
_HEADER = "8x3I2H2B"  # log sequence number; page number, previous, next; entries, low; level, type
_KEYDATA, _DUPLICATE, _OFFPAGE, _OFFDUP = 1, 2, 3, 4  # item types

Offsets = tuple[int, ...]


class Header:
    """The header of any page but the first one.

    `low` is the offset of the lowest item, or an overflow page's length; `level` is 0 outside of trees.
    """

    __slots__ = ("entries", "following", "kind", "level", "low", "number", "previous")

    def __init__(self, page: bytes, order: str) -> None:
        fields = unpack_from(order + _HEADER, page)
        self.number, self.previous, self.following, self.entries, self.low, self.level, self.kind = fields


class Elsewhere:
    """An item of `length` bytes on the chain of overflow pages that begins at page `number`; `owner` refers to it."""

    __slots__ = ("length", "number", "owner")

    def __init__(self, number: int, length: int, owner: int) -> None:
        self.number, self.length, self.owner = number, length, owner


class ItemReader:
    """Reads the items of the hash pages of one file."""

    __slots__ = ("_meta", "_tables", "_header")

    def __init__(self, meta: HashMeta) -> None:
        self._meta = meta
        self._header = Struct(meta.order + _HEADER).unpack_from
        self._tables: dict[int, Struct] = {}

    def offsets(self, page: bytes, number: int, previous: int) -> tuple[int, Offsets]:
        """Prove a hash page and return `(next page of its chain or 0, offsets of its items)`.

        Args:
            page: the page's bytes.
            number: its page number.
            previous: the page before it in its bucket's chain, 0 for a bucket's first page.

        Raises:
            Corrupt: it is no hash page, another page, in another chain, or its table of offsets cannot be.
        """
        meta = self._meta
        own, before, following, entries, low, level, kind = self._header(page)
        if own != number or level or kind != P_HASH and kind != P_HASH_UNSORTED:
            raise self._corrupt(number, f"of type {kind} and number {own} where a hash page should be")
        if before != previous:
            raise self._corrupt(number, f"its chain comes from page {before} instead of {previous}")
        if not entries:
            if low != meta.page_size & 0xFFFF:  # a page of 65536 bytes has 0 there
                raise self._corrupt(number, f"an empty page whose items begin at {low}")
            return following, ()
        table_end = meta.overhead + 2 * entries
        if entries & 1 or table_end > low:
            raise self._corrupt(number, f"impossible number of items {entries}")
        table = self._tables.get(entries) or self._table(entries)
        offsets = table.unpack_from(page, meta.overhead)
        if offsets[-1] != low or offsets[0] >= meta.page_size or not all(map(gt, offsets, offsets[1:])):
            raise self._corrupt(number, "impossible offsets of items")
        return following, offsets

    def _table(self, entries: int) -> Struct:
        """Return the unpacker of a table of `entries` offsets, kept for the next page that has as many."""
        table = self._tables[entries] = Struct(f"{self._meta.order}{entries}H")
        return table

    def end_keys(self, page: bytes, offsets: Offsets) -> list[bytes]:
        """Return the first and the last key of a page (once if it is one), without those on overflow pages."""
        ends = (self._meta.page_size, *offsets)
        indexes = {0, len(offsets) - 2}
        return [page[offsets[i] + 1 : ends[i]] for i in indexes if page[offsets[i]] == _KEYDATA]

    def is_plain(self, page: bytes, offsets: Offsets) -> bool:
        """Tell whether every item lies on the page itself and is no set of duplicates."""
        kinds: tuple[int, ...] = itemgetter(*offsets)(page)
        return kinds.count(_KEYDATA) == len(offsets)

    def plain_keys(self, page: bytes, offsets: Offsets) -> list[bytes]:
        """Return the keys (bytes) of a page that `is_plain`, in its order."""
        ends = (self._meta.page_size, *offsets[1:-1:2])
        return [page[start + 1 : end] for start, end in zip(offsets[::2], ends)]

    def plain_values(self, page: bytes, offsets: Offsets) -> list[bytes]:
        """Return the values (bytes) of a page that `is_plain`, in its order."""
        return [page[start + 1 : end] for start, end in zip(offsets[1::2], offsets[::2])]

    def pairs(
        self, page: bytes, number: int, offsets: Offsets
    ) -> Iterator[tuple[bytes | Elsewhere, list[bytes | Elsewhere]]]:
        """Yield `(key, values)` of any hash page, in its order; more than one value only from a set of duplicates.

        Raises:
            Corrupt: an item of a type or size that cannot be.
            FormatUnavailable: duplicates in a tree of their own.
        """
        ends = (self._meta.page_size, *offsets)
        for index in range(0, len(offsets), 2):
            key = self._item(page, number, offsets[index], ends[index])
            start, end = offsets[index + 1], ends[index + 1]
            if page[start] == _DUPLICATE:
                yield key, self._duplicates(page, number, start + 1, end)
            elif page[start] == _OFFDUP and self._meta.duplicates:
                raise FormatUnavailable(self._meta.path, "duplicates of one key in a tree of their own are not read")
            else:
                yield key, [self._item(page, number, start, end)]

    def _item(self, page: bytes, number: int, start: int, end: int) -> bytes | Elsewhere:
        """Return one item that is no duplicate, or where it lies."""
        kind = page[start]
        if kind == _KEYDATA:
            return page[start + 1 : end]
        if kind != _OFFPAGE or end - start != 12:
            raise self._corrupt(number, f"an item of type {kind} and {end - start} bytes")
        first, length = unpack_from(self._meta.order + "2I", page, start + 4)
        if not 0 < first < self._meta.pages or not length:
            raise self._corrupt(number, f"an item of {length} bytes on page {first}")
        return Elsewhere(first, length, number)

    def _duplicates(self, page: bytes, number: int, start: int, end: int) -> list[bytes | Elsewhere]:
        """Return the values of a set of duplicates."""
        values: list[bytes | Elsewhere] = []
        while start + 4 <= end and self._meta.duplicates:
            (length,) = unpack_from(self._meta.order + "H", page, start)
            stop = start + 2 + length
            if stop + 2 > end or page[stop : stop + 2] != page[start : start + 2]:
                break
            values.append(page[start + 2 : stop])
            start = stop + 2
        if start != end or not values:
            raise self._corrupt(number, "an impossible set of duplicates")
        return values

    def _corrupt(self, number: int, reason: str) -> Corrupt:
        return Corrupt(self._meta.path, reason, number)
