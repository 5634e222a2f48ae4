"""The password dialogue on a terminal: a prompt on stdout, a line from stdin that is not shown.

While it waits, echo is off and only the newline is shown; what was typed before the prompt is thrown away. Source: Cyrus SASL 2.1.28,
observed through a pseudo-terminal. Unlike there, a signal that ends the command (^C, ^\\, hang-up, TERM) first puts the
terminal back as it was. Errors: `OSError` where stdin cannot be read.
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


def ask(prompt: bytes) -> bytes:
    """Show `prompt` and return the line typed (bytes), less its newline.

    Raises:
        OSError: the terminal cannot be read.
    """
    streams.write(streams.STDOUT, prompt)
    line = _read_hidden()
    if line and not line.endswith(b"\n"):
        streams.write(streams.STDOUT, b"\n")  # ended with ^D, which shows nothing
    return streams.without_newline(line)


def _read_hidden() -> bytes:
    """Read one line from stdin while the terminal shows only its newline."""
    try:
        before = termios.tcgetattr(streams.STDIN)
    except termios.error:
        return os.read(streams.STDIN, _WINDOW)  # hung up: let the reading say so
    hidden = before[:]
    hidden[_LOCAL] = hidden[_LOCAL] & ~_SHOWN | termios.ICANON | termios.ECHONL
    handlers = _guard(before)
    try:
        _set(termios.TCSAFLUSH, hidden)
        return os.read(streams.STDIN, _WINDOW)
    finally:
        _set(termios.TCSANOW, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


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
