"""cmusaslsecretCRAM-MD5: HMAC-MD5 stopped halfway, which lets CRAM-MD5 in.

Value, 32 raw bytes: MD5's state after the block of the password XOR 0x36, then its state after the password XOR 0x5C, each as four
big-endian 32-bit words. libsasl 2.1 reads it where no userPassword is stored; 2.2 no longer has CRAM-MD5, and no program of
Cyrus writes it any more, so `make` serves converters and tests.

Source: RFC 2104 section 4 (the idea), RFC 2195 (CRAM-MD5), Cyrus SASL 2.1.28 lib/md5.c (the layout).
Whoever holds these bytes can log in with CRAM-MD5 without the password. Errors: `SecretUnusable`.
"""

from __future__ import annotations

from _operator import _compare_digest as compare_digest

from sasldb.errors import SecretUnusable

NAME = "cmusaslsecretCRAM-MD5"
LENGTH = 32  # bytes


def make(password: bytes) -> bytes:
    """Return the 32 bytes for `password` (bytes without NUL).

    Raises:
        SecretUnusable: a password of more than 64 bytes, and this Python has no MD5.
    """
    from struct import pack

    from sasldb.secrets.compression import BLOCK, INITIAL, md5_step

    if len(password) > BLOCK:
        from sasldb.secrets.digests import md5

        password = md5(password)
    key = password.ljust(BLOCK, b"\0")
    inner = md5_step(INITIAL, bytes(byte ^ 0x36 for byte in key))
    outer = md5_step(INITIAL, bytes(byte ^ 0x5C for byte in key))
    return pack(">8I", *inner, *outer)


def parse(value: bytes) -> tuple[bytes, bytes]:
    """Return the `(inner, outer)` states, 16 raw bytes each. As in libsasl, bytes behind the 32 do not count.

    Raises:
        SecretUnusable: too short.
    """
    if len(value) < LENGTH:
        raise SecretUnusable(NAME, f"{len(value)} bytes, not {LENGTH}")
    return value[:16], value[16:LENGTH]


def check(value: bytes, password: bytes) -> bool:
    """Return whether `password` (bytes without NUL) is the one that `value` was made of, in constant time.

    Raises:
        SecretUnusable: `value` is too short, or this Python lacks MD5.
    """
    inner, outer = parse(value)
    return compare_digest(inner + outer, make(password))
