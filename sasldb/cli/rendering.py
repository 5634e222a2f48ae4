"""What commands print, and in which form: a table for people, lines for a pipe, JSON and CSV for programs.

Names of users are bytes from a file that anybody may have filled. In a table, a line or a sentence, characters that do not
print are written as `\\xNN`, so that none reaches a terminal. JSON is ASCII throughout; a byte that is no UTF-8 is the
escape `\\udcNN` there (PEP 383), from which Python gets the name back. CSV (RFC 4180, but for LF line ends) has names as they are, byte
for byte, except on a terminal.

Errors: OSError where standard output cannot be written (BrokenPipeError: nobody reads it any more); see `cli.main`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Union

from sasldb.errors import ReportLost, SasldbError
from sasldb.model.text import printable

if TYPE_CHECKING:
    from sasldb.model.secret import Secret
    from sasldb.operations.change import Report

PROGRAM = "sasldb"
COMPLETE = "_SASLDB_COMPLETE"  # set in the environment by the script of `cli.completion`: a shell asks for completions
_GAP = "  "
_STDOUT, _STDERR = 1, 2

Cell = Union[
    str, int, None, Sequence[str]
]  # several words are a list in JSON, with blanks between elsewhere; None is null, or nothing


class Rendering:
    """The form that the caller chose for a list: `json`, `csv`, or neither."""

    __slots__ = ("csv", "json")

    def __init__(self, json: bool, csv: bool = False) -> None:
        """Take the choice; without one it is a table on a terminal, and lines elsewhere."""
        self.json = json
        self.csv = csv

    @property
    def lines(self) -> bool:
        """Whether it is lines of text, for a pipe."""
        return not (self.json or self.csv or sys.stdout.isatty())

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[Cell]], line: str) -> None:
        """Print `rows`, one value a column.

        A table has a heading and is sorted. JSON is one array of objects, one a line. `line` is the format of a line, with
        the values by number. Lines, CSV and JSON are written as the rows come, in their order.
        """
        if self.json:
            _write_json(columns, rows)
        elif self.csv:
            _write_csv(columns, rows)
        elif sys.stdout.isatty():
            table(columns, sorted(tuple(map(_text, row)) for row in rows))
        else:
            _write_lines(rows, line)


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Print `rows` in columns under a heading, in their order."""
    cells = [tuple(map(str.upper, columns)), *(tuple(printable(_text(cell)) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    for row in cells:
        padded = _GAP.join(cell.ljust(width) for cell, width in zip(row, widths))
        sys.stdout.buffer.write(_encoded(padded.rstrip() + "\n"))


def document(value: object) -> None:
    """Print `value` as one JSON value over several lines."""
    from json import dumps

    sys.stdout.buffer.write(dumps(value, indent=2).encode("ascii") + b"\n")


def report(done: Report, quiet: bool = False) -> int:
    """Print what a change came to; with `quiet` all of it on standard error. Return the exit status: 1 where it has findings."""
    for sentence in (*done.sentences, *done.findings):
        tell(sentence)
    with telling_of(not done.dry_run):
        for deed in done.deeds:
            (tell if quiet else say)(deed.told(done.dry_run) + deed.detail)
    return 1 if done.findings else 0


@contextmanager
def telling_of(changed: bool) -> Iterator[None]:
    """Print inside what tells of a change that stands, if `changed`; ReportLost when it cannot be printed.

    Without a change, what cannot be printed is the OSError that it is.
    """
    try:
        yield
        if changed:
            sys.stdout.flush()
    except OSError as error:
        if not changed:
            raise
        abandon()
        raise ReportLost("standard output", f"{error.strerror}; the change was made and stands") from error


def abandon(descriptor: int = _STDOUT) -> None:
    """Let standard output, or this descriptor, lead nowhere: what is still buffered would fail again at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    except OSError:
        pass  # no /dev/null here; what the caller has to report counts more


def reveal(password: Secret, done: Report) -> None:
    """Print a generated password, once `done` has stored it; where it cannot be printed nobody knows it, and the change is undone.

    Raises:
        OSError: it cannot be printed, and nothing is changed. ReportLost: it cannot be printed, and the change could not be undone.
    """
    try:
        say(password.reveal().decode())
        sys.stdout.flush()
    except (OSError, KeyboardInterrupt) as error:
        for sentence in done.sentences:
            tell(sentence)
        try:
            if done.undo is not None:
                done.undo()
        except SasldbError as failure:
            abandon()
            raise ReportLost("standard output", f"the password is stored, and was not printed: {failure}") from error
        raise


def say(sentence: str) -> None:
    """Print one line of result on standard output."""
    sys.stdout.buffer.write(_encoded(printable(sentence) + "\n"))


def tell(sentence: str) -> None:
    """Print one line for the person at the terminal, on standard error; if nobody can read it, so be it."""
    try:
        print(f"{PROGRAM}: {printable(sentence)}", file=sys.stderr, flush=True)
    except ValueError:
        pass
    except OSError:
        abandon(_STDERR)


def tell_malformed(path: str, number: int) -> None:
    """Tell how many records of the database could not be listed, if any."""
    if number:
        records = "1 record" if number == 1 else f"{number} records"
        tell(f"{path}: {records} with a malformed key not listed")


def _write_lines(rows: Iterable[Sequence[Cell]], line: str) -> None:
    write = sys.stdout.buffer.write
    shape = line.format
    for row in rows:
        text = shape(*row)
        if not text.isprintable():
            text = shape(*(printable(_text(cell)) for cell in row))
        write(_encoded(text) + b"\n")


def _write_json(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    from json.encoder import JSONEncoder

    write = sys.stdout.buffer.write
    quoted = JSONEncoder().encode
    shape = "{{" + ", ".join(f"{quoted(column)}: {{}}" for column in columns) + "}}"
    before = "[\n"
    for row in rows:
        write((before + shape.format(*map(quoted, row))).encode("ascii"))
        before = ",\n"
    write(b"[]\n" if before == "[\n" else b"\n]\n")


def _write_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    import csv
    import io

    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    shown = printable if sys.stdout.isatty() else str
    for row in chain([columns], rows):
        writer.writerow([shown(_text(cell)) for cell in row])
        sys.stdout.buffer.write(line.getvalue().encode("utf-8", "surrogateescape"))
        line.seek(0)
        line.truncate()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else str(cell) if isinstance(cell, int) else " ".join(cell)


def _encoded(text: str) -> bytes:
    """Return printable `text` as UTF-8, whatever the locale: names go out as the bytes that they are."""
    return text.encode("utf-8")
