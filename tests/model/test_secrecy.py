"""What holds a secret does not show it."""

from __future__ import annotations

from sasldb.model.account import Account
from sasldb.model.identity import UserId
from sasldb.model.secret import Secret


def test_no_repr_shows_a_password() -> None:
    """Secret, Account and Properties keep values out of repr, str and format."""
    account = Account(UserId(b"alice", b"example.com"), {"userPassword": b"hunter2"})
    secret = Secret(b"hunter2")
    shown = f"{account!r} {account.properties!r} {secret!r} {secret} {[secret]} {account}"
    assert "hunter2" not in shown
    assert "userPassword" in shown


def test_secrets_compare_by_value() -> None:
    """Two secrets are equal when their bytes are, and equal to nothing else."""
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"
