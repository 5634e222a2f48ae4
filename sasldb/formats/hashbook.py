"""HASHBOOK: keeps account of a hash file's pages, so that none is read twice and none is silently missing.

Every page of a whole file belongs to exactly one of: the first page, the groups of bucket pages, one bucket's chain, one
item's chain of overflow pages, the list of free pages. A page claimed twice is a loop or two chains that meet; a page
that nobody claimed is a chain that was cut off, and its records would be missing without a word.

Source, libdb 5.3.28: db/db_verify.c (`__db_vrfy_structure` holds the same account), hash/hash.c (`__ham_expand_table`
sets aside a whole doubling at once and writes its last page alone).

Raises Corrupt.
"""

from __future__ import annotations

from sasldb.errors import Corrupt
from sasldb.formats.hashmeta import HashMeta


class PageBook:
    """Which pages are accounted for.

    Attributes:
        pairs: pairs of key and data seen so far; the reader counts them.
        promised: overflow pages that pairs refer to, counted without being read.
        hole: a bucket page that was never written, or 0.
    """

    __slots__ = ("_claimed", "_meta", "hole", "pairs", "promised")

    def __init__(self, meta: HashMeta) -> None:
        self._meta = meta
        self._claimed = bytearray(meta.pages)
        self._claimed[0] = 1
        for _, first, count in meta.runs:
            self._claimed[first : first + count] = b"\1" * count
        self.pairs = 0
        self.promised = 0
        self.hole = 0

    def claim(self, number: int, owner: int) -> None:
        """Account for page `number`, which page `owner` leads to.

        Raises:
            Corrupt: it lies outside the file, or was claimed before.
        """
        if not 0 < number < self._meta.pages:
            raise Corrupt(self._meta.path, f"leads to page {number}, outside the file", owner)
        if self._claimed[number]:
            raise Corrupt(self._meta.path, f"leads to page {number}, which belongs elsewhere", owner)
        self._claimed[number] = 1

    def note_hole(self, number: int, bucket: int) -> None:
        """Account for a bucket's first page that is all zero: right where nothing was ever put into the bucket.

        libdb writes a bucket's page when a split makes the bucket. So only buckets that the table was made with can be
        unwritten, and no longer once they were split themselves; nor can the last of them, which makes the file long
        enough. Such a table's groups lie without a gap behind page 0.

        Raises:
            Corrupt: this bucket's page must have been written.
        """
        together = 0
        for first_bucket, first_page, count in self._meta.runs:
            if first_page != first_bucket + 1:
                break
            together = first_bucket + count
        if bucket + together <= self._meta.last_bucket or bucket >= together - 1:
            raise Corrupt(self._meta.path, "an empty page where a bucket's records should be", number)
        self.hole = number

    @property
    def missing(self) -> int:
        """The number of pages that nothing leads to so far, less those promised."""
        return self._claimed.count(0) - self.promised

    def unclaimed(self) -> list[int]:
        """Return the numbers of the pages that nothing led to so far."""
        return [number for number, claimed in enumerate(self._claimed) if not claimed]

    def settle(self) -> None:
        """Close the account, when every bucket and the list of free pages were read.

        Raises:
            Corrupt: a page is missing, or records are, by the file's own count.
        """
        missing = self.missing
        if missing > 0:
            page = None if self.promised else self._claimed.index(0)
            raise Corrupt(self._meta.path, f"nothing leads to {missing} of the file's pages; records are lost", page)
        if missing < 0:
            raise Corrupt(self._meta.path, "items refer to more pages than there are")
        if self.hole and not self._hole_is_likely():
            raise Corrupt(self._meta.path, "an empty page where records should be", self.hole)

    def _hole_is_likely(self) -> bool:
        """Judge, by the file's count of pairs, an unwritten page in a table of two buckets (larger ones are made on order).

        The count is exact unless it began with an offset: loading a dump begins with the dump's own count. Then as many
        keys as the offset, and as the pairs, all fell into the other bucket: from five on that is less likely than loss.
        """
        pairs, offset = self.pairs, self._meta.elements - self.pairs
        if not offset or self._meta.last_bucket > 1 or self._meta.fill:
            return True
        return 0 < pairs < 5 and offset < 5
