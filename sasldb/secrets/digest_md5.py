"""cmusaslsecretDIGEST-MD5: MD5(user:realm:password), which lets DIGEST-MD5 in.

Value, 16 raw bytes, the first half of RFC 2831's A1. libsasl 2.1 reads it where no userPassword is stored; 2.2 no longer has DIGEST-MD5,
and no program of Cyrus writes it any more, so `make` serves converters and tests. It serves a login whose client sends the
user without `@realm` and this very realm.

Source: RFC 2831 section 2.1.2.1 and its sample code, which libsasl follows: user and password in UTF-8 are each turned into ISO 8859-1
where every character fits, the realm stays as it is. Whoever holds these bytes can log in without the password.
Errors: `SecretUnusable`.
"""

from __future__ import annotations

from _operator import _compare_digest as compare_digest

from sasldb.errors import SecretUnusable
from sasldb.secrets.digests import md5

NAME = "cmusaslsecretDIGEST-MD5"
LENGTH = 16  # bytes


def make(user: bytes, realm: bytes, password: bytes) -> bytes:
    """Return the 16 bytes for `password` (bytes without NUL) of `user` in `realm` (bytes).

    Raises:
        SecretUnusable: this Python has no MD5.
    """
    return md5(b"%b:%b:%b" % (_narrow(user), realm, _narrow(password)))


def parse(value: bytes) -> bytes:
    """Return the 16 bytes. As in libsasl, bytes behind them do not count.

    Raises:
        SecretUnusable: too short.
    """
    if len(value) < LENGTH:
        raise SecretUnusable(NAME, f"{len(value)} bytes, not {LENGTH}")
    return value[:LENGTH]


def check(value: bytes, user: bytes, realm: bytes, password: bytes) -> bool:
    """Return whether `value` was made of `user`, `realm` and `password` (bytes), in constant time.

    Raises:
        SecretUnusable: `value` is too short, or this Python has no MD5.
    """
    return compare_digest(parse(value), make(user, realm, password))


def _narrow(text: bytes) -> bytes:
    """Turn UTF-8 `text` into ISO 8859-1 if all of it fits, else return it unchanged.

    Of bytes that are not UTF-8, libsasl lets 0x80..0xBF pass and loses a 0xC0..0xC3 at the very end. So does this.
    """
    if text.isascii():
        return text
    narrow = bytearray()
    octets = iter(text)
    for byte in octets:
        if byte >= 0xC0:
            second = next(octets, None)
            if byte > 0xC3 or not (second is None or 0x80 <= second <= 0xBF):
                return text
            if second is None:
                break
            byte = (byte & 3) << 6 | second & 0x3F
        narrow.append(byte)
    return bytes(narrow)
