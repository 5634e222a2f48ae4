"""The page reader on the damage that libdb dies of, or that would make records vanish: each is refused with its reason."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from sasldb.errors import Corrupt, FormatUnavailable
from sasldb.formats.hashpages import HashPages
from tests.formats.hashfiles import Shape, field, libdb_survives, make, pages_of, some_records


@pytest.fixture
def plain(tmp_path: Path) -> bytes:
    """Return the bytes of a small file in the default shape, with records in both buckets."""
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
        (25, b"\0", "the first page has type 0", 0),
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


def test_a_wild_count_of_records_is_no_damage(plain: bytes, tmp_path: Path) -> None:
    """Unlocked writers let the count of records drift, even below 0: neither reading nor libdb's changes need it."""
    octets = plain[:88] + b"\xff" * 4 + plain[92:]
    pages = pages_of(octets)
    assert list(pages_of(plain).items()) == list(pages.items())
    pages.check()
    (tmp_path / "wild.db").write_bytes(octets)
    assert libdb_survives(tmp_path / "wild.db", [b"user1", b"user99"], False)


def test_a_file_of_holes_costs_nothing(plain: bytes) -> None:
    """A file that is huge but for its holes is refused before anything as large is kept in memory."""
    first = plain[:32] + struct.pack("<I", (1 << 32) - 1) + plain[36:]
    with pytest.raises(FormatUnavailable, match="pages"):
        HashPages(lambda offset, length: first[offset : offset + length], 4096 << 32, "x.db")


def test_a_cut_off_chain_is_missed(tmp_path: Path) -> None:
    """When a chain is cut, its records are not silently absent: the iteration ends with the loss."""
    octets = make(tmp_path / "x.db", Shape(), some_records(8, 300, 12288)).read_bytes()
    heads = [at for at in range(4096, len(octets), 4096) if octets[at + 25] == 13]
    at = next(at for at in heads if field(octets, "<", at + 16))
    octets = octets[: at + 16] + bytes(4) + octets[at + 20 :]
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


def test_pages_of_two_buckets_exchanged(plain: bytes) -> None:
    """A page that is whole, and in the place of another bucket's, betrays itself by its keys, however it is read."""
    first, second = plain[4096:8192], plain[8192:12288]
    octets = (
        plain[:4096] + second[:8] + first[8:12] + second[12:] + first[:8] + second[8:12] + first[12:] + plain[12288:]
    )
    refuses(octets, "a key in a bucket that is not its own", 1)


def test_records_where_no_bucket_is_yet(tmp_path: Path) -> None:
    """Records on a page that was set aside for buckets to come are a table that was set back: they would be lost without a word."""
    octets = make(tmp_path / "x.db", Shape(), some_records(8, 700)).read_bytes()
    meta = pages_of(octets).meta
    bucket, page, count = meta.runs[-1]
    unused = bucket + count - (meta.last_bucket + 1)
    assert unused > 0
    number = page + count - unused
    copy = octets[4096 : 4096 + 8] + struct.pack("<I", number) + octets[4096 + 12 : 8192]
    refuses(octets[: number * 4096] + copy + octets[(number + 1) * 4096 :], "that no bucket uses yet", number)


@pytest.mark.parametrize(
    "first, length, right", [(0, 5000, False), (1 << 20, 5000, False), (3, 0, False), (3, 5000, True)]
)
def test_where_a_long_item_is(tmp_path: Path, first: int, length: int, right: bool) -> None:
    """An item on pages of its own is on pages of the file, and has a length; anything else is damage of the page that says so."""
    octets = make(tmp_path / "x.db", Shape(), [(b"big", b"v" * 5000)]).read_bytes()
    at = octets.index(struct.pack("<II", 3, 5000))
    changed = octets[:at] + struct.pack("<II", first, length) + octets[at + 8 :]
    if right:
        assert changed == octets and list(pages_of(octets).items()) == [(b"big", b"v" * 5000)]
        return
    with pytest.raises(Corrupt, match=f"an item of {length} bytes on page {first}"):
        list(pages_of(changed).items())


def test_duplicates_where_there_can_be_none(tmp_path: Path) -> None:
    """A set of duplicates is damage in a file whose first page allows none."""
    octets = make(tmp_path / "x.db", Shape(), [(b"key", b"\2\0ab\2\0")]).read_bytes()
    at = octets.index(b"\1\2\0ab\2\0")
    with pytest.raises(Corrupt, match="an impossible set of duplicates"):
        list(pages_of(octets[:at] + b"\2" + octets[at + 1 :]).items())


def test_free_pages_are_proved_before_a_change(tmp_path: Path) -> None:
    """Every free page that a change may use is proved before it, not the first one alone."""
    path = make(tmp_path / "x.db", Shape(), [(b"big", b"v" * 30000), (b"small", b"v"), (b"big", None)])
    octets = path.read_bytes()
    pages_of(octets).check_around([b"small"], 1)
    first = field(octets, "<", 28)
    second = field(octets, "<", first * 4096 + 16)
    damaged = octets[: second * 4096 + 25] + b"\7" + octets[second * 4096 + 26 :]
    with pytest.raises(Corrupt, match="on the list of free pages"):
        pages_of(damaged).check_around([b"small"], 1)
