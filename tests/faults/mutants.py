"""Damaged databases, made from whole ones by rules: the same number always gives the same damage."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from berkeleydb import db as libdb

from tests.faults.databases import Records, records
from tests.formats.hashfiles import BIG, Shape, make

_META = 92  # bytes of the first page that mean something: db_page.h, DBMETA and HMETA up to the table `spares`
_SPARES = 96
_HEADER = 26
_WILD = [0, 1, 2, 3, 7, 255, 256, 4095, 4096, 4097, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


class Original:
    """A whole database: `name`, `content`, its `records`, `page` bytes a page, `order` as struct writes it.

    `roomy`: made with more buckets than it needs; a page of zeros is then a bucket into which nothing was ever put.
    """

    def __init__(self, name: str, path: Path, shape: Shape) -> None:
        self.name = name
        self.content = path.read_bytes()
        self.records: Records = records(path)
        self.page = shape.page_size
        self.order = shape.mark
        self.roomy = shape.expected > 0

    def lost_unseen(self, content: bytes) -> int:
        """Return how many records nobody can miss in `content`: those of pages that are zeros now, in a roomy table."""
        if not self.roomy:
            return 0
        blank = bytes(self.page)
        starts = [at for at in range(0, len(content), self.page) if content[at : at + self.page] == blank]
        return sum(name in self.content[at : at + self.page] for at in starts for name in self.records)


def _user(number: int, name: bytes = b"userPassword") -> bytes:
    return b"user%d\0example.com\0%b" % (number, name)


def originals(directory: Path) -> list[Original]:
    """Make the whole databases: small ones, many buckets, long chains, overflow pages, free pages, other shapes."""
    few = [(_user(number), b"%016d" % number) for number in range(12)]
    many = [(_user(number), b"%016d" % number) for number in range(150)]
    long = [(_user(number), b"%d" % number * (700 * number % 5000 + 1)) for number in range(30)]
    gone = [*long, *((_user(number), None) for number in range(0, 30, 3))]
    plans: list[tuple[str, Shape, Sequence[tuple[bytes, bytes | None]]]] = [
        ("few", Shape(), few),
        ("small pages", Shape(512), many),
        ("long values", Shape(1024), long),
        ("free pages", Shape(), gone),
        ("big-endian", Shape(512, BIG), many),
        ("checksummed", Shape(1024, flags=libdb.DB_CHKSUM), [*few, *long]),
        ("duplicates", Shape(1024, flags=libdb.DB_DUP), many),
        ("room", Shape(512, fill=4, expected=100), few),
    ]
    return [
        Original(name, make(directory / name.replace(" ", "-"), shape, changes), shape)
        for name, shape, changes in plans
    ]


def mutate(original: Original, number: int) -> tuple[str, bytes]:
    """Return what is damaged, in words, and the damaged file, for any `number`."""
    chance = random.Random(f"{original.name} {number}")
    how = _HOWS[number % len(_HOWS)]
    content = bytearray(original.content)
    words = how(chance, content, original)
    return f"{original.name} {number}: {words}", bytes(content)


def _flip(chance: random.Random, content: bytearray, original: Original) -> str:
    places = [chance.randrange(len(content)) for _ in range(chance.randint(1, 8))]
    for place in places:
        content[place] ^= 1 << chance.randrange(8)
    return f"bits flipped at {places}"


def _scribble(chance: random.Random, content: bytearray, original: Original) -> str:
    length = chance.randint(1, 64)
    place = chance.randrange(len(content) - length)
    content[place : place + length] = chance.randbytes(length)
    return f"{length} random bytes at {place}"


def _wild_meta(chance: random.Random, content: bytearray, original: Original) -> str:
    place = chance.choice([*range(8, _META, 4), *range(_SPARES, _SPARES + 40, 4)])
    value = chance.choice([*_WILD, chance.getrandbits(32)])
    struct.pack_into(original.order + "I", content, place, value)
    return f"first page, offset {place}: {value}"


def _wild_header(chance: random.Random, content: bytearray, original: Original) -> str:
    page = chance.randrange(1, len(content) // original.page)
    place, size = chance.choice([(8, "I"), (12, "I"), (16, "I"), (20, "H"), (22, "H"), (24, "B"), (25, "B")])
    value = chance.choice([*_WILD, chance.getrandbits(32)]) & (1 << 8 * struct.calcsize(size)) - 1
    struct.pack_into(original.order + size, content, page * original.page + place, value)
    return f"page {page}, offset {place}: {value}"


def _wild_link(chance: random.Random, content: bytearray, original: Original) -> str:
    pages = len(content) // original.page
    page, target = chance.randrange(1, pages), chance.randrange(pages)
    place = chance.choice([12, 16])
    struct.pack_into(original.order + "I", content, page * original.page + place, target)
    return f"page {page}, link at {place} to page {target}"


def _wild_offset(chance: random.Random, content: bytearray, original: Original) -> str:
    page = chance.randrange(1, len(content) // original.page)
    place = _HEADER + 2 * chance.randrange(12)
    value = chance.choice([*_WILD, chance.getrandbits(16)]) & 0xFFFF
    struct.pack_into(original.order + "H", content, page * original.page + place, value)
    return f"page {page}, table of items at {place}: {value}"


def _replace_page(chance: random.Random, content: bytearray, original: Original) -> str:
    size = original.page
    page = chance.randrange(len(content) // size)
    kind, octets = chance.choice([("zeros", bytes(size)), ("ones", b"\xff" * size), ("noise", chance.randbytes(size))])
    content[page * size : (page + 1) * size] = octets
    return f"page {page} is {kind}"


def _move_pages(chance: random.Random, content: bytearray, original: Original) -> str:
    size = original.page
    one, other = (chance.randrange(len(content) // size) for _ in range(2))
    first, second = content[one * size : (one + 1) * size], content[other * size : (other + 1) * size]
    content[one * size : (one + 1) * size] = second
    if chance.random() < 0.5:
        return f"page {one} is a copy of page {other}"
    content[other * size : (other + 1) * size] = first
    return f"pages {one} and {other} have changed places"


def _cut(chance: random.Random, content: bytearray, original: Original) -> str:
    size = chance.randrange(len(content))
    if chance.random() < 0.5:
        size -= size % original.page
    del content[size:]
    return f"cut to {size} bytes"


def _extend(chance: random.Random, content: bytearray, original: Original) -> str:
    length = chance.choice([1, 100, original.page, 3 * original.page])
    content += chance.choice([bytes(length), chance.randbytes(length)])
    return f"{length} bytes too many"


_HOWS: list[Callable[[random.Random, bytearray, Original], str]] = [
    _flip,
    _scribble,
    _wild_meta,
    _wild_header,
    _wild_link,
    _wild_offset,
    _replace_page,
    _move_pages,
    _cut,
    _extend,
]
