"""Doing something just before a call of this process to the system: what another program might do at that very moment.

Python tells audit hooks of each os.open ("open"), os.rename, os.link, os.remove and others just before it makes the call (PEP 578).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_watchers: list[Callable[[str, tuple[Any, ...]], None]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    for watcher in tuple(_watchers):
        watcher(event, arguments)


sys.addaudithook(_hook)  # it can never be removed


@contextmanager
def before(event: str, fits: Callable[[tuple[Any, ...]], bool], action: Callable[[], object]) -> Iterator[list[str]]:
    """Do `action` once, before the first `event` in the block whose arguments fit; yield a list that then holds the event."""
    done: list[str] = []
    looking: list[bool] = []  # what `fits` itself does is no event

    def watcher(seen: str, arguments: tuple[Any, ...]) -> None:
        if seen != event or done or looking:
            return
        looking.append(True)
        try:
            fitting = fits(arguments)
        finally:
            looking.pop()
        if fitting:
            done.append(seen)
            action()

    _watchers.append(watcher)
    try:
        yield done
    finally:
        _watchers.remove(watcher)
