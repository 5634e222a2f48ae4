"""The page reader on damaged files: it tells, it never loops or crashes, and what it lets pass does not kill libdb."""

from __future__ import annotations

import random
import signal
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from berkeleydb import db as libdb

from sasldb.errors import Corrupt, FormatUnavailable, UnknownFormat
from sasldb.formats.hashmeta import META_CHECKSUM_AT, META_SIZE, PAGE_CHECKSUM_AT, checksum_of
from sasldb.formats.hashpages import HashPages
from tests.formats.hashfiles import (
    BIG,
    LITTLE,
    Records,
    Shape,
    field,
    libdb_survives,
    make,
    pages_of,
    some_records,
)

MUTANTS = 2000
ERRORS = (UnknownFormat, FormatUnavailable, Corrupt)


class Base:
    """An undamaged file: its shape, octets and records."""

    def __init__(self, path: Path, shape: Shape, seed: int, count: int) -> None:
        self.shape = shape
        largest = 200 if shape.flags & (libdb.DB_DUP | libdb.DB_DUPSORT) else 3 * shape.page_size
        self.octets = make(path, shape, some_records(seed, count, largest)).read_bytes()
        self.records: Records = list(pages_of(self.octets).items())

    @property
    def count(self) -> int:
        """The number of pages."""
        return len(self.octets) // self.shape.page_size


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> list[Base]:
    """Return files of many shapes, some with free pages, all of them with records in both buckets."""
    shapes = [
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
    directory = tmp_path_factory.mktemp("bases")
    return [Base(directory / str(seed), shape, seed, count) for seed, (shape, count) in enumerate(shapes)]


def flip(octets: bytearray, chance: random.Random, first: int, count: int) -> None:
    """Turn over one bit of the `count` octets from `first` on."""
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
    """Damage the table of offsets of a page, or one item's first octets; return the page."""
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
    """Cut the file, lengthen it, or shift a part of it by some octets."""
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
    """Return the octets of `base` after some damage, mostly with checksums that hide it."""
    octets = bytearray(base.octets)
    touched = chance.choice(DAMAGES)(octets, base, chance)
    if base.shape.flags & libdb.DB_CHKSUM and chance.random() < 0.8:
        for page in touched:
            at = page * base.shape.page_size
            end, place = (META_SIZE, META_CHECKSUM_AT) if not page else (base.shape.page_size, PAGE_CHECKSUM_AT)
            checksum = checksum_of(bytes(octets[at : at + end]), place)
            struct.pack_into(base.shape.mark + "I", octets, at + place, checksum)
    return bytes(octets)


def outline(records: Records) -> list[tuple[int, int]]:
    """Return the lengths of keys and values: what stays when octets inside of them change."""
    return [(len(key), len(value)) for key, value in records]


@pytest.fixture
def impatience() -> Iterator[Callable[[], None]]:
    """Return a function that gives the test ten more seconds before it fails as a hang."""

    def fail(*_: object) -> None:
        raise TimeoutError("the reader hangs")

    def extend() -> None:
        signal.setitimer(signal.ITIMER_REAL, 10)

    before = signal.signal(signal.SIGALRM, fail)
    yield extend
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def passes(proof: Callable[[], None]) -> bool:
    """Tell whether a proof finds nothing."""
    try:
        proof()
    except ERRORS:
        return False
    return True


def test_damage_is_told_and_never_kills(bases: list[Base], tmp_path: Path, impatience: Callable[[], None]) -> None:
    """A damaged file is read right, or as changed octets of the same records, or refused; libdb survives what passes.

    A file that passes the whole proof can be listed, changed and verified by libdb; one that passes the proof around
    some keys can be changed in these.
    """
    chance = random.Random(20240229)
    path = tmp_path / "mutant.db"
    outcomes = {"refused": 0, "whole": 0, "around": 0}
    for number in range(MUTANTS):
        base = chance.choice(bases)
        octets = mutant(base, chance)
        impatience()
        whole = passes(lambda: pages_of(octets).check())
        try:
            records = list(pages_of(octets).items())
            keys = [key for batch in pages_of(octets).key_batches() for key in batch]
        except ERRORS:
            assert not whole, f"mutant {number}: the proof passes what cannot be read"
        else:
            assert outline(base.records) == outline(records), f"mutant {number}: records are silently missing"
            assert [key for key, _ in records] == keys
        known = base.records[0][0]
        used = [known, b"another\0key\0x", known + b"1"]
        if whole or passes(lambda: pages_of(octets).check_around(used, 3)):
            path.write_bytes(octets)
            assert libdb_survives(path, used, whole), f"mutant {number}: libdb dies of what was proved"
        outcomes["whole" if whole else "around" if path.exists() else "refused"] += 1
        path.unlink(missing_ok=True)
    assert min(outcomes.values()) > MUTANTS / 20, outcomes


@pytest.fixture
def plain(tmp_path: Path) -> bytes:
    """Return the octets of a small file in the default shape, with records in both buckets."""
    return make(tmp_path / "x.db", Shape(), [(b"user%d" % n, b"secret") for n in range(12)]).read_bytes()


def refuses(octets: bytes, reason: str, page: int | None) -> None:
    """Check that a file is refused for `reason` at `page`, when it is read as when it is proved."""
    uses: list[Callable[[HashPages], object]] = [
        lambda pages: list(pages.items()),
        lambda pages: list(pages.key_batches()),
        HashPages.check,
    ]
    for use in uses:
        with pytest.raises(Corrupt, match=reason) as caught:
            use(pages_of(octets))
        assert page == caught.value.page


@pytest.mark.parametrize("size", [100, 511, 512, 4096, 8192, 12287])
def test_a_cut_file_is_not_empty(plain: bytes, size: int) -> None:
    """A file that is shorter than its first page says is refused, wherever it was cut."""
    refuses(plain[:size], "cut short", 0)


@pytest.mark.parametrize("page", [1, 2])
def test_a_lost_bucket_is_not_empty(plain: bytes, page: int) -> None:
    """A page of zeros is no bucket that was never written when records are missing by the file's own count."""
    octets = plain[: page * 4096] + bytes(4096) + plain[(page + 1) * 4096 :]
    refuses(octets, "an empty page", page)
    lost = next(key for key, _ in pages_of(plain).items() if key not in octets)
    with pytest.raises(Corrupt):
        pages_of(octets).get(lost)


@pytest.mark.parametrize(
    ("offset", "number", "reason", "page"),
    [
        (20, struct.pack("<I", 0), "page size 0", 0),
        (20, struct.pack("<I", 1000), "page size 1000", 0),
        (4096 + 20, struct.pack("<H", 9999), "number of items 9999", 1),
        (4096 + 16, struct.pack("<I", 2), "which belongs elsewhere", 1),
        (8192 + 16, struct.pack("<I", 77), "outside the file", 2),
        (28, struct.pack("<I", 2), "which belongs elsewhere", 0),
        (8192 + 8, struct.pack("<I", 1), "where a hash page should be", 2),
        (4096 + 26, struct.pack("<H", 4096), "offsets", 1),
    ],
)
def test_what_kills_libdb_is_refused(plain: bytes, offset: int, number: bytes, reason: str, page: int) -> None:
    """Page sizes, counts, chains and offsets that make libdb crash, spin or mix pages up are named with their page."""
    refuses(plain[:offset] + number + plain[offset + len(number) :], reason, page)


def test_a_wild_count_of_records_fails_the_proof_alone(plain: bytes) -> None:
    """The count of records is nothing that reading needs; libdb's verification would not accept it."""
    pages = pages_of(plain[:88] + b"\xff" * 4 + plain[92:])
    assert list(pages_of(plain).items()) == list(pages.items())
    for proof in pages.check, lambda: pages.check_around([b"user1"], 1):
        with pytest.raises(Corrupt, match="number of records"):
            proof()


def test_a_file_of_holes_costs_nothing(plain: bytes) -> None:
    """A file that is huge but for its holes is refused before anything as large is kept in memory."""
    first = plain[:32] + struct.pack("<I", (1 << 32) - 1) + plain[36:]
    with pytest.raises(FormatUnavailable, match="pages"):
        HashPages(lambda offset, length: first[offset : offset + length], 4096 << 32, "x.db")


def test_a_cut_off_chain_is_missed(bases: list[Base]) -> None:
    """When a chain is cut, its records are not silently absent: the iteration ends with the loss."""
    base = bases[8]
    size = base.shape.page_size
    heads = [page * size for page in range(1, base.count) if base.octets[page * size + 25] == 13]
    at = next(at for at in heads if field(base.octets, "<", at + 16))
    octets = base.octets[: at + 16] + bytes(4) + base.octets[at + 20 :]
    for records in pages_of(octets).items(), pages_of(octets).key_batches():
        with pytest.raises(Corrupt, match="nothing leads to"):
            list(records)


def test_a_forgotten_free_page_is_no_loss(tmp_path: Path) -> None:
    """Writers without locks can lose a page from the list of free pages: no record is missing, so nothing is refused."""
    path = make(
        tmp_path / "x.db", Shape(), [(b"big", b"v" * 9000), (b"small", b"v"), (b"other", b"v" * 9000), (b"big", None)]
    )
    octets = path.read_bytes()
    assert field(octets, "<", 28)
    pages = pages_of(octets[:28] + bytes(4) + octets[32:])
    pages.check()
    assert [b"other", b"small"] == sorted(key for batch in pages.key_batches() for key in batch)
    path.write_bytes(octets[:28] + bytes(4) + octets[32:])
    assert libdb_survives(path, [b"small"], True)


def test_keys_out_of_place_fail_the_proof(plain: bytes) -> None:
    """A key that libdb would look for elsewhere, or would not find among its neighbours, fails the proof."""
    with pytest.raises(Corrupt, match="out of order|not its own"):
        pages_of(plain.replace(b"user3", b"zser3")).check()
    one, other = [key for key, _ in pages_of(plain).items() if len(key) == 5][:2]
    with pytest.raises(Corrupt, match="stands twice|out of order"):
        pages_of(plain.replace(other, one)).check()


def test_reading_a_file_that_shrinks_meanwhile(plain: bytes) -> None:
    """A file that became shorter after it was taken on is damage, not the end of its records."""
    pages = HashPages(lambda offset, length: plain[offset : min(offset + length, 5000)], len(plain), "x.db")
    with pytest.raises(Corrupt, match="shorter"):
        list(pages.items())
