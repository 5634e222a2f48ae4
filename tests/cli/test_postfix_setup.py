"""`sasldb postfix setup`: calls that are wrong, and are refused before anything is looked at. On a real machine: tests/real."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Sasldb

WRONG = [
    *(
        ("--local-domain", name)
        for name in ("$(id)", "$mydomain", "a b", "a\nb", "a,b", "a\tb", " a", "a;b", 'a"b', "a\x7fb")
    ),
    ("--exceptions-networks", "192.0.2.0/24\nsmtpd_tls_auth_only = no"),
    ("--exceptions-networks", "192.0.2.0/24\r"),
]


@pytest.mark.parametrize(("option", "value"), WRONG)
def test_what_cannot_stand_in_main_cf_is_a_wrong_call(sasldb: Sasldb, option: str, value: str) -> None:
    """A realm that postconf would replace, or that is none, and a list of several lines are refused, with exit status 2."""
    done = sasldb("postfix", "setup", "--config-dir", "/nowhere", "--dry-run", option, value)
    assert (done.returncode, done.stdout) == (2, b"") and option.encode() in done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--local-domain", name) for name in ("mydomain", "example.com", "", "Bücher.example")),
        ("--exceptions-networks", "!192.0.2.171/32, 192.0.2.0/24 $mynetworks"),
    ],
)
def test_what_can_is_taken(sasldb: Sasldb, option: str, value: str) -> None:
    """A realm, the word mydomain, none, and a list of networks are no wrong call: it fails for want of that Postfix alone."""
    done = sasldb("postfix", "setup", "--config-dir", "/nowhere", "--dry-run", option, value)
    assert (done.returncode, done.stdout) == (3, b"") and option.encode() not in done.stderr
