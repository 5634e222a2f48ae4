"""The password dialogue on a terminal: prompts, and lines from stdin that are not shown.

Echo is off before the first prompt is there and until the last answer, so that whoever answers at once (a program, a paste of both lines)
is not shown; only newlines are. What was typed before that is thrown away. Source: Cyrus SASL 2.1.28, observed through a
pseudo-terminal. Unlike there, nothing that is typed from the first prompt on is shown or lost (but for what stands behind ^D), and a
signal that ends the command (^C, ^\\, hang-up, TERM) first puts the terminal back as it was. Errors: `OSError` where stdin cannot be
read.
"""

from __future__ import annotations

import os
import signal
import termios

from sasldb.cli.compat import streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

_FATAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)
_LOCAL = 3  # where tcgetattr's list keeps the local modes
_SHOWN = termios.ECHO | termios.ECHOE | termios.ECHOK | termios.ECHOCTL | termios.ECHOPRT | termios.ECHOKE
_WINDOW = 16384  # octets; more than a terminal's line can have


class Hidden:
    """A person at the terminal on stdin, of whose typing only the newlines are shown until this is left.

    with Hidden(streams.STDOUT) as person:
        password = person.ask(b"Password: ")
    """

    def __init__(self, prompts: int) -> None:
        """Show prompts on the descriptor `prompts`."""
        self._prompts = prompts
        self._before: list[Any] = []  # none where the terminal hung up: reading says so
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Hidden:
        """Turn echo off, and throw away what was typed before."""
        try:
            self._before = termios.tcgetattr(streams.STDIN)
        except termios.error:
            return self
        hidden = self._before[:]
        hidden[_LOCAL] = hidden[_LOCAL] & ~_SHOWN | termios.ICANON | termios.ECHONL
        self._handlers = _guard(self._before)
        _set(termios.TCSAFLUSH, hidden)
        return self

    def __exit__(self, *_: object) -> None:
        """Put the terminal back as it was; what was typed and not asked for is left for who reads next."""
        if self._before:
            _set(termios.TCSANOW, self._before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def ask(self, prompt: bytes) -> bytes:
        """Show `prompt` and return the line typed since the last one (bytes), less its newline.

        Raises:
            OSError: the terminal cannot be read.
        """
        streams.write(self._prompts, prompt)
        line = os.read(streams.STDIN, _WINDOW)
        if not line.endswith(b"\n"):  # ended with ^D, which shows nothing
            self._forget_second_end()
            streams.write(self._prompts, b"\n" if line else b"")
        return streams.without_newline(line)

    def _forget_second_end(self) -> None:
        """Throw away what is there: behind a part of a line people type ^D twice, and the second is no answer to what comes next."""
        try:
            termios.tcflush(streams.STDIN, termios.TCIFLUSH)
        except termios.error:
            pass  # hung up meanwhile


def _guard(before: list[Any]) -> dict[int, Any]:
    """Let each fatal signal that is not ignored restore the terminal first; return the handlers that were there."""

    def restore(number: int, frame: FrameType | None) -> None:
        _set(termios.TCSANOW, before)
        streams.die(number)

    handlers: dict[int, Any] = {}
    for number in _FATAL:
        if signal.getsignal(number) is not signal.SIG_IGN:
            handlers[number] = signal.signal(number, restore)
    return handlers


def _set(when: int, modes: list[Any]) -> None:
    try:
        termios.tcsetattr(streams.STDIN, when, modes)
    except termios.error:
        pass  # hung up meanwhile
