"""A writer stands still, at any of its system calls: what it needs stays, and whoever has to wait for it learns whom for.

Others read its database and work in the same directories meanwhile. When it goes on, its change is made.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sasldb
from sasldb.errors import Locked, NotFound
from tests import campaigns
from tests.conftest import Commands, lacking
from tests.faults import library_calls, watching
from tests.faults.databases import Records, build, key, records
from tests.faults.elsewhere import apart
from tests.faults.library_calls import OLD, PASSWORD, USERS
from tests.faults.neighbours import BESIDE, Neighbours
from tests.faults.stages import IN_PLACE, Stage
from tests.faults.watching import DONE, Called, TookTooLong
from tests.faults.writers import Holder

RIVAL = key("rival")
PATIENCE = 15  # seconds; what the others do takes a tenth of one
TAKING_LEAVE = {"mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "flock"}
_HOLD = """
import os, signal, sys
import sasldb
with sasldb.edit(sys.argv[1]) as db:
    print("held", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    db.set_password("late@example.com", b"late-password")
"""


@pytest.fixture
def preloaded() -> None:
    """Load here what the forks must not load."""
    if not watching.supported():
        lacking("ptrace", "this machine's system calls are not known here")
    library_calls.preload()


class Stopped:
    """One writer, stopped at each of its calls; `broken` is what others saw that cannot be."""

    def __init__(self, directory: Path, setting: str) -> None:
        self.stage = Stage(directory / "stage", "plain" if setting == "missing" else setting)
        self.path = self.stage.path
        self.content = None if setting == "missing" else build(directory / "original", USERS)
        self.neighbours = Neighbours(self.stage, directory)
        self.before = {} if setting == "missing" else OLD
        self.broken: list[str] = []
        self.calls = self.locks = 0
        self.turn = campaigns.chance(f"faults/stopped/{setting}/turn").randrange(4)

    def found(self) -> Records:
        """Return the records; none where there is no file."""
        try:
            return records(self.path)
        except NotFound:
            return {}

    def run(self, rival_at: int = 0) -> None:
        """Let the others do something before each call; before that of number `rival_at` another tries the same database."""
        self.stage.lay_out(self.content)
        self.neighbours.settle()
        done: list[int] = []

        def others(count: int, called: Called) -> None:
            self.calls = count
            if rival_at:
                if count == rival_at:
                    self.neighbours.work()
                    done.extend([count] if self.rival() else [])
                return
            expected = self.before, {**self.before, key("new"): PASSWORD}
            if self.found() not in expected:
                self.broken.append(f"call {count}, before {called.name}: neither the old nor the new records")
            # A draft that is not locked yet is taken for litter and made again: not each time, or that has no end.
            self.locks += called.name == "flock"
            again = called.name == "flock" and self.locks > 8
            if not again and (campaigns.WHOLE or count % 4 == self.turn or called.name in TAKING_LEAVE):
                self.work(f"call {count}, before {called.name} ({called.where})")

        outcome = watching.watch(lambda: library_calls.set_password(str(self.path)), others)
        wanted = {**self.before, key("new"): PASSWORD, **({RIVAL: b"rival-password"} if done else {})}
        where = f"after a rival at call {rival_at}" if rival_at else "after others at each call"
        if outcome.status != DONE:
            self.broken.append(f"{where}: {outcome}")
        if self.found() != wanted:
            self.broken.append(f"{where}: {len(self.found())} of {len(wanted)} records; rival: {bool(done)}")
        litter = self.stage.litter(*BESIDE)
        if litter:
            self.broken.append(f"{where}: litter: {litter}")

    def work(self, moment: str) -> None:
        """Let the others work; that they have to wait is a broken promise too."""
        if "waited" in "".join(self.broken):
            return  # once is enough: each wait takes its time
        left = signal.alarm(PATIENCE)
        try:
            self.neighbours.work()
            self.neighbours.check()
        except TookTooLong:
            self.broken.append(f"{moment}: those who work on other files waited for it")
        finally:
            signal.alarm(left)

    def rival(self) -> bool:
        """Make a user in the same database, unless that is locked."""
        try:
            with sasldb.edit(str(self.path), wait=0.02) as db:
                db.set_password("rival@example.com", b"rival-password")
        except Locked:
            return False
        return True


def at_each_call(directory: Path, setting: str) -> tuple[int, list[str]]:
    """Stop a writer at each call, and others with a rival at some."""
    stopped = Stopped(directory, setting)
    stopped.run()
    calls = stopped.calls
    for call in campaigns.sample(f"faults/stopped/{setting}", range(1, calls + 1), 4):
        stopped.run(rival_at=call)
    return calls, stopped.broken


@pytest.mark.parametrize("setting", ["plain", "missing", "overlay", *IN_PLACE])
def test_nothing_of_a_writer_that_stands_still_is_removed(tmp_path: Path, preloaded: None, setting: str) -> None:
    """Stopped at any call, with others at work beside it and on its own file: its change is made when it goes on."""
    calls, broken = apart([tmp_path], at_each_call, tmp_path, setting)
    assert not broken, "\n".join(broken)
    assert calls > 50


def test_who_waits_for_a_stopped_process_learns_which(tmp_path: Path, commands: Commands) -> None:
    """A process that was stopped with ^Z in the midst of an edit is named to whoever waits, and its change is made at last."""
    path = tmp_path / "db"
    build(path, 3)
    argv = [sys.executable, "-c", _HOLD, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(commands.sasldb).parent.parent)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
            assert os.WIFSTOPPED(os.waitpid(holder.pid, os.WUNTRACED)[1])
            with pytest.raises(Locked, match=rf"process {holder.pid} \("):
                sasldb.edit(str(path), wait=0.5)
            assert len(records(path)) == 3  # readers do not wait
        finally:
            os.kill(holder.pid, signal.SIGCONT)
        assert holder.wait(30) == 0
    assert records(path)[key("late")] == b"late-password"


def test_a_stopped_process_that_only_holds_the_lock_is_named(tmp_path: Path) -> None:
    """The same of any program that has locked the file."""
    path = tmp_path / "db"
    build(path, 3)
    with Holder(path) as holder:
        os.kill(holder.pid, signal.SIGSTOP)
        with pytest.raises(Locked, match=rf"process {holder.pid} \("):
            sasldb.edit(str(path), wait=0.5)
