"""The ways in which a database lies on a disk: laid out anew before each attempt, in mounts of this process's own.

Every setting but "plain", "missing" and "overlay" can only be overwritten in place.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

from tests.faults.databases import age, names
from tests.faults.elsewhere import HOMES, MS_BIND, MS_RDONLY, MS_REMOUNT, NOBODY, mount

THEIRS = "linked in another user's directory"
IN_PLACE = ["linked", THEIRS, "mounted", "unwritable", "overlay and mounted"]
_libc = ctypes.CDLL(None, use_errno=True)


def private_directories() -> list[Path]:
    """Return the private directories of this package that are there."""
    found = [path for home in HOMES for path in Path(home).glob("sasldb-*")]
    return [path for path in found if path.is_dir() and not path.is_symlink()]


class Stage:
    """One setting below `directory`; `place` is the database's directory, `path` the database.

    Attributes:
        other: another name of the same file, None where it has only one.
    """

    def __init__(self, directory: Path, setting: str) -> None:
        """Prepare it, in a mount namespace that is this process's own (see `elsewhere.apart`)."""
        directory.mkdir(parents=True, exist_ok=True)
        self.setting = setting
        self.place = directory / "place"
        self.place.mkdir()
        self.path = self.place / "db"
        self.other: Path | None = None
        self._layers = directory / "layers"
        self._elsewhere = directory / "source"
        if setting.startswith("overlay"):
            self._layers.mkdir()
            mount("layers", self._layers, "tmpfs")  # an upper layer cannot lie on another overlay
        if setting.startswith("linked"):
            self.other = directory / "other"
            if setting != "linked":
                os.chown(self.place, NOBODY, NOBODY)  # others may put files there, so a journal must not lie there
        elif setting in ("mounted", "unwritable"):
            self.other = self._elsewhere
            self._elsewhere.touch(0o640)
            self.path.touch()
            if setting == "unwritable":
                mount(self.place, self.place, flags=MS_BIND)
            mount(self._elsewhere, self.path, flags=MS_BIND)
            if setting == "unwritable":
                mount("none", self.place, flags=MS_REMOUNT | MS_BIND | MS_RDONLY)
        elif setting == "overlay and mounted":
            self.other = self._elsewhere

    def lay_out(self, content: bytes | None, mode: int = 0o640) -> None:
        """Make the place as it is before an attempt; None: there is no database."""
        for private in private_directories():
            shutil.rmtree(private)
        if self.setting.startswith("overlay"):
            self._lay_overlay(content)
        fixed = self.setting in ("mounted", "unwritable", "overlay and mounted")
        for entry in self.place.iterdir():
            if entry != self.path and self.setting != "unwritable":
                entry.unlink()
        if not fixed:
            if self.setting != "overlay":
                self.path.unlink(missing_ok=True)
            if self.setting.startswith("linked") and self.other:
                self.other.unlink(missing_ok=True)
        if content is None:
            return
        if self.setting != "overlay":
            self.path.write_bytes(content)
            os.chown(self.path, 0, 0)
            self.path.chmod(mode ^ 0o001)  # the time of the last change is now
            self.path.chmod(mode)
            age(self.path)
        if self.setting.startswith("linked") and self.other:
            os.link(self.path, self.other)

    def _lay_overlay(self, content: bytes | None) -> None:
        """Mount the layers anew: the database is in the lower one, as in the image of a container."""
        if self.setting == "overlay and mounted":
            _libc.umount2(os.fsencode(self.path), 2)
        _libc.umount2(os.fsencode(self.place), 2)
        for name in ("lower", "upper", "work"):
            shutil.rmtree(self._layers / name, ignore_errors=True)
            (self._layers / name).mkdir()
        lower = self._layers / "lower/db"
        if content is not None:
            lower.write_bytes(content)
            lower.chmod(0o640)
            age(lower)
        layers = ",".join(f"{name}dir={self._layers / name}" for name in ("lower", "upper", "work"))
        mount("overlay", self.place, "overlay", options=layers)
        if self.setting == "overlay and mounted":
            self._elsewhere.touch(0o640)
            mount(self._elsewhere, self.path, flags=MS_BIND)

    def litter(self, *known: str) -> set[str]:
        """Return what lies beside the database, and in private directories, and is none of `known`."""
        there = {str(path) for private in private_directories() for path in private.iterdir()}
        return (names(self.place) - {"db", *known}) | there
