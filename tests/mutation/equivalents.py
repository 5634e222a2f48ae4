"""The list of changes that no test can notice, for they change nothing that can be seen: tests/equivalent_mutants.txt.

One paragraph each; `#` begins a comment:

    sasldb/files/draft.py Draft.close
    - if self._fd >= 0:
    + if self._fd > 0:
    = descriptor 0 is always taken: `streams.hold`

That is the file and the function, the lines that the change touches before and after it, with white space folded, and the reason.
Lines above may come and go; an entry that fits no change any more is stale, and an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.mutation.changes import Change, changes_of

LIST = "tests/equivalent_mutants.txt"
Identity = tuple[str, str, str, str]
_MARKS = ("", "- ", "+ ", "= ")


class BadList(Exception):
    """The list says something that it may not say."""


def parse(text: str) -> dict[Identity, str]:
    """Return the identity of each change in the list -> the reason.

    Raises:
        BadList: a paragraph that is no entry, or an entry that is there twice.
    """
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found: dict[Identity, str] = {}
    for paragraph in "\n".join(lines).split("\n\n"):
        rows = paragraph.strip().splitlines()
        if not rows:
            continue
        if len(rows) != 4 or not all(row.startswith(mark) and row != mark for row, mark in zip(rows, _MARKS)):
            raise BadList(f"not an entry of four lines, file and function, -, + and =:\n{paragraph.strip()}")
        path, _, function = rows[0].partition(" ")
        identity = (path, function, rows[1][2:], rows[2][2:])
        if identity in found:
            raise BadList(f"there twice:\n{paragraph.strip()}")
        found[identity] = rows[3][2:]
    return found


def entry(change: Change) -> str:
    """Return the first three lines of the entry for a change."""
    return f"{change.path} {change.function}".rstrip() + f"\n- {change.before}\n+ {change.after}"


def stale(root: Path, identities: Iterable[Identity]) -> list[Identity]:
    """Return those that fit no change of the sources below `root`."""
    wanted = set(identities)
    there: set[Identity] = set()
    for path in sorted({identity[0] for identity in wanted}):
        if (root / path).exists():
            there |= {change.identity for change in changes_of(root, path)}
    return sorted(wanted - there)
