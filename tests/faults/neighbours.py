"""Databases beside the one that a test breaks, and writers who work on them all the time."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sasldb
from tests.faults.databases import key, records
from tests.faults.stages import Stage

BESIDE = ["neighbour", "linked neighbour", "second name"]  # names in the database's directory


class Neighbours:
    """Databases whose writers use the same places as those of `stage`: its directory, /var/tmp and private directories.

    Attributes:
        paths: all of them.
    """

    def __init__(self, stage: Stage, directory: Path) -> None:
        self.paths = [Path("/var/tmp/neighbour")]
        self._second_name = stage.place / BESIDE[2]
        if stage.setting != "unwritable":
            self.paths += [stage.place / name for name in BESIDE[:2]]
        elsewhere = Stage(directory / "neighbourhood", "unwritable")  # its journals lie in a private directory
        elsewhere.lay_out(None)
        self._elsewhere = elsewhere.path
        self.number = 0

    def settle(self) -> None:
        """Make those that are not there."""
        for path in self.paths:
            if not path.exists():
                self._edit(path)
                if path.name == BESIDE[1]:
                    self._second_name.unlink(missing_ok=True)
                    os.link(path, self._second_name)
        with sasldb.edit(str(self._elsewhere), adopt_empty=True) as db:
            db.set_password("settled@example.com", b"password")

    def work(self) -> None:
        """Change each of them, and make another one and remove it."""
        self.number += 1
        for path in (*self.paths, self._elsewhere):
            self._edit(path)
        if len(self.paths) > 1:
            new = self.paths[1].with_name("passing")
            self._edit(new)
            new.unlink()

    def check(self) -> None:
        """Assert that the last change of each is there."""
        for path in (*self.paths, self._elsewhere):
            assert records(path)[key("mark")] == b"%d" % self.number, f"a change of {path} is lost"

    def _edit(self, path: Path) -> None:
        with sasldb.edit(str(path)) as db:
            db.set_password("mark@example.com", b"%d" % self.number)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Let a process work on them as long as the block runs."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                stopped: list[int] = []
                signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
                os.write(writing, b".")
                while not stopped:
                    self.work()
                status = 0
            except BaseException:
                os.write(writing, traceback.format_exc().encode()[-4000:])
            finally:
                os._exit(status)
        os.close(writing)
        with open(reading, "rb") as heard:
            heard.read(1)
            try:
                yield
            finally:
                os.kill(pid, signal.SIGTERM)
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            assert status == 0, f"a writer of other files failed: {heard.read().decode()}"
