"""The command of a service of master.cf, split as master and the daemon split it: options, their arguments, and words that are neither.

Blanks are between words, but not inside `{ }`; quotes mean nothing. A daemon of Postfix ends with an error at a word that is neither.
Source: Postfix 3.7, master(5) and smtpd(8), and the option letters in libpostfix-master.so (a test compares). Raises nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from sasldb.postfix.config.restriction_lists import split

WITH_ARGUMENT, ALONE = "imnorst", "cdDlSuvVz"  # letters of options
_BLANKS = " \t\r\n"
_LINKS = (",", "=")  # whoever writes a blank beside one of them goes on with the value


class Argument(NamedTuple):
    """A word of a command: `text` as it is written, `is_stray` where it is no option, nor belongs to one; `sets` where it is that of an -o."""

    text: str
    is_stray: bool = False
    sets: bool = False


def parse(command: str) -> list[Argument]:
    """Return the words of a command, without the program's name."""
    found = []
    owner = ""  # the letter of the option whose argument comes next
    for _, word in split(command, _BLANKS)[1:]:
        if owner:
            found.append(Argument(word, sets=owner == "o"))
            owner = ""
        elif word.startswith("-") and word != "-":
            at = next((at for at, letter in enumerate(word) if letter in WITH_ARGUMENT), None)
            owner = word[at] if at is not None and at == len(word) - 1 else ""
            found.append(Argument(word, sets=at is not None and word[at] == "o" and not owner))
        else:
            found.append(Argument(word, is_stray=True))
    return found


def strays(command: str) -> list[str]:
    """Return the words of a command that a daemon does not expect."""
    return [argument.text for argument in parse(command) if argument.is_stray]


def mended(command: str) -> str | None:
    """Return the command with each stray word joined to the value before it; None where it is not plain that it belongs there.

    It is plain where a comma, or the `=` of the value, is at either side of the blank.
    """
    words: list[Argument] = []
    for argument in parse(command):
        if not argument.is_stray:
            words.append(argument)
            continue
        before = words.pop() if words else argument
        linked = before.text.endswith(_LINKS) or argument.text.startswith(_LINKS)
        if not before.sets or not linked or before.text.startswith("{") or argument.text.startswith("#"):
            return None
        comma = before.text.endswith(",") and argument.text.startswith(",")
        words.append(before._replace(text=before.text + argument.text[comma:]))
    return " ".join([split(command, _BLANKS)[0][1], *(word.text for word in words)])
