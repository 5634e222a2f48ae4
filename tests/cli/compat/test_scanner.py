"""Command lines: the scanner alone. That it agrees with the C library is the oracle's matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.cli.compat.scanner import MISTAKE, OPERAND, scan

LETTERS = b"vpf:u:h?"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("u -p", [(OPERAND, b"u"), (b"p", b"")]),
        ("-pf x", [(b"p", b""), (b"f", b"x")]),
        ("-pfx -v", [(b"p", b""), (b"f", b"x"), (b"v", b"")]),
        ("-u -p u", [(b"u", b"-p"), (OPERAND, b"u")]),
        ("-f -- x", [(b"f", b"--"), (OPERAND, b"x")]),
        ("-p -- -p --", [(b"p", b""), (OPERAND, b"-p"), (OPERAND, b"--")]),
        ("- -?", [(OPERAND, b"-"), (b"?", b"")]),
        ("-:x", [(MISTAKE, b"invalid option -- ':'"), (MISTAKE, b"invalid option -- 'x'")]),
        ("-pf", [(b"p", b""), (MISTAKE, b"option requires an argument -- 'f'")]),
    ],
)
def test_what_is_found(line: str, found: list[tuple[bytes, bytes]]) -> None:
    """Options and operands come in the order in which they stand, with their values; mistakes are told where they are met."""
    assert list(scan(line.encode().split(), LETTERS, permute=True)) == found


def test_an_operand_ends_the_options_where_posix_wants_it() -> None:
    """Without permutation all that follows the first operand is an operand."""
    found = list(scan([b"-p", b"u", b"-p", b"--"], LETTERS, permute=False))
    assert found == [(b"p", b""), (OPERAND, b"u"), (OPERAND, b"-p"), (OPERAND, b"--")]


def test_what_follows_is_not_looked_at_early() -> None:
    """The caller may stop at an option before a mistake behind it is found."""
    assert next(scan([b"-v", b"-x"], LETTERS, permute=True)) == (b"v", b"")


@given(st.lists(st.binary(max_size=5).map(lambda raw: raw.replace(b"\0", b"-")), max_size=8), st.booleans())
def test_nothing_is_lost(arguments: list[bytes], permute: bool) -> None:
    """Every argument comes out as an operand, inside an option or as a mistake, and none is invented."""
    given_bytes = sum(map(len, arguments))
    operands = [value for letter, value in scan(arguments, LETTERS, permute) if letter == OPERAND]
    assert sum(map(len, operands)) <= given_bytes
    assert all(operand in arguments for operand in operands)
