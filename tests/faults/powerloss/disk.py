"""A disk with inodes, names, data and attributes, and what of it has been synced: the state that surely outlasts a power failure, and
beside it, in order, every change that may or may not. The rules for what becomes of those are in `rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Union

Attributes = dict[
    str, object
]  # "mode", "uid", "gid": int; "mtime": int (nanoseconds) or absent; "xattr NAME": bytes or None


@dataclass(frozen=True)
class Write:
    """`data` was written at `offset`; a file that ended before that has zeros in between."""

    offset: int
    data: bytes


@dataclass(frozen=True)
class Resize:
    """The file was cut or extended to `size` bytes."""

    size: int


@dataclass(frozen=True)
class Reserve:
    """Room was made from `begin` up to `end`: what nobody has written there reads as zeros, never as what the disk had before."""

    begin: int
    end: int


Change = Union[Write, Resize, Reserve]
NameStep = tuple[
    tuple[str, Union[int, None]], ...
]  # names of one directory that change together: name -> inode, None for none


@dataclass(frozen=True)
class Event:
    """What one system call did to the disk.

    Attributes:
        kind: data, attribute, names, sync, datasync, syncall, file (a new inode), directory (a new one), exit (a command ended).
        inode: which file or directory; of names the directory. text: the call, for reports.
    """

    kind: str
    inode: int
    text: str
    change: Change | None = None
    attribute: tuple[str, object] = ("", None)
    names: NameStep = ()
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True)
class File:
    """A file: synced `content` and `attributes`, and the changes since."""

    content: bytes
    attributes: Attributes
    changes: tuple[Change, ...] = ()
    dressing: tuple[tuple[str, object], ...] = ()

    @property
    def sizes(self) -> list[int]:
        """The sizes that it has had since the last sync, in order."""
        sizes = [len(self.content)]
        for change in self.changes:
            sizes.append(grown(sizes[-1], change))
        return sizes


@dataclass(frozen=True)
class Directory:
    """A directory: synced `names` (name -> inode) and `attributes`, and the steps since."""

    names: dict[str, int]
    attributes: Attributes
    steps: tuple[NameStep, ...] = ()


@dataclass(frozen=True)
class Disk:
    """All files and directories by inode, those too that no name leads to."""

    files: dict[int, File]
    directories: dict[int, Directory]

    def after(self, event: Event) -> Disk:
        """Return the disk after `event`; this one stays as it is."""
        if event.kind == "syncall":
            disk = self
            for inode in [*self.files, *self.directories]:
                disk = disk.after(Event("sync", inode, event.text))
            return disk
        if event.kind == "exit":
            return self
        if event.kind == "directory":
            made = Directory({}, event.attributes)
            return replace(self, directories={**self.directories, event.inode: made})
        if event.inode in self.directories:
            there = _directory_after(self.directories[event.inode], event)
            return replace(self, directories={**self.directories, event.inode: there})
        file = File(b"", event.attributes) if event.kind == "file" else _file_after(self.files[event.inode], event)
        return replace(self, files={**self.files, event.inode: file})


def _directory_after(directory: Directory, event: Event) -> Directory:
    if event.kind == "names":
        return replace(directory, steps=(*directory.steps, event.names))
    if event.kind in ("sync", "datasync"):
        return Directory(with_steps(directory.names, directory.steps), directory.attributes)
    # Owner and mode of a directory are never changed after it was made; if they are, they count at once.
    name, value = event.attribute
    return replace(directory, attributes={**directory.attributes, name: value})


def _file_after(file: File, event: Event) -> File:
    if event.kind == "data":
        assert event.change is not None
        return replace(file, changes=(*file.changes, event.change))
    if event.kind == "attribute":
        name, value = event.attribute
        if with_dressing(file.attributes, file.dressing).get(name) == value:
            return file  # as it was: nothing that could get lost
        return replace(file, dressing=(*file.dressing, event.attribute))
    content = bytes(with_changes(file.content, file.changes))
    if event.kind == "datasync":  # fdatasync(2): what is needed to read the data, its size too, and no owner or mode
        return replace(file, content=content, changes=())
    return File(content, with_dressing(file.attributes, file.dressing))


def grown(size: int, change: Change) -> int:
    """Return what the size `size` is after `change`."""
    if isinstance(change, Write):
        return max(size, change.offset + len(change.data))
    return change.size if isinstance(change, Resize) else max(size, change.end)


def with_changes(content: bytes | bytearray, changes: tuple[Change, ...]) -> bytearray:
    """Return `content` after all of `changes`."""
    buffer = bytearray(content)
    for change in changes:
        if isinstance(change, Resize):
            del buffer[change.size :]
        size = grown(len(buffer), change)
        buffer.extend(bytes(size - len(buffer)))
        if isinstance(change, Write):
            buffer[change.offset : change.offset + len(change.data)] = change.data
    return buffer


def with_steps(names: dict[str, int], steps: tuple[NameStep, ...]) -> dict[str, int]:
    """Return `names` after all of `steps`."""
    there = dict(names)
    for step in steps:
        for name, inode in step:
            if inode is None:
                there.pop(name, None)
            else:
                there[name] = inode
    return there


def with_dressing(attributes: Attributes, dressing: tuple[tuple[str, object], ...]) -> Attributes:
    """Return `attributes` after all changes of them; one that is None is gone."""
    merged = {**attributes, **dict(dressing)}
    return {name: value for name, value in merged.items() if value is not None}
