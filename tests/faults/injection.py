"""Faults on purpose: a command runs under strace(1), which makes one of its system calls fail.

Errors are injected by strace(1), kills are the work of `tracer`.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

LONGEST = 60.0  # seconds; no run here takes a twentieth of it, unless it hangs
_CALL = re.compile(r"(?:\d+ +)?([a-z0-9_]+)\(")


class Run:
    """How a run ended: `status` (negative: killed by that signal), `out` and `err` (bytes)."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def killed(self) -> bool:
        """Tell whether SIGKILL ended it."""
        return self.status == -9

    def __str__(self) -> str:
        return f"status {self.status}, stdout {self.out!r}, stderr {self.err.decode(errors='replace')!r}"


def run(argv: list[str], stdin: bytes = b"", timeout: float = LONGEST) -> Run:
    """Run `argv` as it is; subprocess.TimeoutExpired when it takes longer than `timeout` seconds."""
    return Run(subprocess.run(argv, input=stdin, capture_output=True, timeout=timeout, check=False))


def tampered(expressions: list[str], argv: list[str], stdin: bytes = b"") -> Run:
    """Run `argv` under strace's `inject=` with each of `expressions`, for example `fsync:error=EIO:when=1`."""
    options = ["-e", "trace=" + ",".join(expression.split(":")[0] for expression in expressions)]
    for expression in expressions:
        options += ["-e", f"inject={expression}"]
    return run(["strace", "-f", "-qq", "-o", "/dev/null", "--seccomp-bpf", *options, *argv], stdin)


def trace(record: Path, argv: list[str], stdin: bytes = b"") -> list[tuple[str, str]]:
    """Run `argv` undisturbed and return its system calls, in order, as (name, whole line); they are written to `record`."""
    done = run(["strace", "-f", "-y", "-qq", "-o", str(record), *argv], stdin)
    assert done.status == 0, str(done)
    lines = record.read_text(errors="replace").splitlines()
    record.unlink()
    return [(match[1], line) for line in lines for match in [_CALL.match(line)] if match]
