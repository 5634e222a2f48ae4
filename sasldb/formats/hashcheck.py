"""HASHCHECK: prove that a hash file is whole, before libdb touches it.

libdb trusts what it reads: a page size of 0 kills it with SIGFPE, 9999 items on a page with SIGSEGV, a chain that
leads back into itself keeps it busy for ever. What passes here, libdb can list and change. `check` reads every page;
`check_around` only those that a few changes will touch, which stays fast however large the file is. The file's count
of records is no matter: unlocked writers let it drift, even below 0, and nothing but db_verify minds.

Sources, libdb 5.3.28: hash/hash_verify.c (what must hold), hash/hash_page.c (`__ham_getindex_sorted`: the order of keys on a
page, where of two keys that begin alike the LONGER comes first; `__ham_split_page`), hash/hash.c (`__ham_expand_table`: one put
adds one bucket at most), db/db_meta.c (`__db_new` takes pages from the head of the free list).

Raises Corrupt and FormatUnavailable.
"""

from __future__ import annotations

from sasldb.errors import Corrupt
from sasldb.formats.hashbook import PageBook
from sasldb.formats.hashitems import P_HASH, Elsewhere, Header, Offsets
from sasldb.formats.hashpages import HashPages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LARGEST_RECORD = 1 << 16  # bytes; that much of the free list is proved for each record of growth


def check(pages: HashPages) -> None:
    """Prove every page of the file.

    Beyond what reading it proves: keys lie in the bucket of their hash, in order, and once; overflow pages are whole;
    bucket pages set aside for later hold nothing; each page has exactly one owner. The empty key may be there more than once: next
    to keys on overflow pages libdb 5.3.28 does not find it and stores another, and db_verify passes that. It is no user's.

    Raises:
        Corrupt: the first damage that was met.
        FormatUnavailable: duplicates kept in a tree.
    """
    book = PageBook(pages.meta)
    current, seen = -1, set[bytes]()
    for bucket, number, page, offsets in pages.chains.bucket_pages(book):
        if bucket != current:
            current, seen = bucket, set()
        _check_page(pages, (number, page, offsets), bucket, seen, book)
    pages.chains.settle(book)


def check_around(pages: HashPages, keys: Iterable[bytes], growth: int) -> None:
    """Prove the pages that libdb touches when `keys` are put or deleted, and up to `growth` records are added.

    These are the chains of the keys' buckets and of the buckets that splits will halve, with their overflow pages; the
    pages of buckets to come; and the head of the free list, enough for `growth` records of 65536 bytes.

    Raises:
        Corrupt, FormatUnavailable: as `check`.
    """
    meta = pages.meta
    book = PageBook(meta)
    buckets = {meta.bucket_of(key) for key in keys}
    for fresh in range(pages.buckets, pages.buckets + growth):
        halved = fresh - (1 << fresh.bit_length() >> 1)
        if halved <= meta.last_bucket:
            buckets.add(halved)
        number = meta.bucket_page(fresh)
        if number:
            pages.chains.prove_unused(pages.chains.page(number), number)
    for bucket in sorted(buckets):
        seen = set[bytes]()
        for number, page, offsets in pages.chains.chain(bucket, book):
            _check_page(pages, (number, page, offsets), bucket, seen, book)
    wanted = growth * (2 + _LARGEST_RECORD // pages.page_size)
    for count, _ in enumerate(pages.chains.free_pages(book), 1):
        if count > wanted:
            break


def _check_page(
    pages: HashPages, found: tuple[int, bytes, Offsets], bucket: int, seen: set[bytes], book: PageBook
) -> None:
    """Prove one hash page that holds pairs; `found` is `(page number, page, offsets)`, `seen` its bucket's keys so far."""
    number, page, offsets = found
    # libdb compares keys on overflow pages by another rule than those on the page, so such a page is in no one order.
    reader = pages.chains.reader
    in_place = True
    if reader.is_plain(page, offsets):
        keys = reader.plain_keys(page, offsets)
    else:
        keys = []
        for key, values in reader.pairs(page, number, offsets):
            in_place = in_place and not isinstance(key, Elsewhere)
            keys.append(pages.chains.fetch(key, book))
            for value in values:
                pages.chains.fetch(value, book)
    if Header(page, pages.meta.order).kind == P_HASH and in_place and not _in_order(keys):
        raise Corrupt(pages.path, "keys out of order", number)
    once = [key for key in keys if key] if b"" in keys else keys
    known = len(seen)
    seen.update(once)
    if len(seen) != known + len(once):
        raise Corrupt(pages.path, "a key stands twice", number)
    bucket_of = pages.meta.bucket_of
    for key in keys:
        if bucket_of(key) != bucket:
            raise Corrupt(pages.path, "a key in a bucket that is not its own", number)


def _in_order(keys: list[bytes]) -> bool:
    """Tell whether keys ascend as libdb sorts them: of two that begin alike, the longer one first."""
    if keys == sorted(keys):
        return not any(after.startswith(before) for before, after in zip(keys, keys[1:]))
    for before, after in zip(keys, keys[1:]):
        if not before.startswith(after) and (after.startswith(before) or after < before):
            return False
    return True
