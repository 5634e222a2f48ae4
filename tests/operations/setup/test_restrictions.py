"""Restriction lists keep all that the administrator wrote, let logins relay, and strangers not."""

from __future__ import annotations

import pytest

from sasldb.operations.setup.restrictions import first, lets_logins_relay, relaying, words

STOCK = "permit_mynetworks permit_sasl_authenticated defer_unauth_destination"


@pytest.mark.parametrize(
    "before, after",
    [
        (STOCK, STOCK),
        ("", "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"),
        (
            "permit_mynetworks, reject_unauth_destination",
            "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination",
        ),
        (
            "permit_mynetworks,\n    check_recipient_access hash:/etc/postfix/x,\n    reject",
            "permit_mynetworks,\n    check_recipient_access hash:/etc/postfix/x,\n    permit_sasl_authenticated, reject",
        ),
        ("permit_mynetworks", "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"),
        ("permit", "permit_sasl_authenticated, reject_unauth_destination, permit"),
        (
            "permit_sasl_authenticated, permit, reject_unauth_destination",
            "permit_sasl_authenticated, reject_unauth_destination, permit, reject_unauth_destination",
        ),
        (
            "reject_unauth_destination, permit_sasl_authenticated",
            "permit_sasl_authenticated, reject_unauth_destination, permit_sasl_authenticated",
        ),
        (
            "warn_if_reject reject_unauth_destination",
            "warn_if_reject reject_unauth_destination, permit_sasl_authenticated, reject_unauth_destination",
        ),
        (
            "$mine, reject_unauth_destination,",
            "$mine, permit_sasl_authenticated, reject_unauth_destination,",
        ),
    ],
)
def test_relaying(before: str, after: str) -> None:
    """The list becomes the one that is needed, and a second time nothing changes."""
    assert relaying(before) == after
    assert relaying(after) == after
    assert lets_logins_relay(before) == (before == after)
    assert set(words(before)) <= set(words(after))


@pytest.mark.parametrize(
    "before, after",
    [("", "word"), ("other", "word, other"), ("other, word", "other, word"), ("word", "word")],
)
def test_first(before: str, after: str) -> None:
    """A word is put at the beginning, unless the list has it."""
    assert first(before, "word") == after
