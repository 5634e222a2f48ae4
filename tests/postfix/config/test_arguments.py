"""The arguments of a daemon in master.cf, as master and the daemon take them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sasldb.postfix.config import arguments
from tests.conftest import Require

LIBRARY = Path("/usr/lib/postfix/libpostfix-master.so")


@pytest.mark.parametrize(
    ("command", "strays"),
    [
        ("smtpd", []),
        ("smtpd -v -o a=b -vv -o c=d,e -m 5 -c", []),
        ("smtpd -o {a=b, c} -o { d = e f }", []),
        ("smtpd -oa=b -vo c=d", []),
        ("smtpd -o a=b, c", ["c"]),
        ("smtpd -o a=b c -o d=e f,", ["c", "f,"]),
        ('smtpd -o a="b c" -v', ['c"']),
        ("smtpd -o a = b", ["=", "b"]),
        ("smtpd -o a=b - x", ["-", "x"]),
    ],
)
def test_stray_words(command: str, strays: list[str]) -> None:
    """What is no option and belongs to none is stray; braces hold a value together, quotes do not."""
    assert arguments.strays(command) == strays


@pytest.mark.parametrize(
    ("command", "mended"),
    [
        ("smtpd -v -o a=b, c -o d=e", "smtpd -v -o a=b,c -o d=e"),
        ("smtpd -o a=b ,c", "smtpd -o a=b,c"),
        ("smtpd -o a=b , c, , d", "smtpd -o a=b,c,d"),
        ("smtpd -oa=b, c -o {d=e f}", "smtpd -oa=b,c -o {d=e f}"),
        ("smtpd -o a = b", "smtpd -o a=b"),
        ("smtpd -o a= b, c", "smtpd -o a=b,c"),
        ("smtpd -o a=b c", None),
        ("smtpd -o a=b # c", None),
        ("smtpd -o a=b, #c", None),
        ("smtpd -m 5, 6", None),
        ("smtpd -o {a=b}, c", None),
        ("smtpd a, b", None),
        ("smtpd -v , b", None),
    ],
)
def test_what_is_joined(command: str, mended: str | None) -> None:
    """A word goes to the value before it where a comma or the equals sign says so, and nowhere else."""
    assert arguments.mended(command) == mended


def test_the_letters_are_the_daemons(require: Require) -> None:
    """The options with and without an argument are those that the installed library takes."""
    require("postfix", "postconf")
    taken = re.findall(rb"\+(cdD[A-Za-z:]+)\0", LIBRARY.read_bytes())
    letters = {letter for text in taken for letter in re.findall(r"\w:?", text.decode())}
    assert letters == {f"{letter}:" for letter in arguments.WITH_ARGUMENT} | set(arguments.ALONE)
