"""What a disk may hold when the power has gone: the rules, and the ways to choose among the changes that were not synced.

The rules are the weakest that the named sources leave room for, so that what holds here holds on every journalling file system:

1. **Only a sync makes anything last.** fsync of a file: its data, its size, its owner, mode and attributes. fdatasync: data and size
   alone. fsync of a directory: its names. [POSIX.1-2024, fsync(3p), fdatasync(3p); Linux, fsync(2)]
2. **A synced file need not have a name**, nor a synced directory a name in its parent: that is the directory's sync. [Linux, fsync(2)]
3. **Data that was not synced** is there or not block by block, in any order, whatever was renamed or written after it: blocks of
   512 bytes (a sector is written whole or not at all) or of 4096 (a page of the cache). [kernel, ext4: data=writeback; ALICE, table 1]
4. **Size and data go apart**: a file may be longer than its data, then it has zeros or, where room was not reserved by fallocate,
   what the disk had there before (made up here as bytes of no meaning); or shorter. [kernel, ext4: data=writeback, delalloc; xfs: the
   size is logged when the data was written; ALICE, section 3, "block reordering" and "garbage" ]
5. **Owner, mode and times** of a file that was not synced are what they were at one moment since the last sync: they are one record, the
   inode, which is logged as a whole. Each extended attribute is old or new for itself. Both are independent of the file's data and
   of its names. [fsync(3p); kernel, ext4: inodes; xfs: the inode's core is logged]
6. **Names** of a directory that was not synced: each step (create, link, unlink, rename, mkdir, rmdir) is there or not, in any subset;
   the steps that are there count in the order of the calls. ext4 and xfs keep the order of their logs, btrfs does not always, and ALICE
   found programs that lose data by trusting in it. [ALICE, sections 3 and 4, table 1]
7. **A rename inside one directory is one step**: never both names, never none, for all journalling file systems. A rename from
   one directory to another is two. [rename(2), POSIX rename(3p) for processes; ALICE, "atomicity of renames", for disks]
8. **A new file is born with the owner and mode it was made with**: where its name is, they are, and nothing looser was ever there.
9. What a call has not returned from is not begun here: a crash in the midst of a call leaves some of rule 3's blocks, which are cut from
   the state after it. A file without a name (O_TMPFILE) is gone.
10. A command that has ended has promised: after its exit the new state, and that alone, may be found. [fsync(2), "transferred"]

Sources: POSIX.1-2024 fsync, fdatasync, rename; Linux man-pages fsync(2), rename(2), open(2), fallocate(2); the kernel's Documentation:
filesystems/ext4 (data modes, auto_da_alloc) and filesystems/xfs (delayed logging); Pillai et al., "All File Systems Are Not Created
Equal", OSDI 2014 (ALICE). What ext4's auto_da_alloc mends (a rename over a file syncs its data) is not counted on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from tests.faults.powerloss.disk import Change, Disk, File, Reserve, Write, grown

SECTOR, PAGE = 512, 4096
_SINGLE = 24  # pending changes up to which each is lost alone, and kept alone
_CUTS = (0.2, 0.5, 0.8)


class Choice:
    """Which changes outlast: all of a kind or none. `label` is for reports, `block` the unit in which data lasts, `junk` rule 4's garbage."""

    block = PAGE
    junk = False

    def __init__(self, label: str, names: bool, data: bool, attributes: bool) -> None:
        self.label = label
        self._kinds = {"names": names, "data": data, "attributes": attributes}

    def keep(self, kind: str, count: int) -> list[bool]:
        """Tell for each of `count` pending changes of a kind whether it lasts."""
        return [self._kinds[kind]] * count

    def size(self, sizes: list[int], kept: Sequence[bool]) -> int:
        """Return the size of a file that had `sizes` since its last sync."""
        return sizes[-1] if self._kinds["data"] else sizes[0]


class Torn(Choice):
    """Names and attributes last, and of the data some blocks by `seed`."""

    block = SECTOR

    def __init__(self, seed: int) -> None:
        super().__init__(f"torn {seed}", True, True, True)
        self._random = Random(seed)

    def keep(self, kind: str, count: int) -> list[bool]:
        """See `Choice`."""
        return [kind != "data" or self._random.random() < 0.5 for _ in range(count)]


class Sized(Choice):
    """The size has lasted and the data have not, or the other way round; `grown` tells which."""

    def __init__(self, label: str, names: bool, grew: bool, junk: bool) -> None:
        super().__init__(label, names, not grew, True)
        self._grew = grew
        self.junk = junk

    def size(self, sizes: list[int], kept: Sequence[bool]) -> int:
        """See `Choice`."""
        return sizes[-1] if self._grew else sizes[0]


class Single(Choice):
    """One pending change is lost and everything else lasts (`kept` false), or the other way round; `index` counts through all kinds."""

    def __init__(self, index: int, kept: bool) -> None:
        super().__init__(f"{'only' if kept else 'all but'} change {index}", True, not kept, True)
        self._index = index
        self._kept = kept
        self._seen = 0

    def keep(self, kind: str, count: int) -> list[bool]:
        """See `Choice`."""
        chosen = [(self._seen + at == self._index) == self._kept for at in range(count)]
        self._seen += count
        return chosen

    def size(self, sizes: list[int], kept: Sequence[bool]) -> int:
        """See `Choice`."""
        return sizes[-1] if any(kept) else sizes[0]


class Cut(Choice):
    """The data are there up to, or from, a part of them; names and attributes all or none."""

    block = SECTOR

    def __init__(self, part: float, front: bool, names: bool) -> None:
        super().__init__(f"data {'up to' if front else 'from'} {part:.0%}, names {names}", names, True, names)
        self._part = part
        self._front = front

    def keep(self, kind: str, count: int) -> list[bool]:
        """See `Choice`."""
        if kind != "data":
            return super().keep(kind, count)
        border = round(count * self._part)
        return [(at < border) == self._front for at in range(count)]


class Chance(Choice):
    """Any subset of anything, by `seed`."""

    def __init__(self, seed: int) -> None:
        super().__init__(f"chance {seed}", True, True, True)
        self._random = Random(seed)
        self.block = self._random.choice((SECTOR, PAGE))
        self.junk = self._random.random() < 0.5
        odds = {"names": (0.2, 0.5, 0.8, 1, 1), "data": (0.1, 0.3, 0.5, 0.7, 0.9, 1), "attributes": (0, 0.5, 1)}
        self._odds = {kind: self._random.choice(among) for kind, among in odds.items()}

    def keep(self, kind: str, count: int) -> list[bool]:
        """See `Choice`."""
        return [self._random.random() < self._odds[kind] for _ in range(count)]

    def size(self, sizes: list[int], kept: Sequence[bool]) -> int:
        """See `Choice`."""
        return self._random.choice((sizes[0], sizes[-1], self._random.choice(sizes)))


def choices(disk: Disk, random: Random, chances: int) -> Iterator[Choice]:
    """Yield the ways in which the power may go on `disk`: the regular ones, and `chances` by chance."""
    pending = sum(bool(file.changes or file.dressing) for file in disk.files.values())
    steps = sum(len(directory.steps) for directory in disk.directories.values())
    if not pending and not steps:
        yield Choice("all was synced", True, True, True)
        return
    for bits in range(8):
        names, data, attributes = bool(bits & 4), bool(bits & 2), bool(bits & 1)
        yield Choice(f"names {names}, data {data}, attributes {attributes}", names, data, attributes)
    for index in range(min(_SINGLE, _count(disk))):
        yield Single(index, True)
        yield Single(index, False)
    if any(file.changes for file in disk.files.values()):
        for names in (True, False):
            yield from (Cut(part, front, names) for part in _CUTS for front in (True, False))
            yield Sized("size without data", names, True, False)
            yield Sized("size with garbage", names, True, True)
            yield Sized("data without size", names, False, False)
    yield from (Chance(random.getrandbits(32)) for _ in range(chances))


def _count(disk: Disk) -> int:
    """Return how many pending changes there are, or some more than `_SINGLE`."""
    found = sum(len(directory.steps) for directory in disk.directories.values())
    for file in disk.files.values():
        found += len(file.dressing) + len(pieces(file.changes[:_SINGLE], PAGE))
    return found


def pieces(changes: Sequence[Change], block: int) -> list[Change]:
    """Return the changes cut at multiples of `block` bytes, for each block lasts for itself."""
    cut: list[Change] = []
    for change in changes:
        if not isinstance(change, Write):
            cut.append(change)
            continue
        begin = change.offset
        end = begin + len(change.data)
        while begin < end:
            border = min(end, (begin // block + 1) * block)
            cut.append(Write(begin, change.data[begin - change.offset : border - change.offset]))
            begin = border
    return cut


def content(file: File, choice: Choice) -> bytes:
    """Return what is in `file` by `choice`."""
    if not file.changes:
        return file.content
    cut = pieces(file.changes, choice.block)
    kept = choice.keep("data", len(cut))
    size = choice.size(file.sizes, kept)
    room = max(size, *file.sizes)
    fill = b"\xa5" if choice.junk else b"\0"
    buffer = bytearray(file.content.ljust(room, fill))
    present = len(file.content)
    for change, lasts in zip(cut, kept):
        if isinstance(change, Write):
            if lasts:
                buffer[change.offset : change.offset + len(change.data)] = change.data
        elif isinstance(change, Reserve):
            if change.end > present:  # zeros, whether room was made or not: where it was not there is a hole
                buffer[present : change.end] = bytes(change.end - present)
        elif lasts:
            hole = bytes(max(0, change.size - present))
            begin = change.size - len(hole)
            buffer[begin:] = hole + fill * (room - change.size)
        present = grown(present, change)
    return bytes(buffer[:size])
