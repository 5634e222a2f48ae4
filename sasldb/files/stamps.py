"""When a file was written to last, and by whom: the answers that tell a file at rest from one that a program is writing.

The Cyrus tools take no lock; a change takes them some milliseconds. Their last write leaves the time of the last write and the time of
the last change equal. Our writers set the former a little back (`mark_as_ours`): a file marked so is whole.

Errors: OSError stays inside this room.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.files.deadline import Deadline

RECENT = 1.0  # seconds; within these a file that looks damaged may be one that a program is still writing
_REST = 0.03  # seconds without a write, after which no Cyrus tool is thought to be between two of its writes
_TICK = 0.01  # seconds; within one tick of the kernel's clock a second write does not show in the time stamp
_PATIENCE = 0.3  # seconds; a file that never rests is taken as it is, and checked as a whole
_PAUSE = 0.005  # seconds


class Stamp:
    """What changes whenever a program writes to a file: `size` (bytes), `written` and `changed` (nanoseconds since the epoch)."""

    __slots__ = ("changed", "size", "written")

    def __init__(self, status: os.stat_result) -> None:
        self.size = status.st_size
        self.written = status.st_mtime_ns
        self.changed = status.st_ctime_ns

    @classmethod
    def of(cls, fd: int) -> Stamp:
        """Look at the open file `fd`."""
        return cls(os.fstat(fd))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stamp):
            return NotImplemented
        return (self.size, self.written, self.changed) == (other.size, other.written, other.changed)

    __hash__ = None  # type: ignore[assignment]  # compared, never a key

    def within(self, seconds: float) -> bool:
        """Tell whether the last write was in the last `seconds` (or is in the future, by as little)."""
        return abs(time.time() - self.written / 1e9) < seconds

    @property
    def by_others(self) -> bool:
        """Whether a program other than ours wrote last."""
        return self.written == self.changed

    @property
    def recent(self) -> bool:
        """Whether a program may still be writing: it wrote within the last second."""
        return self.within(RECENT)

    def shows_the_next_write(self) -> bool:
        """Tell whether a write after this look would differ from it."""
        return not self.by_others or not self.within(_TICK)


def at_rest(fd: int, deadline: Deadline) -> os.stat_result:
    """Return the status of the open file `fd`, after a pause if a program other than ours has just written to it."""
    end = time.monotonic() + _PATIENCE
    while True:
        status = os.fstat(fd)
        stamp = Stamp(status)
        if not (stamp.by_others and stamp.within(_REST)) or time.monotonic() >= end or not deadline.pause(_PAUSE):
            return status


def mark_as_ours(fd: int) -> None:
    """Set the time of the last write a little back, so that it differs from the time of the last change."""
    status = os.fstat(fd)
    os.utime(fd, ns=(status.st_atime_ns, status.st_mtime_ns - 1000))
