"""Where a path or a descriptor leads, among the watched directories, as the kernel has it at one moment of a record."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from tests.faults.powerloss.disk import Disk, Event, with_changes
from tests.faults.powerloss.recording import Call
from tests.faults.powerloss.tree import Tree

_MAGIC = re.compile(r"/proc/(?:self|thread-self|\d+)/fd/(\d+)(?:/(.*))?")


@dataclass
class Open:
    """An open file: `inode` of the model, the `position` of its next write."""

    inode: int
    position: int = 0
    append: bool = False


@dataclass
class Place:
    """Where a path leads: a `name` in the directory `parent`, and what is there (`inode`, None for nothing)."""

    parent: int
    name: str
    inode: int | None


class Lookup:
    """Names, contents and descriptors by now; `follow` every event of the record."""

    def __init__(self, tree: Tree, disk: Disk) -> None:
        self.tree = tree
        self.names = {inode: dict(directory.names) for inode, directory in disk.directories.items()}
        self.contents = {inode: bytearray(file.content) for inode, file in disk.files.items()}
        self.fds: dict[tuple[int, int], Open] = {}

    def follow(self, event: Event) -> None:
        """Let the event count."""
        if event.kind == "file":
            self.contents[event.inode] = bytearray()
        elif event.kind == "directory":
            self.names[event.inode] = {}
        elif event.kind == "data":
            assert event.change is not None
            self.contents[event.inode] = with_changes(self.contents[event.inode], (event.change,))
        elif event.kind == "names":
            there = self.names[event.inode]
            for name, inode in event.names:
                if inode is None:
                    there.pop(name, None)
                else:
                    there[name] = inode

    def opened(self, call: Call, index: int) -> Open | None:
        """Return what the descriptor at `index` has open; None for one that is not watched."""
        fd = call.fd(index)
        return None if fd is None else self.fds.get((call.pid, fd))

    def _base(self, call: Call, index: int | None) -> int | str:
        """Return the directory that a relative path begins at: its inode where it is watched, else its path as strace told it."""
        assert index is not None, f"not modelled: {call}, from an unknown directory"
        opened = self.opened(call, index)
        return call.cwd(index) if opened is None else opened.inode

    def place(self, call: Call, index: int, base: int | None = None) -> Place | None:
        """Return where the path at `index` leads, relative to the descriptor at `base`; None outside of what is watched."""
        path = call.path(index)
        magic = _MAGIC.fullmatch(path)
        if magic:
            opened = self.fds.get((call.pid, int(magic[1])))
            if opened is None:
                return None
            return Place(-1, "", opened.inode) if not magic[2] else self._walk(opened.inode, magic[2])
        if not path.startswith("/"):
            begin = self._base(call, base)
            if isinstance(begin, int):
                return self._walk(begin, path) if path else Place(-1, "", begin)
            path = os.path.join(begin, path)
        path = os.path.normpath(path)
        for root in sorted(self.tree.roots, key=len, reverse=True):
            if path == root:
                return Place(-1, "", self.tree.roots[root])
            if path.startswith(root + "/"):
                return self._walk(self.tree.roots[root], path[len(root) + 1 :])
        return None

    def _walk(self, directory: int, path: str) -> Place | None:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if not parts:
            return Place(-1, "", directory)
        for part in parts[:-1]:
            found = self.names.get(directory, {}).get(part)
            if found is None:
                return None
            directory = found
        if directory not in self.names:
            return None
        return Place(directory, parts[-1], self.names[directory].get(parts[-1]))
