"""A person at a shell with job control, on a pseudo-terminal of its own."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Optional

from tests.cli.compat.terminal import PATIENCE

READY = "READY> "
CAUGHT = (  # may be ignored where the tests are started
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM),
    *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
)
SHELLS = {"bash": ["/bin/bash", "--noprofile", "--norc", "-i"], "dash": ["/bin/dash", "-i"]}


class Session:
    """A context manager: `shell`, a key of SHELLS, runs in `cwd` with `environ` until it is left; then all of it is killed.

    Attributes:
        shown: all that the terminal has shown (bytes).
    """

    def __init__(self, shell: str, cwd: Path, environ: Optional[dict[str, str]] = None) -> None:
        """Start it, and wait for its prompt."""
        self._master, self._slave = os.openpty()
        self.shown = b""
        self._seen = 0  # how much of it was waited for
        words = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "PS1": READY, "TERM": "dumb", "SASL_CONF_PATH": "none"}
        self._pid = self._start(SHELLS[shell], cwd, {**words, **(environ or {})})
        self.wait(READY)

    def _start(self, argv: list[str], cwd: Path, environ: dict[str, str]) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                os.chdir(cwd)
                os.setsid()
                fcntl.ioctl(self._slave, termios.TIOCSCTTY, 0)
                for descriptor in (0, 1, 2):
                    os.dup2(self._slave, descriptor)
                for number in CAUGHT:
                    signal.signal(number, signal.SIG_DFL)
                os.execve(argv[0], argv, environ)
            finally:
                os._exit(127)
        return pid

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for group in {self._pid, self.foreground} - {0}:
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.waitpid(self._pid, 0)
        os.close(self._master)  # which hangs up on what is left
        os.close(self._slave)

    @property
    def foreground(self) -> int:
        """The process group that has the terminal; 0 where there is none any more."""
        return os.tcgetpgrp(self._master)

    @property
    def modes(self) -> list[Any]:
        """All modes of the terminal."""
        return termios.tcgetattr(self._slave)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(self.modes[3] & termios.ECHO)

    @property
    def jobs(self) -> list[str]:
        """The states (`R`, `S`, `T` for stopped ...) of the shell's children."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            except OSError:  # it ended meanwhile
                continue
            if int(parent) == self._pid:
                found.append(state)
        return found

    def type(self, keys: bytes) -> None:
        """Type `keys`."""
        os.write(self._master, keys)

    def run(self, line: str, until: str = READY) -> bytes:
        """Type the command `line`, wait until the terminal shows `until`, and return what it has shown since."""
        self.type(line.encode() + b"\n")
        return self.wait(until)

    def settings(self) -> bytes:
        """Return what stty says of the terminal now, at the shell's prompt."""
        told = self.run('echo "modes $(stty -g) end"').rpartition(b"modes ")[2].partition(b" end")[0]
        assert told.count(b":") > 10, told
        return told

    def wait(self, text: str, hidden: bool = False) -> bytes:
        """Wait until the terminal shows `text` behind what was waited for before, and with `hidden` has no echo."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            at = self.shown.find(text.encode(), self._seen)
            if at >= 0 and not (hidden and self.echoes):
                since, self._seen = self.shown[self._seen : at], at + len(text)
                return since
            self._read()
        raise TimeoutError(f"no {text!r}{' without echo' if hidden else ''}; the terminal showed {self.shown!r}")

    def until(self, what: str, condition: Any) -> None:
        """Wait until `condition()` is true; `what` says what that means."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"never {what}; the terminal showed {self.shown!r}")
            self._read()

    def _read(self) -> None:
        if select.select([self._master], [], [], 0.005)[0]:
            try:
                self.shown += os.read(self._master, 65536)
            except OSError:  # nobody has the terminal any more
                time.sleep(0.005)
