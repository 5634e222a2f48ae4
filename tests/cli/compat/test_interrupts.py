"""^C: it ends each command by that signal, quietly, whatever the command is about to do.

Until Python has started (its own modules, before the launcher's first line) an interrupt is Python's matter: a known limit.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from pathlib import Path

import pytest

import sasldb
from tests.conftest import ROOT

PYTHON = ("/usr/bin/python3", "-I", "-X", "importtime")
CALLS = {
    "saslpasswd2": ("saslpasswd2", "-f", "t.db", "u@R"),  # waits for the password
    "sasldblistusers2": ("sasldblistusers2", "t.db"),  # writes more than the pipe takes
    "sasldb": ("sasldb", "list", "-f", "t.db"),
}
each_command = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def start(
    call: tuple[str, ...], home: Path, python: tuple[str, ...] = (), ignored: bool = False
) -> subprocess.Popen[bytes]:
    """Start a command that will not end by itself, for it waits for its stdin or for a reader."""
    with sasldb.edit(str(home / "t.db")) as db:
        for number in range(4000):
            db.put(b"user-%d\0example.com\0userPassword" % number, b"x")
    name, *arguments = call
    return subprocess.Popen(
        [*python, str(ROOT / "bin" / name), *arguments],
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "SASL_CONF_PATH": "none"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if ignored else None,
    )


def read_until(process: subprocess.Popen[bytes], mark: bytes) -> bytes:
    """Return what stderr says up to and with the line that ends in `mark`."""
    assert process.stderr is not None
    said = b""
    for line in process.stderr:
        said += line
        if line.rstrip().endswith(mark):
            return said
    raise AssertionError(f"no {mark!r}, only {said!r}")


@each_command
@pytest.mark.parametrize("module", ["sasldb", "sasldb.errors"])
def test_interrupted_while_it_loads(call: tuple[str, ...], module: str, tmp_path: Path) -> None:
    """From the launcher's first line on, while its modules load, ^C leaves no traceback, and the signal in the status."""
    with start(call, tmp_path, PYTHON) as process:
        said = read_until(process, module.encode())
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=10)[1]
    assert b"Traceback" not in said and b"KeyboardInterrupt" not in said
    assert process.returncode == -signal.SIGINT


@each_command
def test_interrupted_at_work(call: tuple[str, ...], tmp_path: Path) -> None:
    """So it is while a list is written or a password waited for; nothing is said, and no temporary file is left."""
    with start(call, tmp_path) as process:
        assert process.stdout is not None
        if call[0] != "saslpasswd2":
            assert select.select([process.stdout], [], [], 10)[0]
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=10)[1]
    assert (said, process.returncode) == (b"", -signal.SIGINT)
    assert os.listdir(tmp_path) == ["t.db"]


@each_command
def test_an_ignored_interrupt_stays_ignored(call: tuple[str, ...], tmp_path: Path) -> None:
    """Who starts a command with that signal ignored (`nohup`, or `&` in a script) gets it done."""
    with start(call, tmp_path, PYTHON, ignored=True) as process:
        said = read_until(process, b"sasldb.errors")
        process.send_signal(signal.SIGINT)
        said += process.communicate(b"pw\n", timeout=20)[1]
    assert process.returncode == 0 and b"Traceback" not in said
