"""userPassword: the password itself, which lets every mechanism in.

Source: Cyrus SASL 2.1.28, observed (sasl_checkpass through libsasl2): the value is a C string, so what stands behind a NUL does not
count; an empty value lets an empty password in, with PLAIN and LOGIN alone (the others refuse an empty secret); values of more than
8192 bytes overflow its buffer.

Errors: `SecretUnusable`.
"""

from __future__ import annotations

from _operator import _compare_digest as compare_digest

from sasldb.errors import SecretUnusable

NAME = "userPassword"
LONGEST = 8192  # bytes that libsasl reads of one value


def parse(value: bytes) -> bytes:
    """Return the password (bytes) that libsasl sees in the stored `value`: all up to the first NUL.

    Raises:
        SecretUnusable: longer than libsasl reads.
    """
    if len(value) > LONGEST:
        raise SecretUnusable(NAME, f"{len(value)} bytes, and libsasl reads at most {LONGEST}")
    return value.partition(b"\0")[0]


def check(value: bytes, password: bytes) -> bool:
    """Return whether `password` (bytes without NUL) is the one stored in `value`. In constant time for passwords of one length.

    Raises:
        SecretUnusable: longer than libsasl reads.
    """
    return compare_digest(parse(value), password)
