"""Hash files that Hypothesis draws: a small file built page by page from drawn records, then spoilt at drawn places, or not.

What is built is right by the same sources as `sasldb/formats/hashmeta.py` and `hashitems.py`; so most of what is drawn gets past
the first page, and each spoilt byte meets the code that has to notice it.
"""

from __future__ import annotations

import struct

from hypothesis import strategies as st

from sasldb.formats.hashmeta import META_CHECKSUM_AT, META_SIZE, PAGE_CHECKSUM_AT, checksum_of, hash_of

SIZE = 512  # bytes a page
BUCKETS = 4  # on pages 1 to 4
_HASH, _OVERFLOW = 13, 7
_FIELDS = [
    (8, "I"),
    (12, "I"),
    (16, "I"),
    (20, "H"),
    (22, "H"),
    (24, "B"),
    (25, "B"),
    *((26 + 2 * n, "H") for n in range(8)),
]
_META_FIELDS = [(at, "I") for at in (*range(8, 40, 4), 48, *range(72, 120, 4))] + [(24, "B"), (25, "B"), (26, "B")]
_WILD = st.sampled_from([0, 1, 2, 3, 5, 7, 13, 26, 256, 511, 512, 0xFFFF, 0x80000000, 0xFFFFFFFF]) | st.integers(
    0, 0xFFFFFFFF
)

KEYS = st.just(b"") | st.binary(max_size=12) | st.binary(min_size=200, max_size=240)
VALUES = st.binary(max_size=40) | st.binary(min_size=200, max_size=1100)


class Builder:
    """Builds the pages of one file of byte order `mark`, with checksums or without."""

    def __init__(self, mark: str, checksummed: bool) -> None:
        self.mark = mark
        self.checksummed = checksummed
        self.overhead = 32 if checksummed else 26
        self.pages = [bytearray(SIZE) for _ in range(1 + BUCKETS)]
        self.pairs = 0

    def fill(self, bucket: int, records: list[tuple[bytes, bytes]]) -> None:
        """Put records into a bucket, on a chain of pages, with large ones on overflow pages."""
        number = 1 + bucket
        items: list[bytes] = []
        previous = 0
        for record in records:
            pair = [self._item(part) for part in record]
            if self.overhead + 2 * (len(items) + 2) + sum(map(len, items + pair)) > SIZE:
                following = self._new()
                self._page(number, previous, following, items)
                previous, number, items = number, following, []
            items += pair
            self.pairs += 1
        self._page(number, previous, 0, items)

    def _new(self) -> int:
        self.pages.append(bytearray(SIZE))
        return len(self.pages) - 1

    def _item(self, octets: bytes) -> bytes:
        if len(octets) <= SIZE // 4:
            return b"\1" + octets
        room = SIZE - self.overhead
        pieces = [octets[at : at + room] for at in range(0, len(octets), room)]
        numbers = [self._new() for _ in pieces]
        for at, (number, piece) in enumerate(zip(numbers, pieces)):
            before, after = (numbers[at - 1] if at else 0), (numbers[at + 1] if at + 1 < len(numbers) else 0)
            self._header(number, before, after, 1, len(piece), _OVERFLOW)
            self.pages[number][self.overhead : self.overhead + len(piece)] = piece
        return b"\3\0\0\0" + struct.pack(self.mark + "2I", numbers[0], len(octets))

    def _header(self, number: int, previous: int, following: int, entries: int, low: int, kind: int) -> None:
        struct.pack_into(
            self.mark + "3I2H2B", self.pages[number], 8, number, previous, following, entries, low, 0, kind
        )

    def _page(self, number: int, previous: int, following: int, items: list[bytes]) -> None:
        low = SIZE
        for index, item in enumerate(items):
            low -= len(item)
            self.pages[number][low : low + len(item)] = item
            struct.pack_into(self.mark + "H", self.pages[number], self.overhead + 2 * index, low)
        self._header(number, previous, following, len(items), low, _HASH)

    def first(self, version: int) -> None:
        """Fill the first page."""
        page, last = self.pages[0], len(self.pages) - 1
        struct.pack_into(
            self.mark + "4I4B3I", page, 8, 0, 0x061561, version, SIZE, 0, 8, self.checksummed, 0, 0, last, 0
        )
        top = BUCKETS - 1
        struct.pack_into(self.mark + "6I", page, 72, top, top, top >> 1, 0, self.pairs, hash_of(b"%$sniglet^&\0"))
        struct.pack_into(self.mark + "3I", page, 96, 1, 1, 1)

    def sign(self) -> None:
        """Set the checksums of all pages."""
        for number, page in enumerate(self.pages if self.checksummed else []):
            end, at = (SIZE, PAGE_CHECKSUM_AT) if number else (META_SIZE, META_CHECKSUM_AT)
            struct.pack_into(self.mark + "I", page, at, checksum_of(bytes(page[:end]), at))


def _ordered(key: bytes) -> bytes:
    """Return what sorts short keys as libdb does: of two that begin alike the longer one first (no key here has a byte 255)."""
    return key + b"\xff" * 300


@st.composite
def hash_files(draw: st.DrawFn) -> bytes:
    """Draw the bytes of a hash file: in half of the cases whole, otherwise with one to four fields or bytes spoilt."""
    builder = Builder(draw(st.sampled_from("<>")), draw(st.booleans()))
    records = draw(st.dictionaries(KEYS.map(lambda key: key.replace(b"\xff", b"\xfe")), VALUES, max_size=12))
    for bucket in range(BUCKETS):
        chosen = sorted((key for key in records if hash_of(key) % BUCKETS == bucket), key=_ordered)
        builder.fill(bucket, [(key, records[key]) for key in chosen])
    builder.first(draw(st.sampled_from([7, 8, 9])))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 4]))):
        page = draw(st.integers(0, len(builder.pages) - 1))
        if draw(st.booleans()):
            at, size = draw(st.sampled_from(_FIELDS if page else _META_FIELDS))
            struct.pack_into(
                builder.mark + size, builder.pages[page], at, draw(_WILD) % (1 << 8 * struct.calcsize(size))
            )
        else:
            builder.pages[page][draw(st.integers(0, SIZE - 1))] = draw(st.integers(0, 255))
    if draw(st.sampled_from([True, True, False])):
        builder.sign()
    octets = b"".join(builder.pages)
    return octets[: draw(st.integers(0, len(octets)))] if draw(st.integers(0, 15)) == 15 else octets
