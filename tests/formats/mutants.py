"""Damage: files of many shapes, and every way in which a disk, a crash, a bug or an enemy may change them."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

from berkeleydb import db as libdb

from sasldb.formats.hashmeta import META_CHECKSUM_AT, META_SIZE, PAGE_CHECKSUM_AT, checksum_of
from tests.formats.hashfiles import BIG, LITTLE, Records, Shape, make, pages_of, some_records

SHAPES = [
    (Shape(512), 40),
    (Shape(512, BIG), 120),
    (Shape(512, BIG, fill=5), 90),
    (Shape(1024, LITTLE, libdb.DB_CHKSUM), 60),
    (Shape(512, BIG, libdb.DB_CHKSUM), 60),
    (Shape(512, LITTLE, libdb.DB_DUP), 60),
    (Shape(512, BIG, libdb.DB_DUPSORT), 60),
    (Shape(4096), 30),
    (Shape(4096), 300),
    (Shape(65536), 60),
]


class Base:
    """An undamaged file: its shape, bytes and records."""

    def __init__(self, path: Path, shape: Shape, seed: int, count: int) -> None:
        self.shape = shape
        largest = 200 if shape.flags & (libdb.DB_DUP | libdb.DB_DUPSORT) else 3 * shape.page_size
        self.octets = make(path, shape, some_records(seed, count, largest)).read_bytes()
        self.records: Records = list(pages_of(self.octets).items())

    @property
    def count(self) -> int:
        """The number of pages."""
        return len(self.octets) // self.shape.page_size


def bases_in(directory: Path) -> list[Base]:
    """Make a file of each of the shapes."""
    return [Base(directory / str(seed), shape, seed, count) for seed, (shape, count) in enumerate(SHAPES)]


def flip(octets: bytearray, chance: random.Random, first: int, count: int) -> None:
    """Turn over one bit of the `count` bytes from `first` on."""
    octets[min(first + chance.randrange(count), len(octets) - 1)] ^= 1 << chance.randrange(8)


def damage_page(octets: bytearray, base: Base, chance: random.Random) -> list[int]:
    """Damage one page as a whole, or its header; return the pages that changed."""
    size, mark = base.shape.page_size, base.shape.mark
    page, other = chance.randrange(base.count), chance.randrange(base.count)
    at, there = page * size, other * size
    kind = chance.randrange(9)
    wild = chance.choice((0, 1, page, other, base.count - 1, base.count, 0x80000000, 0xFFFFFFFF))
    if kind == 0:
        octets[at : at + size] = bytes(size)
    elif kind == 1:
        octets[at : at + size] = chance.randbytes(size)
    elif kind == 2:
        octets[at : at + size], octets[there : there + size] = octets[there : there + size], octets[at : at + size]
    elif kind == 3:
        octets[at : at + size] = octets[there : there + size]
    elif kind == 4:
        struct.pack_into(mark + "I", octets, at + chance.choice((8, 12, 16)), wild)
    elif kind == 5:  # two chains that meet, or one that is a ring, with every back reference right
        struct.pack_into(mark + "I", octets, at + 16, other)
        struct.pack_into(mark + "I", octets, there + 12, page)
    elif kind == 6:
        wild = chance.choice((0, 1, 2, 9999, 0xFFFF, size - 1, size & 0xFFFF))
        struct.pack_into(mark + "H", octets, at + chance.choice((20, 22, 26, 28, 30, 34)), wild)
    else:
        flip(octets, chance, at + 8, 18)
    return [page, other]


def damage_item(octets: bytearray, base: Base, chance: random.Random) -> list[int]:
    """Damage the table of offsets of a page, or one item's first bytes; return the page."""
    size, mark = base.shape.page_size, base.shape.mark
    page = chance.randrange(base.count)
    table = page * size + (32 if base.shape.flags & libdb.DB_CHKSUM else 26)
    (entries,) = struct.unpack_from(mark + "H", octets, page * size + 20)
    if not entries or 2 * entries > size - 32:
        flip(octets, chance, page * size, size)
    elif chance.random() < 0.5:
        flip(octets, chance, table, 2 * entries)
    else:
        (item,) = struct.unpack_from(mark + "H", octets, table + 2 * chance.randrange(entries))
        flip(octets, chance, page * size + item, 12)
    return [page]


def damage_first(octets: bytearray, base: Base, chance: random.Random) -> list[int]:
    """Damage the first page; return it."""
    if chance.random() < 0.6:
        flip(octets, chance, 0, 230)
    else:
        wild = (0, 1, 2, 3, base.count - 1, base.count, 512, 0x80000000, 0xFFFFFFFF, 1 << chance.randrange(32))
        struct.pack_into(base.shape.mark + "I", octets, 4 * chance.randrange(2, 33), chance.choice(wild))
    return [0]


def damage_size(octets: bytearray, base: Base, chance: random.Random) -> list[int]:
    """Cut the file, lengthen it, or shift a part of it by some bytes."""
    kind, at = chance.randrange(4), chance.randrange(len(octets))
    if kind == 0:
        del octets[at:]
    elif kind == 1:
        del octets[at - at % base.shape.page_size :]
    elif kind == 2:
        octets += bytes(base.shape.page_size)
    else:
        octets[at:at] = chance.randbytes(3)
        del octets[-3:]
    return []


def damage_anything(octets: bytearray, base: Base, chance: random.Random) -> list[int]:
    """Turn over bits anywhere; return their pages."""
    places = [chance.randrange(len(octets)) for _ in range(chance.choice((1, 1, 2, 5)))]
    for place in places:
        flip(octets, chance, place, 1)
    return [place // base.shape.page_size for place in places]


DAMAGES: list[Callable[[bytearray, Base, random.Random], list[int]]] = [
    damage_page,
    damage_page,
    damage_item,
    damage_first,
    damage_size,
    damage_anything,
]


def mutant(base: Base, chance: random.Random) -> bytes:
    """Return the bytes of `base` after some damage, mostly with checksums that hide it."""
    octets = bytearray(base.octets)
    touched = chance.choice(DAMAGES)(octets, base, chance)
    if base.shape.flags & libdb.DB_CHKSUM and chance.random() < 0.8:
        for page in touched:
            at = page * base.shape.page_size
            end, place = (META_SIZE, META_CHECKSUM_AT) if not page else (base.shape.page_size, PAGE_CHECKSUM_AT)
            checksum = checksum_of(bytes(octets[at : at + end]), place)
            struct.pack_into(base.shape.mark + "I", octets, at + place, checksum)
    return bytes(octets)
