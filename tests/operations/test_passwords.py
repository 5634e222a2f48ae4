"""What counts as one password when a script hands it over, and what a made-up one is like."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from sasldb.errors import BadPassword, SasldbError
from sasldb.operations import passwords
from sasldb.operations.passwords import ALPHABET, from_bytes, from_descriptor, from_file, generate


@pytest.mark.parametrize(
    "data, password",
    [
        (b"secret", b"secret"),
        (b"secret\n", b"secret"),
        (b" secret ", b" secret "),
        (b"\xff\x01\x7f", b"\xff\x01\x7f"),
        (b"x" * 8192 + b"\n", b"x" * 8192),
    ],
    ids=["bare", "newline", "blanks", "not text", "longest"],
)
def test_one_newline_is_dropped(data: bytes, password: bytes) -> None:
    """One newline at the end is no part of the password; everything else is."""
    assert from_bytes(data).reveal() == password


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "it is empty"),
        (b"\n", "it is empty"),
        (b"secret\n\n", "more than one line"),
        (b"secret\nmore", "more than one line"),
        (b"secret\r\n", "a carriage return"),
        (b"secret\0", "a NUL"),
        (b"x" * 8193, "more than 8192 bytes"),
    ],
)
def test_what_is_no_password(data: bytes, reason: str) -> None:
    """Empty, too long, and what stands there by mistake is refused with the reason, which does not show it."""
    with pytest.raises(BadPassword, match=reason) as caught:
        from_bytes(data)
    assert "secret" not in str(caught.value) and "xxx" not in str(caught.value)


@pytest.mark.parametrize("data", [b"secret\n", b"\n", b"a\r\nb\n\n", b"a\0b"])
def test_raw(data: bytes) -> None:
    """Raw bytes are the password as they come."""
    assert from_bytes(data, raw=True).reveal() == data


@pytest.mark.parametrize("data, reason", [(b"", "it is empty"), (b"x" * 8193, "more than 8192")])
def test_raw_has_limits(data: bytes, reason: str) -> None:
    """Raw or not, nothing is no password, and neither is what libsasl cannot read."""
    with pytest.raises(BadPassword, match=reason):
        from_bytes(data, raw=True)


def test_descriptor_is_read_to_its_end() -> None:
    """A password that arrives in pieces is not cut, and a second line behind it is noticed."""
    for pieces, whole in (((b"sec", b"ret\n"), True), ((b"secret\n", b"more\n"), False)):
        reading, writing = os.pipe()
        if os.fork() == 0:
            for piece in pieces:
                os.write(writing, piece)
            os._exit(0)
        os.close(writing)
        os.wait()
        try:
            if whole:
                assert from_descriptor(reading).reveal() == b"secret"
            else:
                with pytest.raises(BadPassword, match="more than one line"):
                    from_descriptor(reading)
        finally:
            os.close(reading)


def test_endless_input_ends() -> None:
    """Reading stops where no password can go on."""
    descriptor = os.open("/dev/zero", os.O_RDONLY)
    with pytest.raises(BadPassword):
        from_descriptor(descriptor, raw=True)
    os.close(descriptor)


@pytest.mark.parametrize("mode, exposed", [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_exposed_file(tmp_path: Path, mode: int, exposed: bool) -> None:
    """A file that everybody may read still serves, with a sentence that names it and what to run."""
    path = tmp_path / "password"
    path.write_bytes(b"secret\n")
    path.chmod(mode)
    secret, sentences = from_file(str(path))
    assert secret.reveal() == b"secret"
    assert sentences == ([f"{path}: everybody may read this password; run: chmod o= {path}"] if exposed else [])


@pytest.mark.parametrize("path, reason", [("absent", "No such file"), (".", "Is a directory"), ("a\0b", "no name")])
def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, reason: str) -> None:
    """A file that cannot be read is an error that names it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SasldbError, match=reason) as caught:
        from_file(path)
    assert caught.value.subject == path


@pytest.mark.parametrize("length", [8, 20, 256])
def test_generated(length: int) -> None:
    """A made-up password has the length asked for, no character that looks like another, and is never the same."""
    made = {generate(length).reveal() for _ in range(50)}
    assert len(made) == 50
    assert all(len(password) == length and set(password) <= set(ALPHABET) for password in made)
    assert not set(b"0Oo1Il") & set(ALPHABET) and len(set(ALPHABET)) == len(ALPHABET) == 56


def test_generated_without_bias() -> None:
    """No character comes up more often than chance has it: within six standard deviations in a quarter of a million."""
    seen = Counter(b"".join(generate(256).reveal() for _ in range(1000)))
    mean = 256_000 / len(ALPHABET)
    assert set(seen) == set(ALPHABET)
    assert all(abs(number - mean) < 6 * mean**0.5 for number in seen.values())


@pytest.mark.parametrize("length", [passwords.SHORTEST - 1, passwords.FURTHEST + 1, -1])
def test_generated_length(length: int) -> None:
    """A length that no password should have is refused."""
    with pytest.raises(BadPassword, match="not between 8 and 256"):
        generate(length)
