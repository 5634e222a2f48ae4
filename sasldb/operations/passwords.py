"""Passwords that scripts hand over, and passwords made up: the same rules wherever one comes from.

What is read from a file, a pipe or a descriptor is one password: one newline at its end is dropped, and a carriage return, a NUL or
another line is refused, for it is there by mistake. `raw` takes the bytes as they come, the newline at the end too. In either case
nothing empty and nothing longer than libsasl reads (8192 bytes) is a password; a NUL that `raw` lets through cannot be stored.

Errors: BadPassword, which never shows the password; SasldbError where the file or descriptor cannot be read.
"""

from __future__ import annotations

import os
import stat

from sasldb.errors import BadPassword, SasldbError, quoted
from sasldb.model.secret import Secret
from sasldb.secrets.plaintext import LONGEST

# Letters and digits that no typeface makes look alike: without 0 O o, 1 I l.
ALPHABET = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"
LENGTH = 20  # characters, 116 bits
SHORTEST, FURTHEST = 8, 256  # characters
_SUBJECT = "password"
_WINDOW = LONGEST + 2  # bytes; with the newline, one more than a password may have


def from_bytes(data: bytes, raw: bool = False) -> Secret:
    """Return the password that `data` (bytes) holds.

    Raises:
        BadPassword: empty, too long, or, unless `raw`, with a carriage return, a NUL or a further line.
    """
    if not raw:
        data = data[:-1] if data.endswith(b"\n") else data
        for byte, what in ((b"\n", "more than one line"), (b"\r", "a carriage return"), (b"\0", "a NUL")):
            if byte in data:
                raise BadPassword(_SUBJECT, f"{what}, which is refused without --raw")
    if not data:
        raise BadPassword(_SUBJECT, "it is empty")
    if len(data) > LONGEST:
        raise BadPassword(_SUBJECT, f"more than {LONGEST} bytes, which libsasl cannot read")
    return Secret(data)


def from_descriptor(descriptor: int, raw: bool = False, name: str = "") -> Secret:
    """Return the password that open `descriptor` holds, from where it stands to its end; `name` is for messages.

    Raises:
        BadPassword: see `from_bytes`. SasldbError: it cannot be read.
    """
    data = b""
    try:
        while len(data) < _WINDOW and (piece := os.read(descriptor, _WINDOW - len(data))):
            data += piece
    except OSError as error:
        raise SasldbError(name or f"descriptor {descriptor}", error.strerror or "cannot be read") from error
    return from_bytes(data, raw)


def from_file(path: str, raw: bool = False) -> tuple[Secret, list[str]]:
    """Return the password that file `path` (text) holds, and sentences for the person who keeps it there.

    Raises:
        BadPassword: see `from_bytes`. SasldbError: it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise SasldbError(path, getattr(error, "strerror", None) or "no name of a file") from error
    try:
        return from_descriptor(descriptor, raw, path), _exposure(path, os.fstat(descriptor))
    finally:
        os.close(descriptor)


def generate(length: int = LENGTH) -> Secret:
    """Return a new password of `length` characters of ALPHABET, every one as likely as any other.

    Raises:
        BadPassword: `length` is not between SHORTEST and FURTHEST.
    """
    if not SHORTEST <= length <= FURTHEST:
        raise BadPassword(_SUBJECT, f"a length of {length} is not between {SHORTEST} and {FURTHEST}")
    fair = 256 - 256 % len(ALPHABET)  # bytes from here on would favour the first characters
    letters = bytearray()
    while len(letters) < length:
        letters += bytes(ALPHABET[byte % len(ALPHABET)] for byte in os.urandom(length) if byte < fair)
    return Secret(bytes(letters[:length]))


def _exposure(path: str, status: os.stat_result) -> list[str]:
    """Return the sentence that others may read the file, where it is one and they may."""
    if stat.S_ISREG(status.st_mode) and status.st_mode & stat.S_IROTH:
        return [f"{path}: everybody may read this password; run: chmod o= {quoted(path)}"]
    return []
