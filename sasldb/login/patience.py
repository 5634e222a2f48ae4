"""Time limits of one talk with a server that may be slow, dead or hostile: for each wait, and for all of them together.

Errors: `SasldbError` where the whole takes too long; a single wait is ended by the socket.
"""

from __future__ import annotations

from time import monotonic

from sasldb.errors import SasldbError

TOTAL = 60.0  # seconds
EACH = 30.0  # seconds; Postfix delays its greeting for some seconds, and each refusal


class Patience:
    """A clock that starts when it is made. `total` and `each` are seconds."""

    __slots__ = ("_end", "each", "total")

    def __init__(self, total: float = TOTAL, each: float = EACH) -> None:
        self.total = total
        self.each = each
        self._end = monotonic() + total

    def left(self, subject: str) -> float:
        """Return how long the next wait may take, in seconds, more than 0.

        Raises:
            SasldbError: nothing is left; `subject` is whom we waited for.
        """
        left = self._end - monotonic()
        if left <= 0:
            raise self.exhausted(subject)
        return min(left, self.each)

    def exhausted(self, subject: str) -> SasldbError:
        """Return the error that says which wait for `subject` was too long: all together, or the last one."""
        if monotonic() >= self._end:
            return SasldbError(subject, f"not done within {self.total:g} seconds")
        return SasldbError(subject, "no answer in time")
