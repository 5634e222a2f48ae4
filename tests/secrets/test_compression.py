"""MD4 and MD5's inner step agree with their RFCs."""

from __future__ import annotations

import hashlib
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.secrets.compression import BLOCK, INITIAL, MD4, md5_step, padding

RFC_1320 = {
    b"": "31d6cfe0d16ae931b73c59d7e0c089c0",
    b"a": "bde52cb31de33e46245e05fbdbd6fb24",
    b"abc": "a448017aaf21d8525fc10ae87aa6729d",
    b"message digest": "d9130a8164549fe818874806e1c7014b",
    b"abcdefghijklmnopqrstuvwxyz": "d79e1c308aa5bbcdeea8ed63df412da9",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "043f8582f241db351ce627e153e7f0e4",
    b"1234567890" * 8: "e33b4ddc9c38f2199c3e7b164fcc0536",
}


@pytest.mark.parametrize("message", RFC_1320)
def test_md4_of_the_rfc(message: bytes) -> None:
    """MD4 gives the digests of RFC 1320, appendix A.5."""
    assert MD4(message).digest().hex() == RFC_1320[message]


@given(st.binary(max_size=300))
def test_md5_step_makes_md5(message: bytes) -> None:
    """Step after step over the padded message comes to the MD5 that hashlib computes."""
    padded = message + padding(len(message))
    state = INITIAL
    for start in range(0, len(padded), BLOCK):
        state = md5_step(state, padded[start : start + BLOCK])
    assert pack("<4I", *state) == hashlib.md5(message).digest()
