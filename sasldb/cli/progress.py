"""A bar on the terminal's standard error while something takes long; nothing where it is no terminal, or where it is soon over.

Raises nothing.
"""

from __future__ import annotations

import sys
from time import monotonic
from types import TracebackType

_PATIENCE = 0.5  # seconds before it appears
_PAUSE = 0.1  # seconds between two looks of it
_WIDTH = 30  # characters
_CLEAR = "\r\x1b[K"


class Progress:
    """A context manager; called with how much is done and how much there is, it shows that. At the end its line is empty again."""

    __slots__ = ("_due", "_shown", "_what")

    def __init__(self, what: str) -> None:
        """Take a word that says what takes long."""
        self._what = what
        self._shown = False
        self._due = monotonic() + _PATIENCE

    def __call__(self, done: int, total: int) -> None:
        """Show `done` of `total`, unless that was done just now."""
        if monotonic() < self._due or not total or not sys.stderr.isatty():
            return
        full = _WIDTH * done // total
        self._write(f"{_CLEAR}{self._what} [{'#' * full}{'-' * (_WIDTH - full)}] {done}/{total}")
        self._shown = True
        self._due = monotonic() + _PAUSE

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):
            pass
