"""What restrictions come to, for one client and one recipient; the real smtpd agrees in tests/real."""

from __future__ import annotations

import pytest

from sasldb.operations.checks.relaying import _decision, _is_wide, _reached, _with_login


@pytest.mark.parametrize(
    ("restrictions", "login", "stranger"),
    [
        ("", "", ""),
        ("permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination", "permit", "refuse"),
        ("permit_mynetworks reject_unauth_destination permit_sasl_authenticated", "refuse", "refuse"),
        ("permit_sasl_authenticated, defer_unauth_destination", "permit", "refuse"),
        ("check_client_access static:OK, reject", "permit", "permit"),
        ("warn_if_reject reject, permit_sasl_authenticated", "permit", ""),
        ("reject_unauthenticated_sender_login_mismatch", "", "refuse"),
        ("permit", "permit", "permit"),
    ],
)
def test_the_first_that_decides(restrictions: str, login: str, stranger: str) -> None:
    """A list is gone through until one restriction permits or refuses; maps are passed over."""
    assert (_decision(restrictions, login=True)[0], _decision(restrictions, login=False)[0]) == (login, stranger)


def test_what_smtpd_counts() -> None:
    """Behind a plain permit, and behind warn_if_reject, nothing protects."""
    assert _reached("a, permit, reject") == ["a"]
    assert _reached("warn_if_reject reject, b") == ["warn_if_reject", "b"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("reject", "permit_sasl_authenticated, reject"),
        ("permit_mynetworks, reject", "permit_mynetworks, permit_sasl_authenticated, reject"),
        ("check_x hash:/y, reject, permit_sasl_authenticated", "permit_sasl_authenticated, check_x hash:/y, reject"),
    ],
)
def test_the_login_comes_first(before: str, after: str) -> None:
    """permit_sasl_authenticated goes in front, behind permit_mynetworks alone, and all else keeps its order."""
    assert _with_login(before) == after


@pytest.mark.parametrize(
    ("network", "wide"),
    [
        ("0.0.0.0/0", True),
        ("128.0.0.0/1", True),
        ("[::]/0", True),
        ("10.0.0.0/8", False),
        ("!0.0.0.0/0", False),
        ("127.0.0.1", False),
        ("/etc/networks/0", False),
    ],
)
def test_wide_networks(network: str, wide: bool) -> None:
    """A network of fewer than eight bits is too wide; a file name, and what is excluded, is none."""
    assert _is_wide(network) is wide
