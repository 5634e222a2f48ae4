"""The one place where names turn from bytes into text and back.

Names in a database are bytes in no declared encoding. As text they are UTF-8, and bytes that are not UTF-8 become
lone surrogates (PEP 383), so that every name survives the round trip.

Anybody may have chosen a name: of a user, a file, a process. `printable` is what a terminal or a log gets of it.
"""

from __future__ import annotations

from sasldb.errors import BadName

_NAMED = 3  # names in a sentence


def to_text(name: bytes) -> str:
    """Return `name` (bytes, any) as str; never fails."""
    return name.decode("utf-8", "surrogateescape")


def to_bytes(name: str | bytes) -> bytes:
    """Return `name` as the bytes that are stored; bytes pass through. Not for passwords: the error shows what it is about.

    Raises:
        BadName: a str with a lone surrogate outside U+DC80..U+DCFF, which stands for no bytes.
    """
    if isinstance(name, bytes):
        return name
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "backslashreplace").decode("utf-8")
        raise BadName(shown, "a lone surrogate, which stands for no bytes") from None


def printable(text: str) -> str:
    """Return `text` with every character that does not print, and every byte that is no UTF-8, written as `\\xNN`."""
    if text.isprintable():
        return text
    shown = []
    for character in text:
        if character.isprintable():
            shown.append(character)
        else:
            octets = character.encode(
                "utf-8", "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"
            )
            shown.append("".join(f"\\x{byte:02x}" for byte in octets))
    return "".join(shown)


def some_of(names: list[str]) -> list[str]:
    """Return the first of `names`, and how many more there are: what a sentence can name."""
    return names[:_NAMED] + ([f"{len(names) - _NAMED} more"] if len(names) > _NAMED else [])


def counted(names: list[str]) -> str:
    """Return the same as text, with commas."""
    return ", ".join(some_of(names))
