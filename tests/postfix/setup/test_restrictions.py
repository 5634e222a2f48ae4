"""Restriction lists keep all that the administrator wrote, let logins relay and strangers not, and bind senders by one policy."""

from __future__ import annotations

import pytest

from sasldb.postfix.config.restriction_edits import admitting
from sasldb.postfix.config.restriction_lists import Edit, split
from sasldb.postfix.config.restrictions import AUTHENTICATED, EVERYBODY, RELAY, SENDER
from sasldb.postfix.setup.restrictions import binding, lets_logins_relay, protecting

STOCK = "permit_mynetworks permit_sasl_authenticated defer_unauth_destination"


class Texts:
    """Parameters as they are written, with no `$name` to replace."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def written(self, name: str) -> str:
        """Return a value."""
        return self.texts.get(name, "")

    value = written


def relaying(before: str) -> Edit | None:
    """Return the edit of a list that strangers or logins ask for, in this order."""
    parameters = Texts(**{RELAY: before})
    return protecting(parameters, RELAY) or admitting(parameters, RELAY)


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
            "permit_mynetworks,  reject_rbl_client x.example,  reject",
            "permit_mynetworks,  reject_rbl_client x.example,  permit_sasl_authenticated, reject",
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
            f"{EVERYBODY}, permit_mynetworks, reject_unauth_destination,",
            f"{EVERYBODY}, permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination,",
        ),
    ],
)
def test_relaying(before: str, after: str) -> None:
    """The list becomes the one that is needed, and a second time nothing changes."""
    edit = relaying(before)
    assert (edit.text if edit else before) == after
    assert relaying(after) is None
    assert lets_logins_relay(Texts(**{RELAY: before}), RELAY) == (before == after)
    assert {word for _, word in split(before)} <= {word for _, word in split(after)}


@pytest.mark.parametrize(
    "policy, before, after",
    [
        (EVERYBODY, "", EVERYBODY),
        (EVERYBODY, "permit_mynetworks", f"{EVERYBODY}, permit_mynetworks"),
        (EVERYBODY, f"a, {EVERYBODY}, permit_mynetworks", None),
        (EVERYBODY, f"a, {AUTHENTICATED}, permit_mynetworks", f"a, {EVERYBODY}, permit_mynetworks"),
        (AUTHENTICATED, f"a, {EVERYBODY}, permit_mynetworks", f"a, {AUTHENTICATED}, permit_mynetworks"),
        (AUTHENTICATED, f"{EVERYBODY}, {AUTHENTICATED}, b", f"{AUTHENTICATED}, b"),
        (EVERYBODY, f"{EVERYBODY}, {AUTHENTICATED}, b", f"{EVERYBODY}, b"),
        (EVERYBODY, f"permit, {EVERYBODY}", f"{EVERYBODY}, permit, {EVERYBODY}"),
        (
            EVERYBODY,
            f"permit_sasl_authenticated, {AUTHENTICATED}",
            f"{EVERYBODY}, permit_sasl_authenticated, {AUTHENTICATED}",
        ),
        (EVERYBODY, f"warn_if_reject {EVERYBODY}", f"{EVERYBODY}, warn_if_reject {EVERYBODY}"),
        (EVERYBODY, f"check_sender_access hash:/{EVERYBODY}", f"{EVERYBODY}, check_sender_access hash:/{EVERYBODY}"),
    ],
)
def test_one_policy(policy: str, before: str, after: str | None) -> None:
    """The word comes before what permits, in the place of the other policy's, and a second time nothing changes."""
    edit = binding(Texts(**{SENDER: before}), policy)
    assert (edit.text if edit else None) == after
    assert binding(Texts(**{SENDER: before if after is None else after}), policy) is None
