"""Kill `sasldb` at one of its system calls, a hundred times a second: a fork of this process, which has all modules loaded, runs it.

A command that is started for real makes most of its calls to load modules, also in the midst of its work. Here nearly every call
that counts (see `tracer`) is one on the database, so that all of them can be tried, of many commands.
"""

from __future__ import annotations

import os
import pkgutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

import sasldb
from sasldb.cli.main import main
from tests.faults import tracer
from tests.faults.injection import LONGEST


def preload() -> None:
    """Load every module of the package, and the ones that those only load when they are called."""
    for module in pkgutil.walk_packages(sasldb.__path__, "sasldb."):
        import_module(module.name)
    for name in (
        "berkeleydb.db",
        "hashlib",
        "secrets",
        "struct",
        "json",
        "grp",
        "pwd",
        "syslog",
        "socket",
        "unicodedata",
    ):
        import_module(name)


def killed_at(call: int, arguments: Sequence[str], stdin: bytes) -> int:
    """Run `sasldb` with `arguments` and kill it at the `call`-th system call (1-based) that counts.

    Returns:
        -9 where it was killed, its exit status where it makes fewer calls.

    Raises:
        OSError: this system lets nobody trace. TimeoutError: it ran for too long.
    """
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as sink:
        source.write(stdin)
        source.seek(0)
        pid = os.fork()
        if pid == 0:
            _run(arguments, source.fileno(), sink.fileno())
        before = signal.signal(signal.SIGALRM, _give_up)
        signal.alarm(int(LONGEST))
        try:
            return tracer.follow(pid, call)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            raise
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)


def _run(arguments: Sequence[str], source: int, sink: int) -> None:
    """Be the command, in the child; never return."""
    status = 99
    try:
        for fd, own in enumerate((source, sink, sink)):
            os.dup2(own, fd)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
        tracer.ask_to_be_traced()
        os.kill(os.getpid(), signal.SIGSTOP)  # `follow` waits for a stop
        status = main(arguments)
        sys.stdout.flush()
    finally:
        os._exit(status)


def _give_up(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"a traced command ran for {LONGEST} seconds")
