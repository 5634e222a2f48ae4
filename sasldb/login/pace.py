"""Not more than one try in so many seconds at one host, by all processes of one user on this machine together.

A try is made in a turn. While one process has its turn at a host, others wait; and a turn begins no sooner than the pace after the try
before it, whoever made that, began and ended. Where no file can be shared (see `login.ledger`), and so on a machine that is read-only,
the pace holds within this process. A pace of 0 waits for nobody, and nobody waits for it.

Times are those of CLOCK_BOOTTIME, which is one for all processes and runs forward alone. Errors: `SasldbError` where others do not end.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterable
from time import CLOCK_BOOTTIME, clock_gettime_ns, monotonic, sleep

from sasldb.errors import SasldbError
from sasldb.login import ledger

_SECOND = 1_000_000_000  # nanoseconds
_PAUSE = 0.02  # seconds between two looks at a lock


class Pace:
    """The turns of this process at one host.

    Args:
        hosts: all that the host is known as (text, such as its addresses). seconds: between two tries. longest: seconds that a try of
            somebody else may take; no turn is waited for longer than that and `seconds`. name: what messages call the host.
    """

    __slots__ = ("_files", "_hosts", "_last", "_longest", "_name", "_seconds")

    def __init__(self, hosts: Iterable[str], seconds: float, longest: float, name: str) -> None:
        self._hosts = sorted(set(hosts))
        self._seconds = seconds
        self._longest = longest
        self._name = name
        self._last = 0  # nanoseconds
        self._files: list[int] = []

    def take(self) -> None:
        """Wait for a turn, which lasts until `leave`.

        Raises:
            SasldbError: others had it all the time.
        """
        end = monotonic() + self._seconds + self._longest
        while self._seconds and (left := self._enter()) > 0:
            if monotonic() >= end:
                reason = "other tries at this host are under way all the time"
                raise SasldbError(self._name, reason, "wait for them, or add --pace 0")
            sleep(left)

    def mark(self) -> None:
        """Note that a try begins, or has ended, now; only in a turn."""
        self._last = _now()
        for fd in self._files:
            ledger.write(fd, self._last)

    def leave(self) -> None:
        """Let others have their turn; more than once does no harm."""
        while self._files:
            os.close(self._files.pop())

    def _enter(self) -> float:
        """Begin a turn where that may be, and return 0; else return after how many seconds to look again."""
        try:
            for host in self._hosts:
                self._lock(host)
        except BlockingIOError:
            self.leave()
            return _PAUSE
        now = _now()
        stamps = [self._last, *map(ledger.read, self._files)]
        last = max(stamp for stamp in stamps if stamp <= now or stamp == self._last)  # later ones are of another boot
        left = last + self._seconds * _SECOND - now if last else 0
        if left > 0:
            self.leave()
        return max(0.0, left / _SECOND)

    def _lock(self, host: str) -> None:
        """Lock the file for `host`, if there is one.

        Raises:
            BlockingIOError: somebody else has.
        """
        fd = ledger.open_for(host)
        if fd is None:
            return
        self._files.append(fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise BlockingIOError from error
            self._files.remove(fd)  # a file system without locks: as if there were no file
            os.close(fd)


def _now() -> int:
    return clock_gettime_ns(CLOCK_BOOTTIME)
