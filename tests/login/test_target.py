"""Addresses of servers: what they say, and that none of them can carry a password."""

from __future__ import annotations

import pytest

from sasldb.errors import SasldbError
from sasldb.login.target import Target


@pytest.mark.parametrize(
    "text, scheme, host, port",
    [
        ("smtp://mail.example.com", "smtp", "mail.example.com", 25),
        ("smtp://mail.example.com:587", "smtp", "mail.example.com", 587),
        ("smtps://192.0.2.1/", "smtps", "192.0.2.1", 465),
        ("smtp://[2001:db8::1]:2525", "smtp", "2001:db8::1", 2525),
        ("SMTP://Mail.example.com:", "smtp", "mail.example.com", 25),
    ],
)
def test_an_smtp_server(text: str, scheme: str, host: str, port: int) -> None:
    """Host and port are taken from the address; the port is the protocol's own where none is named."""
    target = Target.parse(text)
    assert (target.scheme, target.host, target.port) == (scheme, host, port)


def test_saslauthd() -> None:
    """What follows `saslauthd:` is a path, whatever is in it."""
    target = Target.parse("saslauthd:/run/a b:c@d/mux")
    assert (target.scheme, target.path) == ("saslauthd", "/run/a b:c@d/mux")


@pytest.mark.parametrize(
    "text",
    [
        *("mail.example.com", "", "smtp:", "smtp://", "smtp:mail", "imap://mail.example.com", "saslauthd:"),
        *("smtp://h:port", "smtp://h:65536", "smtp://h:-1", "smtp://[::1", "smtp://h/path", "smtp://h?q", "smtp://h#f"),
        *("smtp://h\r\nQUIT", "smtp://h x", "smtp://h\0", "smtp://m\xfcnchen.example", "saslauthd:\0"),
    ],
)
def test_what_is_no_address(text: str) -> None:
    """Anything else is refused with the forms that there are, or with what is wrong."""
    with pytest.raises(SasldbError) as caught:
        Target.parse(text)
    assert caught.value.subject == "address"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "2_5", "+25"])
def test_a_port_that_is_none(port: str) -> None:
    """A port that nobody can listen at is told as that."""
    with pytest.raises(SasldbError, match="a port that is not a number from 1 to 65535"):
        Target.parse(f"smtp://h:{port}")


def test_a_password_is_refused_and_not_shown() -> None:
    """A user and password in the address are refused, and the message does not repeat them."""
    with pytest.raises(SasldbError, match="everybody could see") as caught:
        Target.parse("smtp://alice:wonderland@mail.example.com")
    assert "wonderland" not in str(caught.value)


def test_names_for_messages() -> None:
    """An address is written back as it is understood, with its port."""
    texts = ["smtp://[::1]:25", "smtps://mail.example.com:465", "saslauthd:/x"]
    assert [str(Target.parse(text)) for text in texts] == texts
