"""The sender login map made from a database: every user owns the own address, and nothing else gets into the table."""

from __future__ import annotations

from pathlib import Path

from sasldb.postfix.site.login_map import HEADING, Table, is_of_ours, owners
from tests.operations.databases import make

SECRET = {"userPassword": b"wonderland"}


def table(path: Path, *users: str, bare_realm: str | None = None) -> Table:
    """Return the map of a database with `users`."""
    return Table(make(path / "db", {user: SECRET for user in users}), bare_realm)


def test_each_user_owns_the_own_address(tmp_path: Path) -> None:
    """A line for each user, sorted, whatever is stored for them, and no secret in it."""
    made = table(tmp_path, "bob@example.com", "alice@example.com")
    lines = b"alice@example.com\talice@example.com\nbob@example.com\tbob@example.com\n"
    assert (made.text, made.addresses, made.left_out) == (HEADING + lines, 2, 0)


def test_bare_logins(tmp_path: Path) -> None:
    """In the realm that smtpd adds to no login, the login without it owns the address too."""
    made = table(tmp_path, "alice@vm.example", "bob@example.com", bare_realm="vm.example")
    assert b"alice@vm.example\talice@vm.example, alice\n" in made.text
    assert b"bob@example.com\tbob@example.com\n" in made.text


def test_case(tmp_path: Path) -> None:
    """Two users whose names differ in case alone own one address, as Postfix does not tell such addresses apart."""
    made = table(tmp_path, "Alice@example.com", "alice@Example.com")
    assert made.addresses == 1 and made.text.count(b"\n") == 2
    assert b"Alice@example.com" in made.text and b"alice@Example.com" in made.text


def test_names_that_are_no_addresses(tmp_path: Path) -> None:
    """What would be a comment, another line, another owner, or no address, is left out and counted."""
    odd = ["#a@x", "a b@x", "a\nb@x", "a,b@x", '"a"@x', "a..b@x", ".a@x", "a@", "a@x y", "ä@x", "@x"]
    made = table(tmp_path, *odd, "good+box@x")
    assert (made.addresses, made.left_out) == (1, len(odd))
    assert made.text == HEADING + b"good+box@x\tgood+box@x\n"


def test_no_database(tmp_path: Path) -> None:
    """Where there is no database yet, nobody owns anything."""
    assert Table(str(tmp_path / "absent"), None).text == HEADING


def test_owners() -> None:
    """The owners of each address in a map's text are told, in lower case; empty lines and comments, with blanks before them too, are none."""
    text = b"# a@x\ta@x\n\n  \n \t# b@x b@x\nC@x\tC@x, c\nc@x d@x\ne@x\n"
    assert owners(text) == {b"c@x": {b"c@x", b"c", b"d@x"}, b"e@x": set()}


def test_what_may_be_ours() -> None:
    """A line is one of ours if it gives an address to nobody but its own user, with or without the realm."""
    for logins in ({b"a@x"}, {b"a@x", b"a"}, {b"a"}):
        assert is_of_ours(b"a@x", logins)
    for logins in ({b"b@x"}, {b"a@x", b"b"}, {b"x"}, {b"a@y"}):
        assert not is_of_ours(b"a@x", logins)
