"""Where a database is when the power goes: in a directory, under two names, mounted by itself, in a read-only directory, in /etc.

Everything is in a mount namespace of this process's own, with a /var/tmp and a /var/lib of its own; `here` changes the process for good.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import subprocess
from pathlib import Path

_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x20000, 0x4000, 0x40000
_OF_ETC = ("passwd", "group", "nsswitch.conf", "hosts", "ld.so.cache", "localtime")
DEFAULT = Path("/etc/sasldb2")
_FOR_PRIVATE = (Path("/var/lib"), Path("/var/tmp"))  # where a private directory for a journal may be made
COPY = Path("/var/spool/postfix/etc/sasldb2")


class Place:
    """A database's surroundings.

    Attributes:
        path: the database. copies: other files that must become the same.
        watched: the directories in which files may be changed. fixed: files that keep their inode, for they are mounted or have two names.
        options: what a command needs to be led to it.
    """

    def __init__(self, path: Path, watched: list[Path], copies: list[Path], fixed: frozenset[str]) -> None:
        self.path = path
        self.watched = watched
        self.copies = copies
        self.fixed = fixed
        self.options = [] if path == DEFAULT else ["-f", str(path)]

    def listing(self) -> dict[str, set[str]]:
        """Return the names in each watched directory."""
        return {str(folder): set(os.listdir(folder)) for folder in self.watched}


def here(directory: Path, setting: str) -> Place:
    """Make the place `setting` below the empty `directory`, without a database, in a namespace of this process's own.

    Raises:
        OSError, subprocess.SubprocessError: this system does not let us.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    flags = ctypes.c_ulong(_MS_REC | _MS_PRIVATE)
    if libc.unshare(_CLONE_NEWNS) or libc.mount(b"none", b"/", None, flags, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if setting != "default":  # a copy in the chroot has extended attributes, which not every tmpfs keeps
        _mount("-t", "tmpfs", "-o", "mode=0755", "places", str(directory))
    place, other = directory / "place", directory / "other"
    place.mkdir()
    other.mkdir()
    for folder in _FOR_PRIVATE:
        hidden = directory / folder.name
        hidden.mkdir()
        hidden.chmod(stat.S_IMODE(folder.stat().st_mode))
        _mount("--bind", str(hidden), str(folder))
    if setting == "default":
        return _default(directory)
    return Place(place / "db", [place, other, *_FOR_PRIVATE], [], frozenset())


def furnish(place: Place, setting: str) -> None:
    """Do with the database at its place what `setting` says; it is there by now."""
    source = place.path.parent.parent / "other" / "db"
    if setting == "linked":
        os.link(place.path, source)
        place.fixed = frozenset((str(source), str(place.path)))
        place.copies.append(source)
    if setting in ("mounted", "readonly"):
        shutil.copy2(place.path, source)
        os.chown(source, place.path.stat().st_uid, place.path.stat().st_gid)
        _mount("--bind", str(source), str(place.path))
        place.fixed = frozenset((str(source), str(place.path)))
        place.copies.append(source)
    if setting == "readonly":
        folder = str(place.path.parent)
        _mount("--bind", folder, folder)
        _mount("-o", "remount,ro,bind", folder)
        _mount("--bind", str(source), str(place.path))


def _default(directory: Path) -> Place:
    etc, spool = directory / "etc", directory / "spool"
    etc.mkdir()
    (spool / "postfix" / "etc").mkdir(parents=True)
    for name in _OF_ETC:
        if Path("/etc", name).exists():
            shutil.copy(Path("/etc", name), etc / name)
    groups = (etc / "group").read_text()
    if "\npostfix:" not in groups:
        (etc / "group").write_text(f"{groups}postfix:x:12345:\n")
    _mount("--bind", str(etc), "/etc")
    _mount("--bind", str(spool), "/var/spool")
    return Place(DEFAULT, [DEFAULT.parent, COPY.parent, *_FOR_PRIVATE], [COPY], frozenset())


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", "--no-mtab", *arguments], capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        raise subprocess.SubprocessError(done.stderr.strip())
