"""An overwrite in place is killed while others work in the same directories, and they go on: nothing of it is lost.

What the killed writer left is needed until its own file is opened again. The kernel may leave any blocks of a copy that was cut
short; a kill lands between system calls, so that is made by hand where a writer was killed at the beginning of its overwrite.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

import sasldb
from sasldb.cli.main import main
from sasldb.errors import SasldbError
from tests import campaigns
from tests.conftest import lacking
from tests.faults import library_calls, watching
from tests.faults.databases import Records, build, key, records
from tests.faults.elsewhere import apart
from tests.faults.library_calls import NEW, OLD, USERS
from tests.faults.neighbours import BESIDE, Neighbours
from tests.faults.stages import IN_PLACE, Stage
from tests.faults.watching import DONE, KILL, KILLED, Called

BLOCK = 512
NEXT = key("next")
MANY = 30_000
FIRST_WRITES = {"fallocate", "ftruncate", "pwrite64", "copy_file_range", "write"}
MIDST = FIRST_WRITES | {"fsync", "fchmod", "fchown", "utimensat", "unlink", "rename", "unlinkat", "renameat"}
MILESTONES = {"fallocate", "ftruncate", "copy_file_range", "fsync", "fdatasync", "rename", "renameat", "renameat2"}


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    """Load here what the forks must not load."""
    if not watching.supported():
        lacking("ptrace", "this machine's system calls are not known here")
    library_calls.preload()


def really(path: Path, scratch: Path) -> Records:
    """Return what the file itself holds, whatever lies beside it."""
    scratch.mkdir(exist_ok=True)
    shutil.copyfile(path, scratch / "db")
    return records(scratch / "db")


def tear(path: Path, old: bytes, new: bytes, chance: random.Random) -> None:
    """Write some blocks of the new file over the old one."""
    torn = bytearray(old.ljust(max(len(old), len(new)), b"\0"))
    for at in range(0, len(new), BLOCK):
        if chance.random() < 0.5:
            torn[at : at + BLOCK] = new[at : at + BLOCK]
    with open(path, "r+b") as file:
        file.write(torn)


def finished(stage: Stage, wanted: Records, scratch: Path) -> bytes | None:
    """Return the finished new file, which a writer has put ready somewhere; None where none is found."""
    for name in stage.litter(*BESIDE):
        try:
            if really(stage.place / name, scratch) == wanted:
                return (stage.place / name).read_bytes()
        except (SasldbError, OSError):
            pass
    return None


class Siege:
    """One setting: the database is laid out anew before each kill, its neighbours stay."""

    def __init__(self, directory: Path, setting: str) -> None:
        self.directory = directory
        self.setting = setting
        self.stage = Stage(directory / "stage", setting)
        self.path = self.stage.path
        self.old = build(directory / "original", USERS)
        self.neighbours = Neighbours(self.stage, directory)
        self.renew()
        self.calls = self.midst = 0  # of the latter, readers see the new file, and the old one still lies there
        assert watching.watch(self._change, self._count).status == DONE

    def _change(self) -> None:
        library_calls.set_password(str(self.path))

    def _count(self, count: int, called: Called) -> None:
        self.calls = count
        self.midst += self._in_midst(called)

    def _in_midst(self, called: Called) -> bool:
        if called.name not in MIDST:
            return False
        return self.path.read_bytes() == self.old and records(self.path) == NEW

    def renew(self) -> None:
        """Lay the database out, and its neighbours."""
        self.stage.lay_out(self.old)
        self.neighbours.settle()

    def kill(self, call: int, midst: bool, chance: random.Random) -> bool:
        """Kill a change at this call (with `midst`: of those in the midst), with others at work; tell whether it began to overwrite.

        AssertionError for what is lost.
        """
        self.renew()
        passed = [0]

        def decide(count: int, called: Called) -> int | None:
            passed[0] += self._in_midst(called) if midst else 1
            return KILL if passed[0] == call else None

        with self.neighbours.busy():
            outcome = watching.watch(self._change, decide)
        assert outcome.status in (KILLED, DONE), str(outcome)
        torn = self.path.read_bytes() == self.old and records(self.path) == NEW
        new = finished(self.stage, NEW, self.directory / "alone") if torn else None
        if new and chance.random() < 0.8:
            tear(self.path, self.old, new, chance)
        for _ in range(2):
            self.neighbours.work()
        self.neighbours.check()
        found = records(self.path)
        assert found in (OLD, NEW), f"{len(found)} users, neither the old nor the new ones"
        assert found == NEW or not torn, "the new file was there already"
        with sasldb.edit(str(self.path)) as db:
            db.set_password("next@example.com", b"next-password")
        assert really(self.path, self.directory / "alone") == {**found, NEXT: b"next-password"}, "after the next change"
        litter = self.stage.litter(*BESIDE)
        assert not litter, f"litter: {litter}"
        return torn


def besiege(directory: Path, setting: str, size: int) -> tuple[int, int, list[str]]:
    """Kill at a sample of calls; return how many kills, how many torn files, and what was lost."""
    siege = Siege(directory, setting)
    chance = campaigns.chance(f"faults/beside/{setting}")
    torn, broken = 0, []
    calls = [(call, False) for call in range(1, siege.calls + 1)]
    midst = [(call, True) for call in range(1, siege.midst + 1)]
    cases = campaigns.sample(f"faults/beside/{setting}", calls, size)
    cases += campaigns.sample(f"faults/beside/{setting}/midst", midst * 4, size)
    for call, in_midst in cases:
        try:
            torn += siege.kill(call, in_midst, chance)
        except Exception as error:
            where = "in the midst" if in_midst else f"of {siege.calls}"
            broken.append(f"killed at call {call} {where}: {type(error).__name__}: {error}")
    return len(cases), torn, broken


@pytest.mark.parametrize("setting", [*IN_PLACE, "overlay", "plain"])
def test_a_killed_overwrite_outlasts_the_writers_beside_it(tmp_path: Path, setting: str) -> None:
    """Killed at any call while others write in the same places, and then more of them: the file is the old or the new one."""
    kills, torn, broken = apart([tmp_path], besiege, tmp_path, setting, 6)
    print(f"{setting}: {kills} kills, {torn} of them in the midst, {len(broken)} losses")
    assert not broken, "\n".join(broken)
    assert torn or setting not in IN_PLACE


def rename_realm(path: Path) -> int:
    """Give all users of a database another realm."""
    return main(["rename-realm", "-f", str(path), "example.com", "example.org"])


def many(directory: Path, setting: str, size: int) -> tuple[int, list[str]]:
    """Kill the renaming of a realm of 30,000 users in the midst of the overwrite, then let others write beside it."""
    stage = Stage(directory / "stage", setting)
    old = build(directory / "original", MANY)
    neighbours = Neighbours(stage, directory)
    stage.lay_out(old)
    neighbours.settle()
    before: list[bool] = []  # at each milestone whether the file is still the old one

    def note(count: int, called: Called) -> None:
        if called.name in MILESTONES:
            before.append(stage.path.read_bytes() == old)

    outcome = watching.watch(lambda: rename_realm(stage.path), note)
    assert outcome.status == DONE, str(outcome)
    renamed = records(stage.path)
    chance = campaigns.chance(f"faults/beside/many/{setting}")
    broken = []
    begin = len(before) - before[::-1].index(True)
    for target in (begin + number % 2 for number in range(size)):
        stage.lay_out(old)
        neighbours.settle()
        passed: list[str] = []

        def decide(count: int, called: Called, target: int = target, passed: list[str] = passed) -> int | None:
            passed += [called.name] if called.name in MILESTONES else []
            return KILL if len(passed) == target else None

        assert watching.watch(lambda: rename_realm(stage.path), decide).status == KILLED
        if target == begin:
            new = finished(stage, renamed, directory / "alone")
            assert stage.path.read_bytes() == old
            if new:
                tear(stage.path, old, new, chance)
        neighbours.work()
        for found in (records(stage.path), _after_an_edit(stage.path)):
            realms = {name.split(b"\0")[1] for name in found}
            if len(found) != MANY or len(realms) != 1:
                broken.append(f"killed before {passed[-1]}: {len(found)} users in {realms}")
    return size, broken


def _after_an_edit(path: Path) -> Records:
    with sasldb.edit(str(path)):
        pass
    return records(path)


@pytest.mark.parametrize("setting", campaigns.sample("faults/many", ["mounted", "linked", "unwritable"], 2))
def test_a_large_file_is_not_lost_to_an_add_beside_it(tmp_path: Path, setting: str) -> None:
    """30,000 users, a killed `rename-realm`, one change of another file of that directory: 30,000 users."""
    kills, broken = apart([tmp_path], many, tmp_path, setting, campaigns.count(1, 20))
    assert not broken, "\n".join(broken)
    assert kills and os.geteuid() == 0
