"""A transcript never shows a secret, whoever says it."""

from __future__ import annotations

import pytest

from sasldb.login.transcript import WITHHELD, Transcript
from sasldb.model.secret import Secret


@pytest.mark.parametrize("line", [b"535 not wonderland", b"535 d29uZGVybGFuZA==", b"334 AGFsaWNlAHdvbmRlcmxhbmQ="])
def test_a_secret_that_is_repeated_is_withheld(line: bytes) -> None:
    """A line with the password, or with an answer of ours, plain or in base64, is withheld."""
    transcript = Transcript(Secret(b"wonderland"))
    transcript.protect(b"\0alice\0wonderland")
    transcript.server(line)
    assert transcript.lines == [f"S: {WITHHELD}"]


def test_a_secret_within_base64_is_withheld() -> None:
    """What a challenge means is looked at as well."""
    transcript = Transcript(Secret(b"wonderland"))
    transcript.server(b"334 ...", b"is it wonderland?")
    assert transcript.lines == [f"S: 334 <{WITHHELD}>"]


def test_control_characters_are_made_harmless() -> None:
    """What does not print is written as its bytes, so that no server writes to the terminal."""
    transcript = Transcript(Secret(b"wonderland"))
    transcript.server(b"220 \x1b[31m\xff ok")
    assert transcript.lines == ["S: 220 \\x1b[31m\\xff ok"]


def test_it_is_told_as_it_comes() -> None:
    """Each line is handed on at once, and no repr shows what was said."""
    heard: list[str] = []
    transcript = Transcript(Secret(b"wonderland"), heard.append)
    transcript.client("EHLO [127.0.0.1]")
    transcript.remark("TLS")
    assert heard == ["C: EHLO [127.0.0.1]", "*: TLS"] == transcript.lines
    assert "EHLO" not in repr(transcript)
