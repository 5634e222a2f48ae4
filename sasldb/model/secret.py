"""Passwords in hand: bytes that do not show themselves.

`Secret` wraps the bytes of a password so that a repr, a log line or a traceback never shows them. Comparison is in constant
time. It protects against showing by accident, not against a debugger.
"""

from __future__ import annotations

from _operator import _compare_digest as compare_digest  # hmac.compare_digest, without the cost of importing hashlib


class Secret:
    """Immutable wrapper of a password's bytes; `reveal()` is the only way to them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        """Take the password as bytes, exactly as it is to be stored."""
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes."""
        return self._value

    def __len__(self) -> int:
        """Return the length in bytes."""
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a secret is no dictionary key

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__
