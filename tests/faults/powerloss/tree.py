"""The files and directories that are watched: taken from a real tree as they are, and laid out again as a disk may have them.

A name in a watched directory is laid out anew if the record of a command touched it; all other files stay as they are. A file that can
only be overwritten, for it is mounted or has two names, keeps its inode and is rewritten: journals are named after the inode.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.powerloss.disk import Attributes, Directory, Disk, File

_LONG_AGO = 1_500_000_000_000_000_000  # nanoseconds: the machine was off for a while
PRIVATE = "sasldb-"  # what the names of private directories begin with


@dataclass
class State:
    """What a disk has after a power failure: `contents`, `attributes` by inode, `names` of each directory by its inode."""

    contents: dict[int, bytes]
    attributes: dict[int, Attributes]
    names: dict[int, dict[str, int]]


@dataclass
class Tree:
    """Watched directories: `roots` (path -> inode of the model); `fixed` holds the paths of files that keep their inode."""

    roots: dict[str, int] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    at_rest: set[tuple[int, str]] = field(default_factory=set)  # (directory, name) of what is never touched
    last: int = 0

    def new_inode(self) -> int:
        """Return a number for one more file or directory of the model."""
        self.last += 1
        return self.last

    def look(self, directories: list[Path]) -> Disk:
        """Take what is in `directories` as synced, and in private ones that commands made below them; links there are not watched."""
        disk = Disk({}, {})
        known: dict[tuple[int, int], int] = {}
        for path in directories:
            inode = self.roots[str(path)] = self.new_inode()
            self._look_into(path, inode, disk, known)
        return disk

    def _look_into(self, path: Path, inode: int, disk: Disk, known: dict[tuple[int, int], int]) -> None:
        names: dict[str, int] = {}
        for entry in sorted(path.iterdir()):
            status = entry.lstat()
            key = (status.st_dev, status.st_ino)
            if stat.S_ISDIR(status.st_mode) and entry.name.startswith(PRIVATE):
                names[entry.name] = self.new_inode()
                self._look_into(entry, names[entry.name], disk, known)
                continue
            if not stat.S_ISREG(status.st_mode):
                self.at_rest.add((inode, entry.name))
                continue
            if key not in known:
                known[key] = self.new_inode()
                disk.files[known[key]] = File(entry.read_bytes(), attributes_of(entry))
            names[entry.name] = known[key]
        disk.directories[inode] = Directory(names, attributes_of(path))

    def lay_out(self, state: State) -> None:
        """Make the real tree what `state` says; every name that is not at rest is made anew or removed."""
        made: dict[int, str] = {}
        for path, inode in self.roots.items():
            self._clear(path, inode)
            for name, target in state.names[inode].items():
                if (inode, name) not in self.at_rest and target in state.contents:
                    self._file(os.path.join(path, name), target, state, made)
        for path, inode in self.roots.items():
            for name, target in state.names[inode].items():
                if target in state.names:
                    self._directory(os.path.join(path, name), target, state, made)

    def _clear(self, path: str, inode: int) -> None:
        for entry in list(os.scandir(path)):
            if (inode, entry.name) in self.at_rest or entry.path in self.fixed:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)

    def _file(self, path: str, inode: int, state: State, made: dict[int, str]) -> None:
        if path not in self.fixed and inode in made:
            os.link(made[inode], path)
            return
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, state.contents[inode])
            dress(descriptor, state.attributes[inode])
        finally:
            os.close(descriptor)
        made[inode] = path

    def _directory(self, path: str, inode: int, state: State, made: dict[int, str]) -> None:
        """Make a directory that a command had made, with what is in it."""
        mode, uid, gid = _ownership(state.attributes[inode])
        shutil.rmtree(path, ignore_errors=True)  # it is never removed by a command
        os.mkdir(path, mode)
        os.chown(path, uid, gid)
        for name, target in state.names[inode].items():
            self._file(os.path.join(path, name), target, state, made)


def attributes_of(path: Path) -> Attributes:
    """Return what a file or directory has of the attributes that are modelled."""
    status = path.lstat()
    attributes: Attributes = {"mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid}
    attributes["mtime"] = status.st_mtime_ns
    for name in os.listxattr(path):
        attributes[f"xattr {name}"] = os.getxattr(path, name)
    return attributes


def dress(descriptor: int, attributes: Attributes) -> None:
    """Give the open file these attributes."""
    mode, uid, gid = _ownership(attributes)
    os.fchown(descriptor, uid, gid)
    os.fchmod(descriptor, mode)
    for name in os.listxattr(descriptor):
        if f"xattr {name}" not in attributes:
            os.removexattr(descriptor, name)
    for name, value in attributes.items():
        if name.startswith("xattr "):
            assert isinstance(value, bytes)
            os.setxattr(descriptor, name[len("xattr ") :], value)
    written = attributes.get("mtime", _LONG_AGO)
    assert isinstance(written, int)
    os.utime(descriptor, ns=(written, written))


def _ownership(attributes: Attributes) -> tuple[int, int, int]:
    mode, uid, gid = attributes["mode"], attributes["uid"], attributes["gid"]
    assert isinstance(mode, int) and isinstance(uid, int) and isinstance(gid, int)
    return mode, uid, gid
