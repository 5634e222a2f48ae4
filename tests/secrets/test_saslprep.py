"""SASLprep follows RFC 4013 and RFC 3454."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scramp import ScramException, core, utils

from sasldb.errors import BadPassword
from sasldb.secrets.saslprep import changes, prepare

theirs = getattr(utils, "saslprep", None) or core.saslprep  # which of them has it depends on scramp's version
RFC_4013 = [("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX")]


@pytest.mark.parametrize(("text", "expected"), RFC_4013)
def test_rfc_4013(text: str, expected: str) -> None:
    """The examples of RFC 4013, section 3 come out."""
    assert prepare(text) == expected
    assert changes(text.encode()) == (text != expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\u0007", "a control character"),
        ("\u0627\u0031", "both directions"),
        ("\u0627a\u0627", "both directions"),
        ("1\u0627", "both directions"),
        ("\U0001f512", "unknown to Unicode 3.2"),
        ("\ue000", "for private use"),
        ("\ufdd0", "no character at all"),
        ("\ud800", "half a surrogate pair"),
        ("\ufffd", "not fit for plain text"),
        ("\u2ff0", "not fit for canonical form"),
        ("\u200e", "a change of display"),
        ("\U000e0041", "a tag"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    """What may not be in a prepared string is refused with the reason, and counts as a change."""
    with pytest.raises(BadPassword, match=reason) as caught:
        prepare(text)
    assert text not in str(caught.value)
    assert changes(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u00a0b", "a b"),
        ("a\u200bb", "a b"),
        ("a\u200db", "ab"),
        ("\u00ad\u0627", "\u0627"),
        ("\u06271\u0628", "\u06271\u0628"),
        ("é", "é"),
        ("e\u0301", "é"),
        ("", ""),
    ],
)
def test_mapped(text: str, expected: str) -> None:
    """Odd spaces become spaces, invisible characters vanish, and directions are judged only after that."""
    assert prepare(text) == expected


@pytest.mark.parametrize("password", [b"secret", b" all printable: ~!@ ", "sécret".encode(), b""])
def test_left_alone(password: bytes) -> None:
    """Printable ASCII and composed letters stay as they are."""
    assert not changes(password)


@pytest.mark.parametrize("password", [b"\xff", b"s\xe4cret", b"tab\t", "ﬁ".encode()])
def test_changed(password: bytes) -> None:
    """Bytes that are not UTF-8, control characters and ligatures do not reach every server alike."""
    assert changes(password)


LETTERS = st.characters(
    exclude_characters="\u200b"
)  # both tables of RFC 4013 map it; scramp takes the second, we the first


@given(st.text(LETTERS, max_size=8) | st.text("a1 \u00a0\u00ad\u0627\u0628\u00aa\u2168\u0301e", max_size=6))
def test_same_as_scramp(text: str) -> None:
    """An independent SASLprep agrees on every text, on what it comes to and on whether it is refused."""
    try:
        expected = theirs(text)
    except ScramException:
        expected = None
    try:
        ours = prepare(text)
    except BadPassword:
        ours = None
    assert ours == expected


@given(st.text(max_size=12))
def test_stable(text: str) -> None:
    """What comes out is its own preparation, unless a letter turned up that Unicode 3.2 still maps."""
    try:
        once = prepare(text)
    except BadPassword:
        return
    assert prepare(once) == once
