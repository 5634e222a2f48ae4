"""Tables that postmap makes: their state, and what they hold, by the real postmap."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sasldb.postfix.config import maps
from tests.conftest import Require


@pytest.fixture
def table(require: Require, tmp_path: Path) -> Path:
    """Return the source of a table in a directory that is also Postfix's configuration."""
    require("postfix", "postmap")
    (tmp_path / "main.cf").touch()
    os.utime(tmp_path / "main.cf", (1_000_000_000, 1_000_000_000))
    (tmp_path / "owners").write_text("a@example.com alice@example.com, bob\n@example.net carol\n")
    return tmp_path / "owners"


def test_states(table: Path) -> None:
    """A table is unmade before postmap, current after it, stale when its source is younger; without either it is missing."""
    assert maps.state(f"hash:{table}") == maps.UNMADE
    subprocess.run(["postmap", "-c", table.parent, f"hash:{table}"], check=True, timeout=30)
    assert maps.state(f"proxy:hash:{table}") == maps.CURRENT
    os.utime(table, (2_000_000_000, 2_000_000_000))
    assert maps.state(f"hash:{table}") == maps.STALE
    assert maps.state(f"hash:{table}.none") == maps.NO_SOURCE
    assert maps.state(f"texthash:{table}") == maps.CURRENT
    assert maps.state("pcre:/none") == maps.CURRENT


@pytest.mark.parametrize("kind", ["hash", "btree", "texthash"])
def test_values(table: Path, kind: str) -> None:
    """All words of all values are there, whatever separates them."""
    if kind != "texthash":
        subprocess.run(["postmap", "-c", table.parent, f"{kind}:{table}"], check=True, timeout=30)
    assert maps.values(f"{kind}:{table}", str(table.parent)) == {"alice@example.com", "bob", "carol"}
    assert sorted(key for key, _ in maps.listed(f"{kind}:{table}", str(table.parent)) or ()) == [
        "@example.net",
        "a@example.com",
    ]


def test_what_cannot_be_listed(table: Path) -> None:
    """A table of another kind, and one that is not there, have no values, no keys and no files."""
    assert maps.values("ldap:/none", str(table.parent)) == maps.values("hash:/none", str(table.parent)) == set()
    assert maps.listed("ldap:/none", str(table.parent)) is maps.listed("hash:/none", str(table.parent)) is None
    assert maps.files("ldap:/none") == maps.files("hash:/none") == []


def test_names() -> None:
    """A table that is opened through proxymap is the same table, and is named once."""
    assert maps.named("proxy:hash:/x, hash:/x inline:{ a=b, c=d },pcre:/y") == [
        "hash:/x",
        "inline:{ a=b, c=d }",
        "pcre:/y",
    ]
