"""The page reader against libdb: every shape of file that it reads, and every kind that it names and refuses."""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from berkeleydb import db as libdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sasldb.errors import Corrupt, FormatUnavailable, UnknownFormat
from sasldb.formats.hashmeta import hash_of
from tests import campaigns
from tests.formats.drawnfiles import hash_files
from tests.formats.hashfiles import (
    BIG,
    LITTLE,
    PAGE_SIZES,
    Records,
    Shape,
    cursor,
    libdb_survives,
    make,
    opened,
    pages_of,
    some_records,
)

SHAPES = [Shape(size, order) for size in PAGE_SIZES for order in (LITTLE, BIG)] + [
    Shape(512, LITTLE, libdb.DB_CHKSUM),
    Shape(512, BIG, libdb.DB_CHKSUM),
    Shape(4096, BIG, libdb.DB_CHKSUM),
    Shape(512, LITTLE, 0, fill=5),
    Shape(2048, BIG, 0, fill=8, expected=300),
]


def agree(path: Path) -> Records:
    """Check that every way of reading gives what libdb's cursor gives, and that the file passes both proofs."""
    expected = cursor(path)
    pages = pages_of(path.read_bytes())
    assert expected == list(pages.items())
    assert [key for key, _ in expected] == [key for batch in pages.key_batches() for key in batch]
    first: dict[bytes, bytes] = {}
    for key, value in expected:
        first.setdefault(key, value)
    assert first == {key: pages.get(key) for key in first}
    pages.check()
    pages.check_around([key for key, _ in expected[:3]] + [b"absent"], 3)
    return expected


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_reads_what_libdb_reads(tmp_path: Path, shape: Shape) -> None:
    """Records, their order and single look-ups are libdb's, for each page size, byte order and way of filling."""
    path = make(tmp_path / "x.db", shape, some_records(1, 400, 3 * shape.page_size))
    assert len(agree(path)) > 200
    pages = pages_of(path.read_bytes())
    assert (9, shape.page_size, shape.order == BIG) == (pages.version, pages.page_size, pages.swapped)
    assert bool(shape.flags) == pages.checksummed
    assert pages.get(b"absent") is None


@pytest.mark.parametrize("flags", [libdb.DB_DUP, libdb.DB_DUPSORT])
@pytest.mark.parametrize("order", [LITTLE, BIG])
def test_reads_duplicates_on_a_page(tmp_path: Path, flags: int, order: int) -> None:
    """Every value of a key with several is read, with the key before each."""
    records = [(b"key%d" % (number % 9), b"value%d" % number) for number in range(60)]
    path = make(tmp_path / "x.db", Shape(4096, order, flags), records)
    assert 60 == len(agree(path))
    assert pages_of(path.read_bytes()).duplicates


def test_refuses_duplicates_in_a_tree(tmp_path: Path) -> None:
    """Duplicates that libdb moved off the page are named as what cannot be read."""
    path = make(tmp_path / "x.db", Shape(512, flags=libdb.DB_DUP), [(b"key", b"%d" % n) for n in range(300)])
    pages = pages_of(path.read_bytes())
    for use in (lambda: list(pages.items()), lambda: list(pages.key_batches()), pages.check, lambda: pages.get(b"key")):
        with pytest.raises(FormatUnavailable, match="duplicates"):
            use()


def test_empty_files_and_unwritten_buckets(tmp_path: Path) -> None:
    """A new file is empty, though its first bucket's page was never written; so is one with room for many records."""
    for name, shape in (("a", Shape()), ("b", Shape(65536, BIG)), ("c", Shape(512, fill=10, expected=1000))):
        assert [] == agree(make(tmp_path / name, shape, []))


def test_a_loaded_dump_counts_double_and_is_no_damage(tmp_path: Path) -> None:
    """db_load starts the count of records at the dump's, so a bucket never written beside it is no proof of loss."""
    odd = [name for name in (b"user%d" % number for number in range(9)) if hash_of(name) & 1][:2]
    path = make(tmp_path / "x.db", Shape(expected=2), [(name, b"secret") for name in odd])
    assert 2 == len(agree(path))
    assert 4 == pages_of(path.read_bytes()).record_estimate


@pytest.mark.parametrize("version", [7, 8])
def test_reads_the_pages_of_older_releases(tmp_path: Path, version: int) -> None:
    """Pages in no order, as Berkeley DB before 4.6 left them, are read as libdb reads them."""
    path = make(tmp_path / "x.db", Shape(512), some_records(3, 100))
    octets = bytearray(path.read_bytes())
    octets[16] = version
    for at in range(0, len(octets), 512):
        octets[at + 25] = 2 if octets[at + 25] == 13 else octets[at + 25]
    path.write_bytes(octets)
    assert len(agree(path)) > 50
    assert version == pages_of(path.read_bytes()).version


def test_shrunk_and_compacted_files(tmp_path: Path) -> None:
    """Free pages, emptied buckets and a compacted table are read, and pass the proof."""
    path = make(tmp_path / "x.db", Shape(512), some_records(2, 800, 2000))
    for keep in (200, 10, 0):
        handle = opened(path)
        for key in sorted(handle.keys())[keep:]:
            handle.delete(key)
        handle.close()
        assert keep == len(agree(path))
        handle = opened(path)
        handle.compact(flags=libdb.DB_FREE_SPACE)
        handle.close()
        assert keep == len(agree(path))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Shape, list[tuple[bytes, bytes | None]]]:
    """Draw a shape and a history of puts and deletes that fits it."""
    size = draw(st.sampled_from(PAGE_SIZES))
    flags = draw(st.sampled_from([0, 0, libdb.DB_CHKSUM]))
    fill, expected = draw(st.sampled_from([(0, 0), (0, 0), (3, 0), (7, 90)]))
    shape = Shape(size, draw(st.sampled_from([LITTLE, BIG])), flags, fill, expected)
    chance = random.Random(draw(st.integers(0, 1 << 30)))
    names = st.just(b"") | st.binary(max_size=6) | st.integers(0, 2 * size).map(chance.randbytes)
    values = st.binary(max_size=9) | st.integers(0, 4 * size).map(chance.randbytes) | st.none()
    return shape, draw(st.lists(st.tuples(names, values), max_size=60))


@settings(max_examples=campaigns.count(150, 3000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories())
def test_any_history_is_read_as_libdb_reads_it(
    tmp_path_factory: pytest.TempPathFactory, history: tuple[Shape, list[tuple[bytes, bytes | None]]]
) -> None:
    """Whatever was put and deleted, in whatever shape of file, is read as libdb's cursor reads it."""
    directory = tmp_path_factory.mktemp("history")
    agree(make(directory / "x.db", *history))
    shutil.rmtree(directory)


def test_an_empty_key_that_libdb_stored_twice_is_no_damage(tmp_path: Path) -> None:
    """Next to keys on overflow pages libdb misses an empty key and stores another: both are read, and the file is as whole as db_verify finds it."""
    large = [(b"k" * 600, b"v"), (b"a" * 600, b"v")]
    path = make(tmp_path / "x.db", Shape(512), [(b"", b"one"), *large, (b"", b"two")])
    assert sorted(value for key, value in agree(path) if not key) == [b"one", b"two"]
    libdb.DB().verify(str(path))
    assert libdb_survives(path, [b"another key"], True)


def test_any_other_key_twice_is_damage(tmp_path: Path) -> None:
    """A key that is not empty and stands twice is refused, for a change would reach only one of its records."""
    one, other = [name for name in (b"key%d" % number for number in range(9)) if hash_of(name) & 1][:2]
    path = make(tmp_path / "x.db", Shape(512), [(one, b"a"), (other, b"b"), (b"k" * 600, b"c"), (b"a" * 600, b"c")])
    path.write_bytes(path.read_bytes().replace(other, one))
    pages = pages_of(path.read_bytes())
    for proof in (pages.check, lambda: pages.check_around([one], 1)):
        with pytest.raises(Corrupt, match="twice|out of order"):
            proof()


def btree(path: Path) -> None:
    """Make a btree file."""
    handle = libdb.DB()
    handle.open(str(path), dbtype=libdb.DB_BTREE, flags=libdb.DB_CREATE)
    handle.close()


def queue(path: Path) -> None:
    """Make a queue file."""
    handle = libdb.DB()
    handle.set_re_len(9)
    handle.open(str(path), dbtype=libdb.DB_QUEUE, flags=libdb.DB_CREATE)
    handle.close()


def encrypted(path: Path) -> None:
    """Make an encrypted hash file."""
    handle = libdb.DB()
    handle.set_encrypt("password", libdb.DB_ENCRYPT_AES)
    handle.open(str(path), dbtype=libdb.DB_HASH, flags=libdb.DB_CREATE)
    handle.close()


def several(path: Path) -> None:
    """Make a file of two databases."""
    for name in ("one", "two"):
        handle = libdb.DB()
        handle.open(str(path), name, dbtype=libdb.DB_HASH, flags=libdb.DB_CREATE)
        handle.close()


def changed(offset: int, octets: bytes) -> Callable[[Path], None]:
    """Return a maker of a hash file that is changed at `offset`."""

    def maker(path: Path) -> None:
        make(path, Shape(), [(b"key", b"value")])
        whole = path.read_bytes()
        path.write_bytes(whole[:offset] + octets + whole[offset + len(octets) :])

    return maker


@pytest.mark.parametrize(
    ("maker", "reason"),
    [
        (btree, "btree"),
        (queue, "queue"),
        (several, "btree"),
        (encrypted, "encrypted"),
        (changed(16, b"\6\0\0\0"), "version 6 is older"),
        (changed(16, b"\12\0\0\0"), "version 10 is newer"),
        (changed(48, b"\2"), "several databases"),
        (changed(36, b"\2"), "partitioned"),
        (changed(92, b"\0"), "hashed by a function"),
        (changed(0, b"\x61\x15\x06\0"), None),
    ],
)
def test_names_what_it_does_not_read(tmp_path: Path, maker: Callable[[Path], None], reason: str | None) -> None:
    """A Berkeley DB file of another kind, version or feature is refused with its name."""
    maker(tmp_path / "x.db")
    octets = (tmp_path / "x.db").read_bytes()
    if reason is None:
        octets, reason = octets[:12] + b"\0" * 4 + octets[16:], "1.85"
    with pytest.raises(FormatUnavailable, match=reason):
        pages_of(octets)


@pytest.mark.parametrize("octets", [b"", b"\0" * 4096, b"SQLite format 3\0" * 300, b"user:secret\n" * 99])
def test_what_is_no_database_is_called_so(octets: bytes) -> None:
    """A file of another program is no damaged database."""
    with pytest.raises(UnknownFormat):
        pages_of(octets)


@settings(max_examples=campaigns.count(200, 5000))
@given(st.binary(max_size=1200), st.sampled_from([b"", b"\x61\x15\x06\0\x09\0\0\0", b"\0\x06\x15\x61\0\0\0\x09"]))
def test_any_octets_are_records_or_an_error(octets: bytes, magic: bytes) -> None:
    """Whatever a file holds, reading it ends, with records or with one of three errors."""
    outcome_of(octets[:12] + magic + octets[12:])


def outcome_of(octets: bytes) -> str:
    """Read a file in every way and return how deep that came; any error but the three is the test's failure."""
    depth = "the first page"
    try:
        pages = pages_of(octets)
        depth = "a page"
        records = list(pages.items())
        assert [key for key, _ in records] == [key for batch in pages.key_batches() for key in batch]
        depth = "the proof"
        pages.check()
    except (UnknownFormat, FormatUnavailable, Corrupt) as error:
        return f"refused by {depth}: {re.sub('[0-9]+', 'N', error.reason) if depth != 'the first page' else ''}"
    assert all(pages.get(key) is not None for key, _ in records)
    return f"{min(len(records), 1)} or more records"


def test_any_pages_are_records_or_an_error() -> None:
    """So it is with files that are right for the most part: whole ones are read, and each kind of damage is met deep inside."""
    outcomes: Counter[str] = Counter()

    @settings(max_examples=campaigns.count(400, 20_000))
    @given(hash_files())
    def look(octets: bytes) -> None:
        outcomes[outcome_of(octets)] += 1

    look()
    assert outcomes["1 or more records"] > 50, outcomes
    for depth in ("the first page", "a page"):
        assert sum(count for outcome, count in outcomes.items() if f"refused by {depth}" in outcome) > 20, outcomes
    assert len(outcomes) > 10, outcomes  # by different reasons
