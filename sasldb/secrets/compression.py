"""MD4, and the step inside MD5, in pure Python.

Two formats need what no library gives: the CRAM-MD5 secret is MD5's internal state halfway through an HMAC, and an OTP secret may use
MD4, which OpenSSL 3 has retired. Slow (30 microseconds a block) and used only for those.

Source: RFC 1320 section 3 (MD4) and RFC 1321 section 3 (MD5). Both work on blocks of 64 bytes, little-endian 32-bit words,
and pad alike: 0x80, zeros, the length in bits as 64 bits. Raises nothing.
"""

from __future__ import annotations

from math import sin
from struct import pack, unpack

State = tuple[int, int, int, int]

BLOCK = 64  # bytes
INITIAL: State = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)  # before the first block, MD4 and MD5 alike
_MASK = 0xFFFFFFFF
_SINES = tuple(int(abs(sin(step + 1)) * 2**32) for step in range(64))
_MD5_SHIFTS = ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))
_MD5_WORDS = ((1, 0), (5, 1), (3, 5), (7, 0))  # step s of a round takes word factor * s + offset, modulo 16
_MD4_SHIFTS = ((3, 7, 11, 19), (3, 5, 9, 13), (3, 9, 11, 15))
_MD4_WORDS = (
    tuple(range(16)),
    (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
    (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15),
)
_MD4_CONSTANTS = (0, 0x5A827999, 0x6ED9EBA1)


def md5_step(state: State, block: bytes) -> State:
    """Return MD5's state after one more `block` (exactly 64 bytes)."""
    words = unpack("<16I", block)
    a, b, c, d = state
    for step in range(64):
        turn, place = divmod(step, 16)
        if turn == 0:
            mixed = (b & c) | (~b & d)
        elif turn == 1:
            mixed = (b & d) | (c & ~d)
        elif turn == 2:
            mixed = b ^ c ^ d
        else:
            mixed = c ^ (b | (~d & _MASK))
        factor, offset = _MD5_WORDS[turn]
        total = (a + mixed + words[(factor * place + offset) % 16] + _SINES[step]) & _MASK
        a, d, c, b = d, c, b, (b + _rotate(total, _MD5_SHIFTS[turn][place % 4])) & _MASK
    return _add(state, (a, b, c, d))


def md4_step(state: State, block: bytes) -> State:
    """Return MD4's state after one more `block` (exactly 64 bytes)."""
    words = unpack("<16I", block)
    a, b, c, d = state
    for step in range(48):
        turn, place = divmod(step, 16)
        if turn == 0:
            mixed = (b & c) | (~b & d)
        elif turn == 1:
            mixed = (b & c) | (b & d) | (c & d)
        else:
            mixed = b ^ c ^ d
        total = (a + mixed + words[_MD4_WORDS[turn][place]] + _MD4_CONSTANTS[turn]) & _MASK
        a, d, c, b = d, c, b, _rotate(total, _MD4_SHIFTS[turn][place % 4])
    return _add(state, (a, b, c, d))


def padding(length: int) -> bytes:
    """Return what MD4 and MD5 append to a message of `length` bytes, so that it fills whole blocks."""
    return b"\x80" + bytes((55 - length) % BLOCK) + pack("<Q", length * 8 & 0xFFFFFFFFFFFFFFFF)


class MD4:
    """The MD4 of `data`, in the shape of hashlib's objects."""

    __slots__ = ("_digest",)

    def __init__(self, data: bytes) -> None:
        message = data + padding(len(data))
        state = INITIAL
        for start in range(0, len(message), BLOCK):
            state = md4_step(state, message[start : start + BLOCK])
        self._digest = pack("<4I", *state)

    def digest(self) -> bytes:
        """Return the 16 bytes."""
        return self._digest


def _rotate(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _MASK


def _add(left: State, right: State) -> State:
    a, b, c, d = ((x + y) & _MASK for x, y in zip(left, right))
    return a, b, c, d
