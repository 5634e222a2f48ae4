"""The one place where names turn from bytes into text and back.

Names in a database are bytes in no declared encoding. As text they are UTF-8, and bytes that are not UTF-8 become
lone surrogates (PEP 383), so that every name survives the round trip.
"""

from __future__ import annotations


def to_text(name: bytes) -> str:
    """Return `name` (bytes, any) as str; never fails."""
    return name.decode("utf-8", "surrogateescape")


def to_bytes(name: str | bytes) -> bytes:
    """Return `name` as the bytes that are stored; bytes pass through.

    Raises:
        UnicodeEncodeError: a str with a lone surrogate outside U+DC80..U+DCFF, which no file name or argument can hold.
    """
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
