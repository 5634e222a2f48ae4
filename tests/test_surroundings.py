"""The suite comes to the same result whatever it was started from: here, in the background, with signals ignored."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

IGNORED = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP]
TESTS = """
import os, signal, subprocess, sys, time

def test_children():
    status = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout
    ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
    assert [number for number in IGNORED if ignored >> number - 1 & 1] == []

def test_itself():
    for number in IGNORED:
        os.kill(os.getpid(), number)
    time.sleep(0.01)
"""


@pytest.mark.parametrize("processes", [(), ("-n", "1")], ids=["alone", "by xdist"])
def test_started_with_signals_ignored(tmp_path: Path, processes: tuple[str, ...]) -> None:
    """Programs that the tests start hear the signals that were ignored when the suite began; the suite itself stays deaf."""
    (tmp_path / "test_it.py").write_text(f"IGNORED = {[int(number) for number in IGNORED]}\n{TESTS}")

    def ignore() -> None:
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)

    options = ["-q", "-p", "no:cacheprovider", "-p", "tests.conftest", *processes]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_it.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=ignore,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0 and re.search(r"\b2 passed", done.stdout), done.stdout + done.stderr
