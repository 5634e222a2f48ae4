"""A person at a terminal, for the dialogues: a pseudo-terminal on which a command is the foreground process."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

PATIENCE = 60.0  # seconds, on any machine
SETTLED = 0.02  # seconds without output after which the terminal has shown all
Step = Union[bytes, int, str]  # what is typed, a signal that is sent, or a prompt that is waited for


@dataclass
class Dialogue:
    """What came of it: wait status of the command, all that the terminal showed, and what stdout took where it was a pipe.

    `modes` are termios' local modes at each prompt; `restored` tells whether all settings are at the end what they were before.
    """

    status: int
    shown: bytes
    piped: bytes
    modes: list[int]
    restored: bool


class Terminal:
    """Runs one command, with its standard output on the terminal or, `piped`, in a pipe.

    `hasty` is how programs type (expect, pexpect, a paste): at once when a prompt is shown, whatever the terminal's modes are then.
    """

    def __init__(
        self,
        program: str,
        argv: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str],
        piped: bool = False,
        hasty: bool = False,
    ) -> None:
        """Start `program` on a new pseudo-terminal."""
        self._hasty = hasty
        self._master, self._slave = os.openpty()
        self._before = termios.tcgetattr(self._slave)
        self._shown = b""
        self._piped = b""
        self._pipe, writing = os.pipe()
        self._sources = [self._master, *([self._pipe] if piped else [])]
        self._pid = os.fork()
        if self._pid == 0:
            os.chdir(cwd)
            self._take_over()
            if piped:
                os.dup2(writing, 1)
            os.execve(program, [*argv], dict(environ))
        os.close(writing)

    def play(self, *steps: Step) -> Dialogue:
        """Take each step once the command waits, then wait for its end."""
        modes = []
        for step in steps:
            if isinstance(step, str):
                modes.append(self._await(step.encode()))
            elif isinstance(step, bytes):
                os.write(self._master, step)
            else:
                os.kill(self._pid, step)
        status = self._end()
        self._settle()
        restored = termios.tcgetattr(self._slave) == self._before
        os.close(self._master)
        os.close(self._slave)
        os.close(self._pipe)
        return Dialogue(status, self._shown, self._piped, modes, restored)

    def _take_over(self) -> None:
        os.setsid()
        fcntl.ioctl(self._slave, termios.TIOCSCTTY, 0)
        for descriptor in (0, 1, 2):
            os.dup2(self._slave, descriptor)

    def _await(self, text: bytes) -> int:
        """Wait until `text` is shown and, unless hasty, echo is off; return the local modes then."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            modes: int = termios.tcgetattr(self._slave)[3]
            if text in self._shown + self._piped and (self._hasty or not modes & termios.ECHO):
                return modes
            self._read(0.005)
        raise TimeoutError(f"no {text!r}; the command showed {self._shown!r}")

    def _settle(self) -> None:
        """Read until the terminal has shown nothing for a moment."""
        while self._read(SETTLED):
            pass

    def _read(self, patience: float) -> bool:
        ready = select.select(self._sources, [], [], patience)[0]
        if self._master in ready:
            self._shown += os.read(self._master, 65536)
        elif ready:
            piece = os.read(self._pipe, 65536)
            self._piped += piece
            if not piece:
                self._sources.remove(self._pipe)
        return bool(ready)

    def _end(self) -> int:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            if ended:
                return status
            self._read(0.005)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        raise TimeoutError(f"the command did not end; it showed {self._shown!r}")
