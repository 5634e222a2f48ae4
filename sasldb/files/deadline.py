"""The one deadline of an operation: every wait for a lock, a retry or a program that is writing counts against it.

An edit waits twice: for the lock when it begins, and for programs that take no lock when it is committed. The work of the caller
in between is no wait, so the clock stops meanwhile.

Raises nothing.
"""

from __future__ import annotations

import time


class Deadline:
    """The time that an operation may still wait. `wait` is what was asked for, in seconds."""

    __slots__ = ("_end", "_left", "wait")

    def __init__(self, wait: float) -> None:
        self.wait = wait
        self._left = wait
        self._end: float | None = time.monotonic() + wait

    @property
    def left(self) -> float:
        """The seconds that are left; 0.0 when it is over."""
        left = self._left if self._end is None else self._end - time.monotonic()
        return max(0.0, left)

    def stop(self) -> None:
        """Stop the clock: what follows is not waiting."""
        self._left = self.left
        self._end = None

    def go_on(self) -> None:
        """Let the clock run again."""
        if self._end is None:
            self._end = time.monotonic() + self._left

    def pause(self, seconds: float) -> bool:
        """Sleep for `seconds`, or for what is left; return False, without sleeping, when the deadline is over."""
        left = self.left
        if left <= 0.0:
            return False
        time.sleep(min(seconds, left))
        if self._end is None:
            self._left = left - min(seconds, left)
        return True
