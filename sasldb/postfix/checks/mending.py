"""Mend what a check found: run its remedy, as a shell would that root has logged in to.

The programs are those of the system's directories, whatever PATH the caller has, and nothing of the caller's environment comes to them.
Errors: SasldbError where the command fails, with the last line of what it said.
"""

from __future__ import annotations

import os
import subprocess

from sasldb.errors import SasldbError
from sasldb.postfix.checks.finding import Finding
from sasldb.postfix.config import disclosure

_PATIENCE = 120.0  # seconds
_DIRECTORIES = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:/opt/local/sbin:/opt/local/bin"


def mend(finding: Finding, commands: str) -> None:
    """Run the remedy of `finding`, which must have one; `commands` is a directory that is searched last, for `sasldb` itself.

    Raises:
        SasldbError: the command failed or gave no answer in time.
    """
    if finding.remedy is None:
        raise ValueError(f"{finding.name} has no remedy")
    environment = {"PATH": f"{_DIRECTORIES}:{commands}", "LC_ALL": "C.UTF-8", "HOME": "/"}
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
        raise SasldbError(finding.remedy, disclosure.complaint(lines[-1]))
