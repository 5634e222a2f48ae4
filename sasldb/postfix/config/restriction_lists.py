"""smtpd's restriction lists as they are written: split into words, each with its place, and edited by single words.

An edit puts words into a parameter as it is written, or takes one out, and leaves every other byte alone.
Source: Postfix 3.7, postconf(5). Errors: SiteConfigError where the place of an edit is not one that can be written to.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Protocol

from sasldb.errors import SiteConfigError

_NAME = re.compile(r"\$(?:(\w+)|\{(\w+)\}|\((\w+)\))")


class Parameters(Protocol):
    """The parameters as one smtpd has them."""

    def value(self, name: str) -> str:
        """Return a value with `$name` replaced, "" where there is none."""

    def written(self, name: str) -> str:
        """Return the same value as it is written."""


class Place(NamedTuple):
    """Where a word is written: in which parameter, and from which character to which."""

    parameter: str
    start: int
    end: int


class Word(NamedTuple):
    """A word of a list. `place` is its own, `top` that of the word of the list itself which led to it; None where that is not known."""

    text: str
    place: Place | None
    top: Place | None


class Edit(NamedTuple):
    """A parameter, and what is to be written for it."""

    parameter: str
    text: str


def split(text: str, separators: str = " \t\r\n,") -> list[tuple[int, str]]:
    """Return (place, word) of each word; blanks and commas, or other `separators`, are between words, but not inside `{ }`."""
    found, start, depth = [], None, 0
    for at, character in enumerate(f"{text} "):
        if depth == 0 and character in separators:
            if start is not None:
                found.append((start, text[start:at]))
            start = None
            continue
        start = at if start is None else start
        depth = max(depth + {"{": 1, "}": -1}.get(character, 0), 0)
    return found if start is None else [*found, (start, text[start:])]


def words(parameters: Parameters, name: str, seen: tuple[str, ...] = ()) -> list[Word]:
    """Return the words of a parameter's value; a word that is a `$name` gives way to the words of that parameter."""
    written = parameters.written(name)
    if "$" in _NAME.sub("", written):  # a form that only Postfix can work out
        return [Word(word, None, None) for _, word in split(parameters.value(name))]
    found = []
    for start, text in split(written):
        here = Place(name, start, start + len(text))
        whole = _NAME.fullmatch(text)
        inner = next(filter(None, whole.groups())) if whole else ""
        if inner and inner not in (name, *seen):
            found += [Word(word.text, word.place, here) for word in words(parameters, inner, (*seen, name))]
        elif whole is None:
            found.append(Word(_NAME.sub(lambda match: _value(parameters, match), text), here, here))
    return found


def before(parameters: Parameters, place: Place | None, *new: str) -> Edit:
    """Return the edit that puts words in front of a place. Raises SiteConfigError: the place is not known."""
    if place is None:
        raise SiteConfigError("main.cf", "the word that decides is the outcome of a ${...} expression")
    text = parameters.written(place.parameter)
    return Edit(place.parameter, text[: place.start] + "".join(f"{word}, " for word in new) + text[place.start :])


def first(parameters: Parameters, name: str, word: str) -> Edit:
    """Return the edit that puts a word at the beginning of the list `name`."""
    return Edit(name, ", ".join(part for part in (word, parameters.written(name).strip()) if part))


def without(text: str, place: Place) -> str:
    """Return a value without the word at `place`, and without what separated it from its neighbour."""
    ahead, behind = text[: place.start], text[place.end :].lstrip(" \t,")
    return ahead + behind if behind else ahead.rstrip(" \t,")


def _value(parameters: Parameters, match: re.Match[str]) -> str:
    return parameters.value(next(filter(None, match.groups())))
