"""A private directory, and what becomes of it when the process is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import os, signal, sys
from sasldb.postfix.config.private import PrivateDirectory, is_ending

with PrivateDirectory("sasldb-test-") as directory:
    assert os.stat(directory).st_mode & 0o777 == 0o700 and not is_ending()
    open(f"{directory}/secret", "w").close()
    os.kill(os.getpid(), int(sys.argv[1]))
    print(is_ending(), os.path.exists(f"{directory}/secret"))
    sys.stdout.flush()
print("survived")
"""


def _run(number: int, tmp_path: Path, ignored: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(int(number))],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=lambda: signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL) and None,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_waits_until_it_is_gone(number: signal.Signals, tmp_path: Path) -> None:
    """A signal ends the process as ever, but only when the directory and all in it are gone."""
    done = _run(number, tmp_path)
    assert (done.returncode, done.stdout) == (-number, "True True\n")
    assert os.listdir(tmp_path) == []


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """A signal that was ignored, as under nohup, ends nothing."""
    done = _run(signal.SIGHUP, tmp_path, ignored=True)
    assert (done.returncode, done.stdout) == (0, "False True\nsurvived\n")
    assert os.listdir(tmp_path) == []
