"""Verdicts: what checking a password can come to. Not exceptions, for a wrong password is an ordinary answer.

The words are those of the field's password databases (compare Dovecot's passdb results).
"""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """What checking a password came to; the value is the word shown to people."""

    OK = "ok"
    MISMATCH = "mismatch"
    NO_SUCH_USER = "no such user"
    SECRET_UNUSABLE = "secret unusable"  # the user exists, but nothing stored for it can be checked


class Verdict:
    """The result of checking one password; true only when it was accepted.

    Attributes:
        outcome: the `Outcome`.
        accepted_by: names of the properties (str) that accepted the password, in the order in which they were tried.
        unusable: name of each property (str) that could not be checked -> the reason.
    """

    __slots__ = ("accepted_by", "outcome", "unusable")

    def __init__(
        self, outcome: Outcome, accepted_by: tuple[str, ...] = (), unusable: dict[str, str] | None = None
    ) -> None:
        self.outcome = outcome
        self.accepted_by = accepted_by
        self.unusable = unusable or {}

    def __bool__(self) -> bool:
        return self.outcome is Outcome.OK

    def __repr__(self) -> str:
        return f"Verdict({self.outcome.name}, accepted_by={self.accepted_by!r})"
