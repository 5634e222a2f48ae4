"""Mend what a check found: run its remedy, as a shell would that it was pasted into.

Errors: SasldbError where the command fails, with the last line of what it said.
"""

from __future__ import annotations

import os
import subprocess

from sasldb.errors import SasldbError
from sasldb.operations.checks.finding import Finding

_PATIENCE = 120.0  # seconds


def mend(finding: Finding, commands: str) -> None:
    """Run the remedy of `finding`, which must have one; `commands` is a directory that is searched last, for `sasldb` itself.

    Raises:
        SasldbError: the command failed or gave no answer in time.
    """
    if finding.remedy is None:
        raise ValueError(f"{finding.name} has no remedy")
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH') or os.defpath}:{commands}"}
    argv = ["/bin/sh", "-c", finding.remedy]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, env=environment, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SasldbError(finding.remedy, f"no end within {_PATIENCE:.0f} seconds") from error
    except OSError as error:
        raise SasldbError(argv[0], f"cannot be run: {error.strerror}") from error
    if done.returncode:
        lines = os.fsdecode(done.stderr + done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        raise SasldbError(finding.remedy, lines[-1])
