"""The tables of a client: one entry is changed, all else stays, and no password is shown."""

from __future__ import annotations

import pytest

from sasldb.errors import BadName, BadPassword
from sasldb.model.secret import Secret
from sasldb.postfix.setup.client import Account
from sasldb.postfix.setup.client_tables import entered, passwords, relays

RELAY = "[mail.isp.example]:submission"


@pytest.mark.parametrize(
    "text, expected",
    [
        (b"", b"k\tu:p\n"),
        (b"# mine\nother x:y", b"# mine\nother x:y\nk\tu:p\n"),
        (b"k   u:p\n", b"k   u:p\n"),
        (b"k u:old\nother x:y\n", b"k\tu:p\nother x:y\n"),
        (b"k u:old\n\tgoes on\nother x:y\n  z\n", b"k\tu:p\nother x:y\n  z\n"),
        (b"k a:b\nk c:d\n", b"k\tu:p\n"),
        (b"#k u:old\n", b"#k u:old\nk\tu:p\n"),
        (b"K u:old\nx y:z\n", b"k\tu:p\nx y:z\n"),
        (b"K   u:p\n", b"K   u:p\n"),
        (b"K u:old\n goes on\nk u:p\n", b"k\tu:p\n"),
    ],
)
def test_an_entry_is_entered(text: bytes, expected: bytes) -> None:
    """It takes the place of an entry of that key in any case, lines that go on included, else comes last; a second time nothing changes."""
    assert entered(text, {b"k": b"u:p"}) == expected
    assert entered(expected, {b"k": b"u:p"}) == expected


def test_a_key_keeps_its_case() -> None:
    """A key is entered as it was given, and found again in whatever case."""
    text = entered(b"", {b"User@Example.COM": b"u:p"})
    assert text == b"User@Example.COM\tu:p\n"
    assert entered(text, {b"user@example.com": b"u:new"}) == b"user@example.com\tu:new\n"


def test_passwords_are_masked() -> None:
    """What is shown of a table has no password in it, nor one that stands in a comment or on a line that goes on."""
    text = b"# note\n#k old:secret\nk user:se:cret\nx secret\ny\n   user:secret\n"
    shown = ["# ********", "# ********", "k\tuser:********", "x\t********", "y", "    ********"]
    assert passwords(text.splitlines()) == shown


def test_a_table_of_servers_is_shown_without_comments() -> None:
    """An old password in a comment is not shown, a server is."""
    assert relays(b"a@example.com [relay.example]:587\n# old secret\n".splitlines()) == [
        "a@example.com\t[relay.example]:587",
        "# ********",
    ]


@pytest.mark.parametrize("password", [b"", b" 7q", b"7q ", b"7q\n8z", b"7q\08z", b"7q\r"])
def test_passwords_that_postfix_would_cut(password: bytes) -> None:
    """What could not come out of the table as it went in is refused, without being quoted."""
    with pytest.raises(BadPassword) as raised:
        Account(RELAY, "user", Secret(password))
    assert "7q" not in str(raised.value)


@pytest.mark.parametrize(
    "nexthop, user, sender",
    [
        *((name, "u", None) for name in ("", "a b", "#a", "[mail.isp.example", "mail.isp.example:99999", "username")),
        *((RELAY, user, None) for user in ("", "u:v", "u v", RELAY)),
        *((RELAY, "u", sender) for sender in ("", "foo", "@", "a@", "a@b c", "x y@z", "a@-b")),
    ],
)
def test_names_that_cannot_stand_there(nexthop: str, user: str, sender: str | None) -> None:
    """Names that would end the entry, or begin another, and what smtp dies of or never looks up, are refused."""
    with pytest.raises(BadName):
        Account(nexthop, user, Secret(b"secret"), sender)
