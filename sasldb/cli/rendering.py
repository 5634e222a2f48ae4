"""What commands print, and in which form: a table for people, lines for a pipe, JSON for programs.

Names of users are bytes from a file that anybody may have filled. In a table, a line or a sentence, characters that do not
print are written as `\\xNN`, so that none reaches a terminal. JSON is ASCII throughout; an octet that is no UTF-8 is the
escape `\\udcNN` there (PEP 383), from which Python gets the name back.

Errors: OSError where standard output cannot be written (BrokenPipeError: nobody reads it any more); see `cli.main`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from sasldb.operations.syslog import printable

PROGRAM = "sasldb"
_GAP = "  "


class Rendering:
    """The form that the caller chose for a list."""

    __slots__ = ("_json",)

    def __init__(self, json: bool) -> None:
        """Take the choice; without `json` it is a table on a terminal, and lines elsewhere."""
        self._json = json

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[str]], line: str) -> None:
        """Print `rows` of text, one value a column.

        A table has a heading and is sorted. JSON is one array of objects, one a line. `line` is the format of a line, with
        the values by number. Lines and JSON are written as the rows come, in their order.
        """
        if self._json:
            _write_json(columns, rows)
        elif sys.stdout.isatty():
            _write_table(columns, rows)
        else:
            _write_lines(rows, line)


def say(sentence: str) -> None:
    """Print one line of result on standard output."""
    sys.stdout.buffer.write(_encoded(printable(sentence) + "\n"))


def tell(sentence: str) -> None:
    """Print one line for the person at the terminal, on standard error; if nobody can read it, so be it."""
    try:
        print(f"{PROGRAM}: {printable(sentence)}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        pass


def _write_lines(rows: Iterable[Sequence[str]], line: str) -> None:
    write = sys.stdout.buffer.write
    shape = line.format
    for row in rows:
        text = shape(*row)
        write(_encoded(text if text.isprintable() else printable(text)) + b"\n")


def _write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    cells = [tuple(map(str.upper, columns)), *sorted(tuple(map(printable, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    for row in cells:
        padded = _GAP.join(cell.ljust(width) for cell, width in zip(row, widths))
        sys.stdout.buffer.write(_encoded(padded.rstrip() + "\n"))


def _write_json(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from json.encoder import encode_basestring_ascii as quoted

    write = sys.stdout.buffer.write
    shape = "{{" + ", ".join(f"{quoted(column)}: {{}}" for column in columns) + "}}"
    before = "[\n"
    for row in rows:
        write((before + shape.format(*map(quoted, row))).encode("ascii"))
        before = ",\n"
    write(b"[]\n" if before == "[\n" else b"\n]\n")


def _encoded(text: str) -> bytes:
    """Return printable `text` as UTF-8, whatever the locale: names go out as the octets that they are."""
    return text.encode("utf-8")
