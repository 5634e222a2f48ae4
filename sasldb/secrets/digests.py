"""Hash functions, found the cheap way.

`hashlib` costs 2 ms to import, more than all else that one saslpasswd2 run hashes. CPython's own `_md5` and `_sha1` do the same
at no cost, but not every build has them (FIPS builds leave them out), so `hashlib` stands behind them, told that nothing here
is for security: the formats were fixed decades ago. MD4 comes from `compression`, for OpenSSL 3 no longer serves it.

Errors: `SecretUnusable` when this Python has the hash nowhere.
"""

from __future__ import annotations

from sasldb.errors import SecretUnusable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Hash(Protocol):
        """What a hash function returns here."""

        def digest(self) -> bytes:
            """Return the digest as raw bytes."""

    HashFunction = Callable[[bytes], Hash]


def function(name: str) -> HashFunction:
    """Return the hash function `name` ("md5", "sha1", "md4"): called with bytes, it answers an object with `digest()`.

    Raises:
        SecretUnusable: unknown name, or a hash that this Python does not have.
    """
    try:
        if name == "md5":
            from _md5 import md5  # type: ignore[import-not-found,unused-ignore]

            return md5  # type: ignore[no-any-return,unused-ignore]
        if name == "sha1":
            from _sha1 import sha1  # type: ignore[import-not-found,unused-ignore]

            return sha1  # type: ignore[no-any-return,unused-ignore]
        if name == "md4":
            from sasldb.secrets.compression import MD4

            return MD4
    except ImportError:
        return _from_hashlib(name)
    raise SecretUnusable(name, "no such hash function here")


def md5(data: bytes) -> bytes:
    """Return the 16-byte MD5 digest of `data`.

    Raises:
        SecretUnusable: this Python has no MD5.
    """
    return function("md5")(data).digest()


def _from_hashlib(name: str) -> HashFunction:
    import hashlib

    try:
        hashlib.new(name, usedforsecurity=False)
    except ValueError as error:
        raise SecretUnusable(name, "this Python has no such hash function") from error
    return lambda data: hashlib.new(name, data, usedforsecurity=False)
