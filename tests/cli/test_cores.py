"""No command leaves a core behind: passwords of people, and those that are stored, would be in it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.compat.terminal import PATIENCE
from tests.cli.conftest import make_database
from tests.conftest import ROOT, Commands

CALLS = {  # each waits: for its standard input, or for somebody to take its output
    "saslpasswd2": ["saslpasswd2", "-p", "-f", "db", "u@R"],
    "sasldblistusers2": ["sasldblistusers2", "db"],
    "sasldb add": ["sasldb", "add", "-f", "db", "--password-stdin", "u@R"],
    "sasldb list": ["sasldb", "list", "-f", "db"],
    "sasldb apply": ["sasldb", "apply", "-f", "db", "-"],
}


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGSEGV, signal.SIGABRT])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_core(call: list[str], number: signal.Signals, commands: Commands, tmp_path: Path) -> None:
    """A command that a signal ends, where the caller allows cores of any size, ends without one."""
    make_database(tmp_path / "db", {b"user-%d\0R\0userPassword" % number: b"stored" for number in range(9000)})
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]

    def allow() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)

    name, *arguments = call
    argv = [getattr(commands, name), *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(argv, cwd=tmp_path, preexec_fn=allow, **pipes)  # type: ignore[call-overload]
    try:
        until_it_waits(process.pid)
        process.send_signal(number)
        _, status = os.waitpid(process.pid, 0)
    finally:
        process.returncode = 0
        process.communicate()
    assert os.WTERMSIG(status) == number and not os.WCOREDUMP(status)
    assert os.listdir(tmp_path) == ["db"]


def until_it_waits(process: int) -> None:
    """Return once `process` waits for a pipe."""
    deadline = time.monotonic() + PATIENCE
    while "pipe" not in Path(f"/proc/{process}/wchan").read_text():
        assert time.monotonic() < deadline, "it does not wait"
        time.sleep(0.01)


def may_raise() -> bool:
    """Tell whether this process may raise hard limits (CAP_SYS_RESOURCE), as root mostly may."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff:")]
    return bool(int(line.split()[1], 16) >> 24 & 1)


@pytest.mark.parametrize("before", [(0, 0), (0, None), (4096, 4096), (None, None)])
def test_the_limit(before: tuple[int | None, int | None]) -> None:
    """The limit is what the kernel heeds for files and for pipes, whatever it was; the hard limit, for what is started later, stays."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    soft, most = (hard if each is None else each for each in before)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        f"from resource import *\nsetrlimit(RLIMIT_CORE, ({soft}, {most}))\n"
        "from sasldb.cli.compat.streams import leave_no_core\nleave_no_core()\nprint(*getrlimit(RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    least = 1 if may_raise() or most else 0
    assert done.stdout.split() == [str(least), str(most or least)]
