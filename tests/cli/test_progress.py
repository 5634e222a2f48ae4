"""The bar: on a terminal, for what takes long, and gone at the end."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from tests.conftest import ROOT

# Argument 1: seconds that each of four steps takes.
WORK = """
import sys, time
from sasldb.cli.progress import Progress
with Progress("working") as progress:
    for done in range(4):
        progress(done, 4)
        time.sleep(float(sys.argv[1]))
    progress(0, 0)
"""


def shown(seconds: float, terminal: bool = True) -> bytes:
    """Run WORK and return what standard error has seen, a terminal or a pipe."""
    argv = [sys.executable, "-c", WORK, str(seconds)]
    environment = {"PYTHONPATH": str(ROOT)}
    if not terminal:
        return subprocess.run(argv, env=environment, stderr=subprocess.PIPE, timeout=30, check=True).stderr
    ours, theirs = pty.openpty()
    subprocess.run(argv, env=environment, stderr=theirs, timeout=30, check=True)
    os.set_blocking(ours, False)
    try:
        return os.read(ours, 1 << 16)
    except BlockingIOError:
        return b""
    finally:
        os.close(theirs)
        os.close(ours)


def test_long_work() -> None:
    """After half a second there is a bar with numbers, which grows; at the end the line is empty."""
    pieces = shown(0.3).split(b"\r\x1b[K")
    assert pieces[0] == pieces[-1] == b""
    frames = [
        b"working [#######-----------------------] 1/4",  # where the machine is slow
        b"working [###############---------------] 2/4",
        b"working [######################--------] 3/4",
    ]
    assert pieces[1:-1] in (frames, frames[1:])


def test_short_work() -> None:
    """What is soon over shows nothing."""
    assert shown(0.0) == b""


def test_no_terminal() -> None:
    """A pipe or a file never gets a bar."""
    assert shown(0.3, terminal=False) == b""
