"""Record keys: `user NUL realm NUL property`, no NUL at the end.

Source: observed on Cyrus SASL 2.1.28 (sasldb/allockey.c writes them). A key with fewer or more than two NULs is malformed:
the real sasldblistusers2 loops on it for ever, so it is kept, reported and never written here.
"""

from __future__ import annotations

from sasldb.errors import BadName
from sasldb.model.text import to_text

Names = tuple[bytes, bytes, bytes]


def join_key(user: bytes, realm: bytes, name: bytes) -> bytes:
    """Return the key of property `name` of `user` in `realm` (all bytes; each may be empty, none may hold NUL).

    Raises:
        BadName: one of the three holds a NUL.
    """
    key = b"%b\0%b\0%b" % (user, realm, name)
    if key.count(0) != 2:
        raise BadName(to_text(key.replace(b"\0", b"\\0")), "a NUL in a user, realm or property name")
    return key


def split_key(key: bytes) -> Names | None:
    """Return `(user, realm, property)` as bytes, or None when the key is malformed."""
    parts = key.split(b"\0")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None
