"""The password dialogue on a terminal: prompts, and lines from stdin that are not shown.

Echo is off before the first prompt is there and until the last answer, so that whoever answers at once (a program, a paste of both lines)
is not shown; only newlines are. What was typed before that is thrown away. Source: Cyrus SASL 2.1.28, observed through a
pseudo-terminal. Unlike there, nothing that is typed from the first prompt on is shown or lost (but for what stands behind ^D).

A signal that ends or stops the command (^C, ^\\, ^Z, hang-up, `kill`) first puts the terminal back as it was, and throws away what was
typed of an answer, for the shell would show it. When the command is continued, echo is off again before the prompt is there again.
SIGKILL and SIGSTOP cannot be caught. Source: termios(3), credentials(7); bash and dash, observed. Errors: `OSError` where stdin cannot be
read.
"""

from __future__ import annotations

import os
import select
import signal
import termios

from sasldb.cli.compat import streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType
    from typing import Any

    Handler = Callable[[int, "FrameType | None"], None]

_FATAL = (
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGABRT, signal.SIGALRM, signal.SIGVTALRM),
    *(signal.SIGPROF, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU, signal.SIGIO),
)
_STOPPING = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_CAUGHT = (*_FATAL, *_STOPPING, signal.SIGCONT)
_LOCAL = 3  # where tcgetattr's list keeps the local modes
_SHOWN = termios.ECHO | termios.ECHOE | termios.ECHOK | termios.ECHOCTL | termios.ECHOPRT | termios.ECHOKE
_WINDOW = 16384  # bytes; more than a terminal's line can have


class Hidden:
    """A person at the terminal on stdin, of whose typing only the newlines are shown until this is left.

    with Hidden(streams.STDOUT) as person:
        password = person.ask(b"Password: ")
    """

    def __init__(self, prompts: int) -> None:
        """Show prompts on the descriptor `prompts`."""
        self._prompts = prompts
        self._prompt = b""  # the one that is to be answered
        self._inside = False
        self._stopping = False
        self._before: list[Any] = []  # modes; none where the terminal hung up: reading says so
        self._hidden: list[Any] = []  # modes
        self._handlers: dict[int, Any] = {}  # those that were there
        self._wakeup: list[int] = []  # both ends of a pipe, into which each signal puts a byte

    def __enter__(self) -> Hidden:
        """Turn echo off, and throw away what was typed before."""
        if _modes():
            self._wakeup = [*os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)]
            signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
            self._inside = True
            self._take_over()
        return self

    def __exit__(self, *_: object) -> None:
        """Put the terminal back as it was; what was typed and not asked for is left for who reads next."""
        self._inside = False
        self._restore()
        self._release()
        if self._wakeup:
            signal.set_wakeup_fd(-1)
        while self._wakeup:
            os.close(self._wakeup.pop())

    def ask(self, prompt: bytes) -> bytes:
        """Show `prompt` and return the line typed since the last one (bytes), less its newline.

        Raises:
            OSError: the terminal cannot be read.
        """
        self._prompt = prompt
        streams.write(self._prompts, prompt)
        line = self._line()
        self._prompt = b""
        if not line.endswith(b"\n"):  # ended with ^D, which shows nothing
            _flush()  # behind a part of a line people type ^D twice, and the second is no answer to what comes next
            streams.write(self._prompts, b"\n" if line else b"")
        return streams.without_newline(line)

    def _line(self) -> bytes:
        """Wait for a line or a signal; a signal that came just before the wait is not missed, for its byte is in the pipe."""
        poll = select.poll()
        for descriptor in (streams.STDIN, *self._wakeup[:1]):
            poll.register(descriptor, select.POLLIN)
        while self._wakeup and any(ready != streams.STDIN for ready, _ in poll.poll()):
            os.read(self._wakeup[0], _WINDOW)  # its handler has run
        return os.read(streams.STDIN, _WINDOW)

    # The terminal

    def _take_over(self) -> None:
        """Turn echo off, with all signals caught before; in the background this stops, until the command is in the foreground."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTSTP, signal.SIGTTIN))
        try:
            self._catch(_FATAL, self._end)
            _flush()  # from here on in the foreground: before, the modes are a shell's for itself
            now = _modes()
            if now != self._hidden:  # else stopped by SIGSTOP, and not put back
                self._before = now
            if self._before:
                hidden = self._before[:]
                hidden[_LOCAL] = hidden[_LOCAL] & ~_SHOWN | termios.ICANON | termios.ECHONL
                _set(termios.TCSAFLUSH, hidden)
                self._hidden = _modes()
            self._catch(_STOPPING, self._stop)
            self._catch((signal.SIGCONT,), self._go_on)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def _restore(self) -> None:
        """Put the terminal back as it was, unless it is a shell's by now, which has other modes."""
        if self._before and (_in_foreground() or _modes() == self._hidden):
            before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # which would stop this in the background
            _set(termios.TCSANOW, self._before)
            signal.signal(signal.SIGTTOU, before)

    # Signals

    def _catch(self, numbers: Iterable[int], handler: Handler) -> None:
        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, handler)

    def _release(self) -> None:
        """Put back the handlers that were there; what comes meanwhile is theirs."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _CAUGHT)  # of what has come, ours run in here
        while self._handlers:
            signal.signal(*self._handlers.popitem())
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def _end(self, number: int, frame: FrameType | None) -> None:
        if _in_foreground():
            _flush()
        self._restore()
        streams.die(number)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            return
        self._stopping = True
        if _in_foreground():
            _flush()
        self._restore()
        self._release()
        os.kill(os.getpid(), number)  # here it stops
        self._ask_again()

    def _go_on(self, number: int, frame: FrameType | None) -> None:
        """Ask again after SIGSTOP, which nobody can catch: whatever became of the terminal meanwhile."""
        if self._stopping:
            return
        self._stopping = True
        self._release()
        self._ask_again()

    def _ask_again(self) -> None:
        self._stopping = False
        if self._inside:
            self._take_over()
            streams.write(self._prompts, self._prompt)


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(streams.STDIN) == os.getpgrp()
    except OSError:  # not the terminal that stops us, or hung up
        return True


def _modes() -> list[Any]:
    try:
        return termios.tcgetattr(streams.STDIN)
    except termios.error:
        return []  # hung up meanwhile


def _set(when: int, modes: list[Any]) -> None:
    try:
        termios.tcsetattr(streams.STDIN, when, modes)
    except termios.error:
        pass  # hung up meanwhile


def _flush() -> None:
    """Throw away what was typed and not read."""
    try:
        termios.tcflush(streams.STDIN, termios.TCIFLUSH)
    except termios.error:
        pass  # hung up meanwhile
