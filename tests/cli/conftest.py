"""What tests of the `sasldb` command share: a way to call it, and databases with given records."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sasldb.formats import berkeley
from tests.conftest import Commands

Done = subprocess.CompletedProcess[bytes]
Sasldb = Callable[..., Done]


@pytest.fixture
def sasldb(tmp_path: Path, commands: Commands) -> Sasldb:
    """Return `sasldb(*arguments, stdin=b"", env={})`: it runs bin/sasldb in the test's directory, with pipes and no terminal."""

    def run(*arguments: str | bytes, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
        return subprocess.run(
            [commands.sasldb, *arguments],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", **(env or {})},
            timeout=30,
            check=False,
        )

    return run


def peak_memory(argv: list[str], directory: Path) -> int:
    """Return the greatest resident size, in KiB, of a run of a command; a small process starts it, for a fork counts as its own."""
    code = (
        "import os, resource, sys\n"
        "status = os.spawnv(os.P_WAIT, sys.argv[1], sys.argv[1:])\n"
        "print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", "-c", code, *argv],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "SASL_CONF_PATH": "none"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    status, size = map(int, done.stderr.split())
    assert status == 0
    return size


def make_database(path: Path, records: Mapping[bytes, bytes]) -> None:
    """Write `records` to a new hash file with libdb alone, keys as they are, malformed ones too."""
    path.touch(0o640)
    berkeley.apply(str(path), records, 0, str(path))
