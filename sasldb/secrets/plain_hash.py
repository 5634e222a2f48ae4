"""cmusaslsecretPLAIN: a salted hash that lets PLAIN and LOGIN in, and needs no plaintext beside it.

Value, raw bytes: 16 of salt, NUL, 16 of MD5(salt "sasldb" password). No Cyrus program writes it any more, but every libsasl 2 reads
it, and beside a userPassword: then either password is accepted.

Source: Cyrus SASL 2.1.28, lib/checkpw.c, and observed through sasl_checkpass. It compares 33 bytes and ignores what follows.
One round of MD5 is quick to guess: it keeps passwords from being read, not from being searched for.
Errors: `SecretUnusable`.
"""

from __future__ import annotations

from _operator import _compare_digest as compare_digest

from sasldb.errors import SecretUnusable
from sasldb.secrets.digests import md5

NAME = "cmusaslsecretPLAIN"
SALT = 16  # bytes
LENGTH = SALT + 1 + 16  # bytes


def make(password: bytes, salt: bytes | None = None) -> bytes:
    """Return the 33 bytes to store for `password` (bytes without NUL); `salt` is 16 bytes, random when None.

    Raises:
        SecretUnusable: a salt of another length, or this Python has no MD5.
    """
    if salt is None:
        from os import urandom

        salt = urandom(SALT)
    if len(salt) != SALT:
        raise SecretUnusable(NAME, f"a salt of {len(salt)} bytes, not {SALT}")
    return salt + b"\0" + md5(salt + b"sasldb" + password)


def parse(value: bytes) -> tuple[bytes, bytes]:
    """Return `(salt, digest)`, 16 raw bytes each.

    Raises:
        SecretUnusable: too short, or no NUL behind the salt.
    """
    if len(value) < LENGTH:
        raise SecretUnusable(NAME, f"{len(value)} bytes, not {LENGTH}")
    if value[SALT]:
        raise SecretUnusable(NAME, "no NUL between salt and digest")
    return value[:SALT], value[SALT + 1 : LENGTH]


def check(value: bytes, password: bytes) -> bool:
    """Return whether `password` (bytes without NUL) is the one that `value` was made of, in constant time.

    Raises:
        SecretUnusable: `value` does not parse, or this Python has no MD5.
    """
    salt, digest = parse(value)
    return compare_digest(digest, md5(salt + b"sasldb" + password))
