"""A module's source as bytes, and spans of it: what `ast` gives as lines and columns, columns being bytes of UTF-8."""

from __future__ import annotations

import ast
from typing import NamedTuple


class Edit(NamedTuple):
    """Replace the bytes from `start` up to `end` by `text`; `kind` says in a word or two what that is."""

    start: int
    end: int
    text: bytes
    kind: str


class Source:
    """The `bytes` of the file `path` (relative to the checkout)."""

    __slots__ = ("_starts", "content", "path")

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.content = content
        self._starts = [0]
        for line in content.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def start(self, node: ast.expr | ast.stmt | ast.excepthandler) -> int:
        """Return where a node begins."""
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt | ast.excepthandler) -> int:
        """Return where a node ends."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr | ast.stmt) -> bytes:
        """Return the bytes of a node."""
        return self.content[self.start(node) : self.end(node)]

    def instead(self, node: ast.expr | ast.stmt, text: bytes, kind: str) -> Edit:
        """Return the edit that puts `text` where `node` is."""
        return Edit(self.start(node), self.end(node), text, kind)

    def between(self, left: ast.expr, right: ast.expr, old: bytes, new: bytes, kind: str) -> list[Edit]:
        """Return the edit that puts `new` where `old` is between two nodes; none where a comment makes that uncertain."""
        start, end = self.end(left), self.start(right)
        gap = self.content[start:end]
        at = gap.find(old)
        return [] if at < 0 or b"#" in gap else [Edit(start + at, start + at + len(old), new, kind)]

    def around(self, edit: Edit) -> tuple[int, str, str]:
        """Return the number of the first line that an edit touches, and these lines before and after it, white space folded."""
        number = self.content.count(b"\n", 0, edit.start) + 1
        start = self._starts[number - 1]
        end = self.content.find(b"\n", edit.end)
        end = len(self.content) if end < 0 else end
        before = self.content[start:end]
        after = self.content[start : edit.start] + edit.text + self.content[edit.end : end]
        return number, " ".join(before.decode().split()), " ".join(after.decode().split())
