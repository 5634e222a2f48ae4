"""What a check needs and only root can look at. `Unseen` never leaves `postfix.checks.checking`."""

from __future__ import annotations


class Unseen(Exception):
    """The check could not look; the message is the reason, and `why` what follows from it, as sentences."""

    def __init__(
        self, reason: str, why: str = "Nothing is known about it, nor about what depends on it: run this as root."
    ) -> None:
        super().__init__(reason)
        self.why = why
