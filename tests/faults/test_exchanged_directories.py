"""The owner of a directory exchanges it for a link while root works in it: root's work never goes elsewhere.

The other user owns a directory somewhere on the path, and exchanges a component below it (renameat2) for a link to a directory
that only root may enter, as fast as he can. There nothing may be written, made, removed or read, and root gets a SasldbError or what
was asked for. The window is widened by delays before the calls that take a path.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import sasldb
from tests import campaigns
from tests.conftest import Require, lacking
from tests.faults import racing
from tests.faults.databases import records
from tests.faults.elsewhere import NOBODY, become
from tests.faults.injection import run

SECONDS = campaigns.count(3, 60)
DELAYED = "openat,open,rename,renameat,renameat2,unlink,unlinkat,link,linkat,lstat,stat,newfstatat,readlink,mkdir,chmod"
LEVELS = ["the directory", "a directory above", "the file"]
PACES = ["at full speed", "delayed"]
CASES = [(work, level, pace) for work in racing.WORKS for level in LEVELS for pace in PACES]
_EXCHANGE, _AT_FDCWD = 2, -100
_libc = ctypes.CDLL(None, use_errno=True)


class Street:
    """The other user's `home` with the database `path` in it, and the `vault` that only root may enter.

    Attributes:
        first, second: the two names that are exchanged; the second is a link into the vault.
    """

    def __init__(self, directory: Path, work: str, level: str) -> None:
        above = level == "a directory above"
        self.home = directory / "home"
        self.vault = directory / "vault"
        self.own = self.home / "mid/dir" if above else self.home / "dir"
        self.own.mkdir(parents=True)
        self.path = self.own / "db"
        locked = self.vault / "dir" if above else self.vault
        locked.mkdir(parents=True)
        self._make(self.path, "alice@example.com")
        self._make(locked / "db", racing.VICTIM)
        if work == "overwrite":
            os.link(self.path, self.home / "second name")
        self.first = {"the directory": self.own, "a directory above": self.home / "mid", "the file": self.path}[level]
        self.second = self.first.with_name("link")
        self.second.symlink_to(locked / "db" if level == "the file" else self.vault)
        os.chown(self.second, NOBODY, NOBODY, follow_symlinks=False)
        for place in (self.home, self.home / "mid", self.own):
            if place.exists():
                os.chown(place, NOBODY, NOBODY)
        self.vault.chmod(0o700)
        self.before = self.locked_up()

    def _make(self, path: Path, user: str) -> None:
        with sasldb.edit(str(path)) as db:
            db.set_password(user, b"password")

    def locked_up(self) -> dict[str, tuple[int, ...]]:
        """Return what changes when anything is changed in the vault: of each entry the inode, mode, owner, size and times."""
        found: dict[str, tuple[int, ...]] = {}
        for entry in [self.vault, *self.vault.rglob("*")]:
            at = entry.lstat()
            found[str(entry)] = (
                at.st_ino,
                at.st_mode,
                at.st_uid,
                at.st_gid,
                at.st_size,
                at.st_mtime_ns,
                at.st_ctime_ns,
            )
        return found


@contextmanager
def exchanging(first: Path, second: Path) -> Iterator[None]:
    """Let another user exchange the two names as long as the block runs; the first one leads where it did afterwards."""
    inode = first.lstat().st_ino
    pid = os.fork()
    if pid == 0:
        try:
            os.chdir(first.parent)  # another session of pytest may close the directory of all sessions to others
            become(NOBODY)
            names = os.fsencode(first.name), os.fsencode(second.name)
            while _libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE) == 0:
                pass
        finally:
            os._exit(ctypes.get_errno() or 1)
    try:
        yield
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "the other user could not go on"
    finally:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        if first.lstat().st_ino != inode and second.exists():
            spare = first.with_name("spare")
            first.rename(spare)
            second.rename(first)
            spare.rename(second)


@pytest.mark.parametrize("work, level, pace", campaigns.sample("faults/exchange", CASES, 6))
def test_root_never_works_elsewhere(open_path: Path, require: Require, work: str, level: str, pace: str) -> None:
    """Whatever is exchanged when, nothing happens in the other directory, and no exception but ours comes out."""
    (strace,) = require("strace", "strace")
    if os.geteuid() != 0:
        lacking("namespace", "only root can become somebody else")
    street = Street(open_path, work, level)
    delay = campaigns.chance(f"faults/exchange/{work}/{level}").randrange(50, 1500)
    options = ["-f", "-qq", "-o", "/dev/null", "-e", f"trace={DELAYED}", "-e", f"inject={DELAYED}:delay_enter={delay}"]
    under = [strace, *options] if pace == "delayed" else []
    with exchanging(street.first, street.second):
        argv = [*under, sys.executable, "-I", racing.__file__, work, str(street.path), str(SECONDS)]
        done = run(argv, timeout=SECONDS + 60)
    assert done.status == 0, str(done)
    said = json.loads(done.out)
    print(work, level, pace, f"{delay} us", said["counts"])
    after = street.locked_up()
    hits = [name for name in street.before.keys() | after.keys() if street.before.get(name) != after.get(name)]
    assert hits == [], "changed in the directory that only root may enter"
    assert said["foreign"] == 0, "users were read from the other database"
    assert said["bare"] == [], "\n".join(said["bare"])
    assert said["counts"].get("done", 0) > 0 or pace == "delayed", "nothing was done in all that time"
    assert records(street.path).keys() >= {b"alice\0example.com\0userPassword"}


def placed(path: Path) -> list[str]:
    """Make a database at `path` and return what is said about where it lies."""
    with sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", b"password")
        return list(db.warnings)


@pytest.mark.parametrize("owner, mode", [(NOBODY, 0o755), (0, 0o777), (0, 0o775)])
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_every_directory_above_is_looked_at(open_path: Path, depth: int, owner: int, mode: int) -> None:
    """Whoever may rename a component of the path can exchange the database: the warning names that directory, however far up."""
    if os.geteuid() != 0:
        lacking("namespace", "only root can become somebody else")
    place = open_path / "one/two/three"
    place.mkdir(parents=True)
    risky = [place, *place.parents][depth]
    os.chown(risky, owner, NOBODY)
    risky.chmod(mode)
    said = placed(place / "db")
    assert len(said) == 1 and str(risky) in said[0], said
    assert str(risky) + "/" not in said[0].replace(str(place / "db"), ""), f"not the directory that is at fault: {said}"


def test_a_sticky_directory_above_is_no_risk(open_path: Path) -> None:
    """In a directory like /tmp nobody renames what is root's: no warning about what lies further down."""
    place = open_path / "sticky/mine"
    place.mkdir(parents=True)
    place.parent.chmod(0o1777)
    assert placed(place / "db") == []
