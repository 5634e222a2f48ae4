"""userPassword is compared as libsasl compares it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.errors import SecretUnusable
from sasldb.secrets import plaintext


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_equal_or_not(value: bytes, password: bytes) -> None:
    """A password fits when it is all that stands before the first NUL, byte for byte."""
    assert plaintext.check(value, password) == (value.split(b"\0")[0] == password)


def test_longest() -> None:
    """8192 bytes are the most that libsasl reads; one more serves nobody."""
    assert plaintext.check(b"x" * 8192, b"x" * 8192)
    with pytest.raises(SecretUnusable, match="8193 bytes"):
        plaintext.check(b"x" * 8193, b"x" * 8193)
