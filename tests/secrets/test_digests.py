"""Hash functions are found with and without CPython's own modules."""

from __future__ import annotations

import hashlib
import sys

import pytest

from sasldb.errors import SecretUnusable
from sasldb.secrets import digests


@pytest.mark.parametrize("name", ["md5", "sha1"])
def test_same_as_hashlib(name: str) -> None:
    """A function found the cheap way computes what hashlib computes."""
    assert digests.function(name)(b"abc").digest() == hashlib.new(name, b"abc").digest()


@pytest.mark.parametrize("name", ["md5", "sha1"])
def test_without_the_built_in_module(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without `_md5` and `_sha1` falls back to hashlib."""
    monkeypatch.setitem(sys.modules, f"_{name}", None)
    assert digests.function(name)(b"abc").digest() == hashlib.new(name, b"abc").digest()


def test_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash that neither has is named as missing, not an import error."""

    def refuse(name: str, data: bytes = b"", usedforsecurity: bool = True) -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setitem(sys.modules, "_md5", None)
    monkeypatch.setattr(hashlib, "new", refuse)
    with pytest.raises(SecretUnusable, match="md5: this Python has no such hash function"):
        digests.md5(b"abc")


def test_unknown() -> None:
    """A hash that nothing here uses is refused by name."""
    with pytest.raises(SecretUnusable, match="md2"):
        digests.function("md2")
