"""cmusaslsecretOTP: the state of one-time passwords (RFC 2289), as the OTP plug-in of Cyrus SASL stores it.

Value, five fields between tabs: `md5 0499 vm5771 <16 hex digits> 00000000000000000000`, that is algorithm, number of the last one-time
password (4 digits), seed, that password, and until when (seconds) a login in progress holds the record. Earlier releases wrote
the same fields in binary; such values are still read, here as there.

A one-time password with number n is the pass phrase behind the lower-cased seed, hashed and folded to 64 bits n + 1 times. Every
login lowers the number by one; the plug-in refuses numbers below 2. Source: RFC 2289 sections 6 and 10, appendix A; Cyrus
SASL 2.1.28, plugins/otp.c, and its records as observed. Any length of pass phrase serves, as in Cyrus.
With OpenSSL 3 a login against an md4 state crashes the server that loaded the plug-in; md5 and sha1 are sound.
Errors: `SecretUnusable`.
"""

from __future__ import annotations

from _operator import _compare_digest as compare_digest

from sasldb.errors import SecretUnusable
from sasldb.model.text import to_bytes, to_text
from sasldb.secrets.digests import function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.secrets.digests import HashFunction

NAME = "cmusaslsecretOTP"
ALGORITHMS = ("md4", "md5", "sha1")
FIRST = 499  # the number that Cyrus starts with
LAST = 9999  # the greatest number that four digits hold
SEED = 16  # bytes that a seed may have
HASH = 8  # bytes of a one-time password
_LOW = (1 << 64) - 1


class State:
    """One parsed value: `algorithm` (str), `sequence`, `seed` (bytes) and `password`, the last one-time password (8 bytes)."""

    __slots__ = ("algorithm", "password", "seed", "sequence")

    def __init__(self, algorithm: str, sequence: int, seed: bytes, password: bytes) -> None:
        self.algorithm = algorithm
        self.sequence = sequence
        self.seed = seed
        self.password = password


def make(password: bytes, hostname: str | bytes, algorithm: str = "md5", sequence: int = FIRST) -> bytes:
    """Return the value (bytes) that Cyrus would store for `password` (bytes without NUL) on the host `hostname`.

    The seed is the first two bytes of the lower-cased host name and a random number from 0001 to 9999.

    Raises:
        SecretUnusable: unknown algorithm, or a sequence outside 2..9999.
    """
    from os import urandom

    if not 2 <= sequence <= LAST:
        raise SecretUnusable(NAME, f"sequence {sequence} is not between 2 and {LAST}")
    number = int.from_bytes(urandom(4), "little") % 9999 + 1
    seed = b"%b%04d" % (to_bytes(hostname).lower()[:2], number)
    digits = one_time_password(algorithm, sequence, seed, password).hex().encode()
    return b"%b\t%04d\t%b\t%b\t%020d" % (algorithm.encode(), sequence, seed, digits, 0)


def check(value: bytes, password: bytes) -> bool:
    """Return whether the stored state `value` comes from the pass phrase `password` (bytes without NUL).

    Raises:
        SecretUnusable: `value` does not parse or is used up.
    """
    state = usable(value)
    return compare_digest(state.password, one_time_password(state.algorithm, state.sequence, state.seed, password))


def usable(value: bytes) -> State:
    """Parse `value` (bytes) and make sure that a login can still use it.

    Raises:
        SecretUnusable: it does not parse, or its one-time passwords are used up.
    """
    state = parse(value)
    if state.sequence < 2:
        raise SecretUnusable(NAME, "all one-time passwords are used up", "set the password again")
    return state


def parse(value: bytes) -> State:
    """Take `value` (bytes, either form) apart.

    Raises:
        SecretUnusable: it has not the five fields, or one of them is not what it should be.
    """
    fields = _binary_fields(value) if 0 in value else value.split(b"\t")
    if len(fields) != 5:
        raise SecretUnusable(NAME, "not the five fields of an OTP record")
    algorithm = to_text(fields[0]).lower()
    if algorithm not in ALGORITHMS:
        raise SecretUnusable(NAME, "an algorithm that is none of " + ", ".join(ALGORITHMS))
    if not (fields[1].isdigit() and len(fields[1]) <= 4):
        raise SecretUnusable(NAME, "the sequence is no number of four digits")
    if not 1 <= len(fields[2]) <= SEED or fields[2].split() != [fields[2]]:
        raise SecretUnusable(NAME, f"the seed is not 1 to {SEED} bytes without blanks")
    try:
        one_time = bytes.fromhex(fields[3].decode("ascii"))
    except ValueError:  # its message could quote the value
        raise SecretUnusable(NAME, "the last one-time password is not hexadecimal") from None
    if len(one_time) != HASH or len(fields[3]) != 2 * HASH:
        raise SecretUnusable(NAME, f"the last one-time password is not {HASH} bytes")
    if not fields[4].isdigit():
        raise SecretUnusable(NAME, "the time of the lock is no number")
    return State(algorithm, int(fields[1]), fields[2], one_time)


def one_time_password(algorithm: str, sequence: int, seed: bytes, password: bytes) -> bytes:
    """Return the one-time password (8 bytes) with number `sequence` of the pass phrase `password` under `seed` (both bytes).

    Raises:
        SecretUnusable: unknown algorithm, or a hash that this Python lacks.
    """
    if algorithm not in ALGORITHMS:
        raise SecretUnusable(NAME, "an algorithm that is none of " + ", ".join(ALGORITHMS))
    turns = _sha1_turns if algorithm == "sha1" else _md_turns
    return turns(function(algorithm), seed.lower() + password, sequence + 1)


def _md_turns(digest: HashFunction, data: bytes, count: int) -> bytes:
    """Hash and fold `count` times. The two halves of 16 bytes are XORed as numbers: that is what makes 500 turns 0.1 ms."""
    for _ in range(count):
        number = int.from_bytes(digest(data).digest(), "little")
        data = (number >> 64 ^ number & _LOW).to_bytes(8, "little")
    return data


def _sha1_turns(digest: HashFunction, data: bytes, count: int) -> bytes:
    """Hash and fold `count` times. SHA-1 counts in big-endian words, RFC 2289 appendix A wants them out in little-endian."""
    from struct import pack, unpack

    for _ in range(count):
        a, b, c, d, e = unpack(">5I", digest(data).digest())
        data = pack("<2I", a ^ c ^ e, b ^ d)
    return data


def _binary_fields(value: bytes) -> list[bytes]:
    """Turn the earlier, binary form (`md5 NUL 0499 NUL seed NUL`, 8 bytes, a time_t of 4 or 8 bytes) into the five fields."""
    fields = value.split(b"\0", 3)
    if len(fields) != 4 or len(fields[1]) != 4 or len(fields[3]) not in (HASH + 4, HASH + 8):
        return []
    return [*fields[:3], fields[3][:HASH].hex().encode(), b"0"]
