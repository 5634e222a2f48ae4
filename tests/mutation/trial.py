"""Trying one change: in a copy of the tree, with the tests running where they can do no harm.

A changed program may do anything. So root runs the tests in namespaces of their own: /etc and /var/tmp are copies there, and no process
outlives the trial. Another user has no such right, and no such power.

Each writing of a module gets another time of modification: Python takes a compiled module for current by time (seconds) and size.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from tests.mutation.changes import Change

_LEFT_OUT = (".git", ".venv", "__pycache__", ".hypothesis", ".mypy_cache", ".pytest_cache", "build")
_APART = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
_PRIVATE = """
mount -t tmpfs none /var/tmp && chmod 1777 /var/tmp && cp -a /etc /var/tmp/etc && mount --bind /var/tmp/etc /etc &&
    mount -t tmpfs none /var/tmp && chmod 1777 /var/tmp && exec "$@"
"""
_FIRST_TIME = 1_000_000_000  # seconds; long before any file of the copy was written


class Outcome:
    """What came of the tests: `passed`; `seconds` that they took; `words`, the last lines of pytest, or "timed out"."""

    __slots__ = ("passed", "seconds", "words")

    def __init__(self, passed: bool, seconds: float, words: str) -> None:
        self.passed = passed
        self.seconds = seconds
        self.words = words

    @property
    def noticed_by(self) -> str:
        """The test that failed, or what else ended the run."""
        failed = [line for line in self.words.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return failed[0].split(" ")[1] if failed else (self.words.splitlines() or ["nothing was said"])[-1]


class Scratch:
    """A copy of the checkout `root`, gone at the end of the block; its .venv is the checkout's own."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._time = _FIRST_TIME
        self._place = Path(tempfile.mkdtemp(prefix="sasldb-mutate-"))
        self.tree = self._place / "tree"

    def __enter__(self) -> Scratch:
        self._place.chmod(0o755)  # some tests run as another user
        shutil.copytree(self._root, self.tree, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        (self.tree / ".venv").symlink_to(self._root / ".venv")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._place, ignore_errors=True)

    def run(self, tests: list[str], seed: int, seconds: float) -> Outcome:
        """Run the test files `tests` to the first failure and for at most `seconds`."""
        shutil.rmtree(self.tree / ".hypothesis", ignore_errors=True)  # no examples of another change
        argv = [".venv/bin/python", "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider"]
        argv += [f"--basetemp={self._place / 'pytest'}", *tests]
        if os.geteuid() == 0:
            argv = [*_APART, "sh", "-c", _PRIVATE, "sh", *argv]
        begun = time.monotonic()
        with (self._place / "output").open("w+b") as output:
            child = subprocess.Popen(
                argv,
                cwd=self.tree,
                env={**os.environ, "SASLDB_SEED": str(seed)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                status = child.wait(seconds)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                _end(child)
            output.seek(0)
            words = output.read().decode(errors="replace")[-4000:] if status is not None else "timed out"
        return Outcome(status == 0, time.monotonic() - begun, words)

    def attempt(self, change: Change, tests: list[str], seed: int, seconds: float) -> Outcome:
        """Run as `run` does, with `change` in the copy."""
        module = self.tree / change.path
        content = module.read_bytes()
        self._write(module, change.applied(content))
        try:
            return self.run(tests, seed, seconds)
        finally:
            self._write(module, content)

    def _write(self, module: Path, content: bytes) -> None:
        module.write_bytes(content)
        self._time += 2
        os.utime(module, (self._time, self._time))


def _end(child: subprocess.Popen[bytes]) -> None:
    """End what is left of a run: with the namespaces all of it, else its process group."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()
