"""One campaign: record an operation, take its disk apart at each point, try each state."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.databases import Records, records
from tests.faults.powerloss.disk import Disk, Event, File, Write
from tests.faults.powerloss.interpreter import Interpreter
from tests.faults.powerloss.judging import Judge, Promise, judge_state
from tests.faults.powerloss.operations import Operation, Tools
from tests.faults.powerloss.places import Place, furnish, here
from tests.faults.powerloss.recording import record
from tests.faults.powerloss.rules import Torn
from tests.faults.powerloss.states import Case, Point, after_power_loss, cases, points
from tests.faults.powerloss.tree import State, Tree, attributes_of

_REAL = 25  # one state in so many is followed by the real command and db5.3_verify
_ENOUGH = 12  # violations, then a campaign of the suite gives up


@dataclass
class Result:
    """What came of a campaign: how many `states` were tried at how many `points`, and the `violations` as text.

    `before` and `events` are the disk and its record, for the test of their order; `refused` says why this system does not let us.
    """

    states: int = 0
    points: int = 0
    violations: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    before: Disk | None = None
    refused: str = ""


def run(operation: Operation, tools: Tools, directory: Path, seed: int, most: int | None) -> Result:
    """Try `operation` in a process of its own below `directory`: `most` states drawn by `seed`, or all of them (None)."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_run, (operation, tools, directory, seed, most))


def _run(operation: Operation, tools: Tools, directory: Path, seed: int, most: int | None) -> Result:
    try:
        place = here(directory, operation.setting)
    except (OSError, subprocess.SubprocessError) as error:
        return Result(refused=str(error))
    return Campaign(operation, tools, place).run(Random(seed), most)


class Campaign:
    """An operation at its place: `record` first."""

    def __init__(self, operation: Operation, tools: Tools, place: Place) -> None:
        self.operation = operation
        self.tools = tools
        self.place = place
        operation.build(place)
        furnish(place, operation.setting)
        self.env = {**os.environ, **operation.env}
        os.environ.update(operation.env)
        self.tree = Tree(fixed=place.fixed)
        self.disk = self.tree.look(place.watched)
        self.versions: list[Records] = [self._records()]
        self.events: list[Event] = []

    def run(self, random: Random, most: int | None) -> Result:
        """Record, then try the states."""
        self.record()
        if self.operation.torn:
            self.tear(random)
        result = Result(points=len(self.events) + 1, before=self.disk, events=self.events)
        promise = self.promise()
        judge = Judge(self.place, promise)
        for case in cases(self.disk, self.events, set(self.tree.roots.values()), random, most):
            result.states += 1
            try:
                judge_state(case.state, promise)
                self.tree.lay_out(case.state)
                judge.judge(case.point.ended, result.states % _REAL == 0)
            except Exception as error:  # whatever it is, the campaign goes on and reports it
                result.violations.append(self._told(case, error))
                if most is not None and len(result.violations) >= _ENOUGH:
                    break
        return result

    def record(self) -> None:
        """Run the commands, and keep what they did and what came of it."""
        interpreter = Interpreter(self.tree, self.disk, (os.geteuid(), os.getegid()))
        for command in self.operation.commands:
            done, calls = record(self.tools.argv(command, self.place), command.stdin, self.env)
            assert done.status == 0, f"{self.operation.name}: {done}"
            self.events += interpreter.events(calls)
            self.events.append(Event("exit", 0, f"the end of {command.words}"))
            self.versions.append(self._records())
            assert self.versions[-1] != self.versions[-2] or not command.changes, f"{command.words} changed nothing"
        self._compare(interpreter)
        self._settle()

    def tear(self, random: Random) -> None:
        """Make the power go in the midst of the overwrite, let the next command finish it, and record that one alone."""
        inode = self.disk.directories[self.tree.roots[str(self.place.path.parent)]].names[self.place.path.name]
        moments = [
            point
            for point, event in zip(list(points(self.disk, self.events))[1:], self.events)
            if event.inode == inode and isinstance(event.change, Write)
        ]
        torn = self._torn(moments[0], inode, random)
        self.tree.lay_out(torn)
        self.tree = Tree(fixed=self.place.fixed)
        self.disk = self.tree.look(self.place.watched)
        self.versions = [self._records()]
        self.events = []
        self.operation = self.operation.finishing()
        self.record()

    def _torn(self, point: Point, inode: int, random: Random) -> State:
        for _ in range(1000):
            state = after_power_loss(point.disk, Torn(random.getrandbits(32)), set(self.tree.roots.values()))
            old = self.disk.files[inode].content
            if old != state.contents[inode] and old[: len(old) // 2] != state.contents[inode][: len(old) // 2]:
                return state
        raise AssertionError("no state with a torn file")

    def promise(self) -> Promise:
        """Return what must hold in every state."""
        final = attributes_of(self.place.path)
        listing = self.place.listing()
        return Promise(
            self.versions,
            {name: final[name] for name in ("mode", "uid", "gid")},
            listing,
            {inode: file.content for inode, file in self.disk.files.items()},
            self.tools.next_command(self.place),
            self.tools.db_verify,
        )

    def _records(self) -> Records:
        return records(self.place.path) if self.place.path.exists() else {}

    def _compare(self, interpreter: Interpreter) -> None:
        """Make sure that the record is whole: what it comes to is what is there now."""
        for path, inode in self.tree.roots.items():
            for name, target in interpreter.names()[inode].items():
                if (inode, name) not in self.tree.at_rest and target in self.disk.files:
                    there = Path(path, name).read_bytes()
                    assert there == interpreter.content(target), f"the record of {path}/{name} is not whole"
            expected = set(interpreter.names()[inode]) | {name for parent, name in self.tree.at_rest if parent == inode}
            assert expected == set(os.listdir(path)), f"{path}: {expected} is recorded, {os.listdir(path)} is there"
        disk = list(points(self.disk, [*self.events, Event("syncall", 0, "")]))[-1].disk
        for path, inode in self.tree.roots.items():
            for name, target in disk.directories[inode].names.items():
                if target in disk.files and (inode, name) not in self.tree.at_rest:
                    self._compare_file(Path(path, name), disk.files[target])

    def _compare_file(self, path: Path, file: File) -> None:
        assert path.read_bytes() == file.content, f"{path}: the disk is not as recorded"
        found = attributes_of(path)
        for attribute in ("mode", "uid", "gid"):
            assert found[attribute] == file.attributes[attribute], f"{path}: {attribute}"

    def _settle(self) -> None:
        """Tell the tree which files no call touched and no database is: they stay while states are laid out."""
        touched = {event.inode for event in self.events if event.inode in self.disk.files}
        steps = [(event.inode, name) for event in self.events if event.kind == "names" for name, _ in event.names]
        databases = {str(path) for path in (self.place.path, *self.place.copies)}
        for path, inode in self.tree.roots.items():
            for name, target in self.disk.directories[inode].names.items():
                moved = (inode, name) in steps or target in touched
                if not moved and os.path.join(path, name) not in databases:
                    self.tree.at_rest.add((inode, name))

    def _told(self, case: Case, error: Exception) -> str:
        where = f"after call {case.point.done} of {len(self.events)}, {case.point.last}; {case.choice}"
        if isinstance(error, AssertionError):
            return f"{where}: {error}"
        return f"{where}: {type(error).__name__}: {error} ({traceback.extract_tb(error.__traceback__)[-1].name})"
