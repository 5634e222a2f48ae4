"""The table of properties is whole, and cheap to have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sasldb.errors import SecretUnusable
from sasldb.secrets import check, mechanisms
from sasldb.secrets.properties import DERIVED, MECHANISMS, PROPERTIES, TABLE, Property, is_derived, is_secret

ROOT = Path(__file__).resolve().parents[2]
UNCHECKED = {b"cmusaslsecretSRP", b"cmusaslsecretOPAQUE"}


def test_rows() -> None:
    """Names are unique, and every row lets in known mechanisms in the order in which they are shown."""
    assert len(PROPERTIES) == len(TABLE)
    for row in TABLE:
        assert row.mechanisms == tuple(name for name in MECHANISMS if name in row.mechanisms) != ()
        assert row.description


def test_derived() -> None:
    """All but userPassword is derived and goes when a password changes, unknown mechanisms' secrets by their name."""
    assert set(DERIVED) == set(PROPERTIES) - {b"userPassword"}
    assert all(map(is_derived, DERIVED)) and is_derived(b"cmusaslsecretNEW")
    assert not any(map(is_derived, (b"userPassword", b"custom", b"AuthPassword", b"userPKCS12", b"")))
    assert is_secret(b"userPassword") and is_secret(b"authPassword") and not is_secret(b"homeDirectory")


def test_every_row_is_checked() -> None:
    """What is in the table can be checked, except for the two that are named here."""
    assert set(check.CHECKS) == set(PROPERTIES) - UNCHECKED


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name.decode())
def test_junk_serves_nobody(row: Property) -> None:
    """A value that no row could have made lets nobody in, except where any bytes are a password or nothing is known."""
    name = row.name
    if name == b"userPassword" or name in UNCHECKED:
        assert mechanisms.serves(name, b"junk") == row.mechanisms
    else:
        with pytest.raises(SecretUnusable):
            mechanisms.serves(name, b"junk")


@pytest.mark.parametrize("module", ["properties", "otp", "plain_hash", "plaintext", "scram"])
def test_start_up(module: str) -> None:
    """What saslpasswd2 imports drags in none of the modules that would double its run time."""
    code = f"import sys; import sasldb.secrets.{module}; print(*sys.modules)"
    heavy = {
        "hashlib",
        "hmac",
        "base64",
        "enum",
        "typing",
        "re",
        "dataclasses",
        "random",
        "secrets",
        "socket",
        "logging",
    }
    command = [sys.executable, "-S", "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    assert not heavy & set(result.stdout.split())
