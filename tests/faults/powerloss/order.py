"""The order of a command's calls, told from its record: what must have been synced before which step.

Each rule is one of those without which some state of `rules` is neither the old nor the new file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.faults.powerloss.disk import Directory, Disk, Event, File, Write, with_dressing

_DRAFT = re.compile(r"\.sasldb-[0-9a-f]{16}$")
_SECURITY = ("mode", "uid", "gid")


def broken(before: Disk, events: list[Event]) -> list[str]:
    """Return every place in the record of `events`, which began on the synced disk `before`, where a rule is broken."""
    found = []
    disk = before
    for number, event in enumerate(events, 1):
        there = names_now(disk)
        for rule in _RULES:
            for what in rule(before, disk, there, event):
                found.append(f"call {number}, {event.text}: {what}")
        disk = disk.after(event)
    return found


def names_now(disk: Disk) -> dict[int, list[str]]:
    """Return the names that each inode has by now, synced or not."""
    names: dict[int, list[str]] = {}
    for directory in disk.directories.values():
        there = dict(directory.names)
        for step in directory.steps:
            for name, inode in step:
                there.pop(name, None)
                if inode is not None:
                    there[name] = inode
        for name, inode in there.items():
            names.setdefault(inode, []).append(name)
    return names


def _named_when_synced(before: Disk, disk: Disk, there: dict[int, list[str]], event: Event) -> Iterator[str]:
    """A file gets another name (rename, link) when its data, owner, mode and attributes are synced."""
    for name, inode in event.names:
        if inode in disk.files and inode in there:
            yield from (f"{name} has {what} that is not synced" for what in _pending(disk.files[inode]))


def _journal_before_target(before: Disk, disk: Disk, there: dict[int, list[str]], event: Event) -> Iterator[str]:
    """A file that was there before is overwritten when all new files are synced, and every directory that has their names."""
    if event.kind != "data" or event.inode not in before.files:
        return
    for inode, file in disk.files.items():
        if inode not in before.files and inode in there:
            yield from (f"{there[inode]} has {what} that is not synced" for what in _pending(file))
    for directory in disk.directories.values():
        for name, _ in (pair for step in directory.steps for pair in step if pair[1] in there):
            yield f"the new name {name} is not synced"
    change = event.change
    if isinstance(change, Write) and change.data.strip(b"\0"):
        end = change.offset + len(change.data)
        others = [file for inode, file in disk.files.items() if inode != event.inode and inode in there]
        if not any(file.content[change.offset : end] == change.data for file in others):
            yield "no other file has this, synced: it is in no journal"


def _private_before_data(before: Disk, disk: Disk, there: dict[int, list[str]], event: Event) -> Iterator[str]:
    """A file that was there before is as private as at the end, and that is synced, before anything new is in it."""
    if event.inode not in before.files:
        return
    file = disk.files[event.inode]
    now = with_dressing(file.attributes, file.dressing)
    name, value = event.attribute
    if event.kind == "attribute" and name in _SECURITY and value != now[name]:
        tightened = name != "mode" or int(str(now["mode"])) & ~int(str(value))
        if tightened and (file.changes or file.content != before.files[event.inode].content):
            yield f"{name} is set after the data"
    if event.kind == "data":
        pending = [name for name, _ in file.dressing if name in _SECURITY]
        yield from (f"{name} is not synced before the data" for name in pending)


def _target_before_unlink(before: Disk, disk: Disk, there: dict[int, list[str]], event: Event) -> Iterator[str]:
    """No name goes while a file that was there before has unsynced data, owner or mode: the name may be its journal's."""
    if any(inode is None for _, inode in event.names):
        for inode in before.files:
            yield from (
                f"{there.get(inode)} has {what} that is not synced" for what in _pending(disk.files[inode], False)
            )


def _gone_before_it_comes_again(before: Disk, disk: Disk, there: dict[int, list[str]], event: Event) -> Iterator[str]:
    """A name that was removed is given to another file when its removal is synced: half of an old journal would go with half of a new."""
    for name, inode in event.names:
        directory = disk.directories[event.inode]
        if (
            inode is not None
            and directory.names.get(name) in disk.files
            and any((name, None) in step for step in directory.steps)
        ):
            yield f"that {name} has gone is not synced"


def _all_synced_at_the_end(before: Disk, disk: Disk, there: dict[int, list[str]], event: Event) -> Iterator[str]:
    """When a command ends, what has a name is synced, so are all names, and no journal may come back."""
    if event.kind != "exit":
        return
    for inode, file in disk.files.items():
        if inode in there:
            yield from (f"{there[inode]} has {what} that is not synced" for what in _pending(file))
    lasting = {inode for directory in disk.directories.values() for inode in directory.names.values()}
    for number, directory in disk.directories.items():
        if number in before.directories or number in there or number in lasting:
            yield from _names_to_come(directory, disk, there)


def _names_to_come(directory: Directory, disk: Disk, there: dict[int, list[str]]) -> Iterator[str]:
    """Name what a power failure would take away from, or bring back to, a directory; a draft is swept by the next command."""
    past: dict[str, int | None] = dict(directory.names)
    for step in directory.steps:
        for name, inode in step:
            gone = past.pop(name, None)
            past[name] = inode
            if inode in there:
                yield f"the new name {name} is not synced"
            elif inode is None and gone in disk.files and gone not in there and not _DRAFT.search(name):
                yield f"that {name} has gone is not synced"


def _pending(file: File, extended: bool = True) -> Iterator[str]:
    """Name what of the file is not synced; times never matter."""
    if file.changes:
        yield "data"
    for name in dict.fromkeys(name for name, _ in file.dressing):
        if name in _SECURITY or (extended and name.startswith("xattr ")):
            yield name


_Rule = Callable[[Disk, Disk, "dict[int, list[str]]", Event], Iterator[str]]
_RULES: tuple[_Rule, ...] = (
    _named_when_synced,
    _journal_before_target,
    _private_before_data,
    _target_before_unlink,
    _gone_before_it_comes_again,
    _all_synced_at_the_end,
)
