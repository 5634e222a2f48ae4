"""authPassword: a SCRAM verifier, which lets one SCRAM mechanism in and keeps no plaintext.

Value: `SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>`, the three in base64. libsasl reads it where no userPassword is stored, allows
blanks around each `$`, and sees one verifier only: the first. It computes from the password's bytes as they are (no SASLprep).

Source: RFC 5802 section 3 (the keys), RFC 7677 (SHA-256), RFC 5803 section 2 (the value); Cyrus SASL 2.1.28, plugins/scram.c, and its
records as observed. It keeps no limit on iterations here; its clients refuse more than 65536, and RFC 5802 asks for 4096 at least, as the
callers of this module may. Errors: `SecretUnusable`.
"""

from __future__ import annotations

from _operator import _compare_digest as compare_digest

from sasldb.errors import SecretUnusable

NAME = "authPassword"
HASHES = {"SHA-1": 20, "SHA-224": 28, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64}  # bytes of a key
ITERATIONS = 4096  # what Cyrus takes by default
FEWEST, MOST = 4096, 65536  # iterations that every client takes: RFC 5802, section 5.1; Cyrus SASL's refuse more
COUNTABLE = 10_000_000  # iterations; more take many seconds, and no client computes that much
SALT = 16  # bytes


class Verifier:
    """One parsed value: `hash` (a key of HASHES), `iterations`, and as raw bytes `salt`, `stored_key`, `server_key`."""

    __slots__ = ("hash", "iterations", "salt", "server_key", "stored_key")

    def __init__(self, hash: str, iterations: int, salt: bytes, stored_key: bytes, server_key: bytes) -> None:
        self.hash = hash
        self.iterations = iterations
        self.salt = salt
        self.stored_key = stored_key
        self.server_key = server_key

    @property
    def mechanism(self) -> str:
        """The SASL mechanism that it lets in."""
        return f"SCRAM-{self.hash}"

    def value(self) -> bytes:
        """Return the bytes to store."""
        salt, stored_key, server_key = map(_base64, (self.salt, self.stored_key, self.server_key))
        return b"%b$%d:%b$%b:%b" % (self.mechanism.encode(), self.iterations, salt, stored_key, server_key)

    def __repr__(self) -> str:
        return f"Verifier({self.mechanism}, iterations={self.iterations})"


def make(password: bytes, hash: str = "SHA-256", iterations: int = ITERATIONS, salt: bytes | None = None) -> bytes:
    """Return the value (bytes) to store for `password` (bytes without NUL); `salt` is random, 16 bytes, when None.

    Raises:
        SecretUnusable: unknown hash, iterations outside 1..10,000,000, an empty salt, or this Python cannot compute it.
    """
    if salt is None:
        from os import urandom

        salt = urandom(SALT)
    return from_salted_password(_salted_password(password, hash, iterations, salt), hash, iterations, salt).value()


def from_salted_password(salted: bytes, hash: str, iterations: int, salt: bytes) -> Verifier:
    """Return the verifier for RFC 5802's SaltedPassword, which is PBKDF2-HMAC of the password: other stores have just that.

    Raises:
        SecretUnusable: unknown hash, or `salted` is shorter than its digest (what is longer is cut: the same bytes come first).
    """
    import hashlib
    import hmac

    length = _key_length(hash)
    if len(salted) < length:
        raise SecretUnusable(f"SCRAM-{hash}", f"a derived key of {len(salted)} bytes, not {length}")
    name = _openssl_name(hash)
    client_key = hmac.new(salted[:length], b"Client Key", name).digest()
    server_key = hmac.new(salted[:length], b"Server Key", name).digest()
    return Verifier(hash, iterations, salt, hashlib.new(name, client_key).digest(), server_key)


def parse(value: bytes) -> Verifier:
    """Take `value` (bytes) apart. Only the first verifier in it counts; it ends at a NUL, or at a blank behind ServerKey.

    Raises:
        SecretUnusable: it is not of the form above, with the reason.
    """
    mechanism, first, rest = value.partition(b"\0")[0].partition(b"$")
    parameters, second, keys = rest.partition(b"$")
    if not (first and second):
        raise SecretUnusable(NAME, "not of the form MECHANISM$iterations:salt$StoredKey:ServerKey")
    hash = mechanism.strip(b" ").decode("ascii", "replace")[len("SCRAM-") :]
    if hash not in HASHES or mechanism.strip(b" ") != b"SCRAM-" + hash.encode():
        raise SecretUnusable(NAME, "not one of the mechanisms SCRAM-" + ", ".join(HASHES))
    iterations, _, salt = parameters.strip(b" ").partition(b":")
    stored_key, _, server_key = keys.strip(b" ").partition(b":")
    return Verifier(
        hash,
        _count(iterations),
        _decode("salt", salt),
        _decode("StoredKey", stored_key, HASHES[hash]),
        _decode("ServerKey", server_key.partition(b" ")[0], HASHES[hash]),
    )


def check(value: bytes, password: bytes) -> bool:
    """Return whether `value` was made of `password` (bytes without NUL), in constant time. Both keys must fit.

    Raises:
        SecretUnusable: `value` does not parse, asks for more than 10 million iterations, or cannot be computed here.
    """
    stored = parse(value)
    salted = _salted_password(password, stored.hash, stored.iterations, stored.salt)
    ours = from_salted_password(salted, stored.hash, stored.iterations, stored.salt)
    return compare_digest(stored.stored_key + stored.server_key, ours.stored_key + ours.server_key)


def _salted_password(password: bytes, hash: str, iterations: int, salt: bytes) -> bytes:
    import hashlib

    _key_length(hash)
    if not salt:
        raise SecretUnusable(f"SCRAM-{hash}", "an empty salt")
    if not 1 <= iterations <= COUNTABLE:
        raise SecretUnusable(f"SCRAM-{hash}", f"{iterations} iterations are not between 1 and {COUNTABLE}")
    try:
        return hashlib.pbkdf2_hmac(_openssl_name(hash), password, salt, iterations)
    except (AttributeError, ValueError, OverflowError) as error:
        raise SecretUnusable(f"SCRAM-{hash}", "this Python cannot compute PBKDF2 with that") from error


def _key_length(hash: str) -> int:
    if hash not in HASHES:
        raise SecretUnusable(f"SCRAM-{hash}", "unknown; there are " + ", ".join(HASHES))
    return HASHES[hash]


def _openssl_name(hash: str) -> str:
    return hash.replace("-", "").lower()


def _count(digits: bytes) -> int:
    if not (digits.isdigit() and len(digits) <= 20 and int(digits) > 0):
        raise SecretUnusable(NAME, "the iterations are no number above 0")
    return int(digits)


def _decode(field: str, text: bytes, length: int | None = None) -> bytes:
    """Decode base64 strictly: what does not come out the same again is refused."""
    from binascii import Error, a2b_base64

    try:
        raw = a2b_base64(text)
    except Error:
        raise SecretUnusable(NAME, f"{field} is not base64") from None
    if not raw or _base64(raw) != text:
        raise SecretUnusable(NAME, f"{field} is not base64")
    if length is not None and len(raw) != length:
        raise SecretUnusable(NAME, f"{field} has {len(raw)} bytes, not {length}")
    return raw


def _base64(raw: bytes) -> bytes:
    from binascii import b2a_base64

    return b2a_base64(raw, newline=False)
