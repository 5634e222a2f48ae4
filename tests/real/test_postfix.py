"""The Postfix of the tests itself: nothing of it stays behind, whatever happens to the test process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import ROOT
from tests.real.postfix import PostfixInstance

START_AND_WAIT = """
import sys, time
from tests.real.postfix import PostfixInstance
with PostfixInstance(chroot=False) as instance:
    print(instance.home, *instance.processes().values(), flush=True)
    time.sleep(60)
"""


def test_it_runs_in_its_own_directory(postfix_instance: PostfixInstance) -> None:
    """master works in the instance's own queue directory, and logs to the instance's own file."""
    assert "master" in postfix_instance.processes()
    assert "starting the Postfix mail system" in postfix_instance.log()


def test_nothing_is_left_of_a_killed_test(postfix_parts: None) -> None:
    """When the test process is killed, its Postfix ends and its directory goes."""
    child = subprocess.Popen([sys.executable, "-c", START_AND_WAIT], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert child.stdout is not None
    home, *processes = child.stdout.readline().split()
    assert Path(home).is_dir() and processes
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (Path(home).exists() or any(map(_runs, processes))):
        time.sleep(0.05)
    assert not Path(home).exists()
    assert [process for process in processes if _runs(process)] == []


def _runs(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
