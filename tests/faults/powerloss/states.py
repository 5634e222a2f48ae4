"""The states of a disk after a power failure: at each point of a record, by each choice of what had lasted (see `rules`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.faults.powerloss.disk import Directory, Disk, Event, File, with_dressing, with_steps
from tests.faults.powerloss.rules import Choice, choices, content
from tests.faults.powerloss.tree import State

CHANCES = 200  # states by chance at each point of a whole campaign
_MOST_OF_A_PHASE = 1000
_POINTS_OF_A_PHASE = 32


@dataclass(frozen=True)
class Point:
    """The moment after `done` events: the `disk` then, how many commands had ended, and the number of syncs and steps before it."""

    done: int
    disk: Disk
    ended: int
    phase: int
    last: str


@dataclass(frozen=True)
class Case:
    """One state to be tried, and where it came from."""

    point: Point
    choice: str
    state: State


def points(disk: Disk, events: list[Event]) -> Iterator[Point]:
    """Yield every moment at which the power may go, from before the first event until after the last one."""
    ended = phase = 0
    yield Point(0, disk, ended, phase, "the beginning")
    for done, event in enumerate(events, 1):
        disk = disk.after(event)
        ended += event.kind == "exit"
        phase += event.kind in ("sync", "datasync", "syncall", "names", "exit")
        yield Point(done, disk, ended, phase, event.text)


def cases(disk: Disk, events: list[Event], roots: set[int], random: Random, most: int | None) -> Iterator[Case]:
    """Yield different states: `most` of them, drawn evenly from the phases between two syncs or steps; with None all of them.

    Of a long phase, the writing of a large draft, some points are taken.
    """
    chances, longest = (
        (CHANCES, _POINTS_OF_A_PHASE) if most is None or most > CHANCES else (CHANCES // 10, _POINTS_OF_A_PHASE // 4)
    )
    moments: dict[int, list[Point]] = {}
    for point in points(disk, events):
        moments.setdefault(point.phase, []).append(point)
    phases: list[list[tuple[Point, Choice]]] = []
    for group in moments.values():
        taken = group if len(group) <= longest else [group[0], *random.sample(group[1:-1], longest - 2), group[-1]]
        drawn = [(point, choice) for point in taken for choice in choices(point.disk, random, chances)]
        random.shuffle(drawn)
        phases.append(drawn[:_MOST_OF_A_PHASE])
    turns = [drawn.pop() for _ in range(_MOST_OF_A_PHASE) for drawn in phases if drawn]
    seen: set[bytes] = set()
    for point, choice in turns:
        if most is not None and len(seen) >= most:
            return
        state = after_power_loss(point.disk, choice, roots)
        mark = _digest(state, point.ended)
        if mark not in seen:
            seen.add(mark)
            yield Case(point, choice.label, state)


def after_power_loss(disk: Disk, choice: Choice, roots: set[int]) -> State:
    """Return what is on `disk` by `choice`, as far as names lead to it from the directories `roots`."""
    names = {inode: _names(directory, choice) for inode, directory in sorted(disk.directories.items())}
    contents = {inode: content(file, choice) for inode, file in sorted(disk.files.items())}
    attributes = {inode: _attributes(file, choice) for inode, file in sorted(disk.files.items())}
    found = set(roots)
    for root in roots:
        for inode in names[root].values():
            found.add(inode)
            found.update(names.get(inode, {}).values())
    attributes.update((inode, directory.attributes) for inode, directory in disk.directories.items())
    return State(
        {inode: data for inode, data in contents.items() if inode in found},
        {inode: there for inode, there in attributes.items() if inode in found},
        {inode: there for inode, there in names.items() if inode in found},
    )


def _names(directory: Directory, choice: Choice) -> dict[str, int]:
    if not directory.steps:
        return directory.names
    kept = choice.keep("names", len(directory.steps))
    return with_steps(directory.names, tuple(step for step, lasts in zip(directory.steps, kept) if lasts))


def _attributes(file: File, choice: Choice) -> dict[str, object]:
    if not file.dressing:
        return file.attributes
    kept = choice.keep("attributes", len(file.dressing))
    record = [one for one in file.dressing if not one[0].startswith("xattr ")]
    last = sum(lasts for one, lasts in zip(file.dressing, kept) if not one[0].startswith("xattr "))
    extended = [one for one, lasts in zip(file.dressing, kept) if lasts and one[0].startswith("xattr ")]
    return with_dressing(file.attributes, (*record[:last], *extended))


def _digest(state: State, ended: int) -> bytes:
    mark = hashlib.sha256(b"%d" % ended)
    for inode in sorted(state.contents):
        mark.update(b"%d %d " % (inode, len(state.contents[inode])) + state.contents[inode])
    for table in (state.attributes, state.names):
        for inode in sorted(table):
            mark.update(repr((inode, sorted(table[inode].items()))).encode())
    return mark.digest()
