"""Journals in the wrong hands: a real one of a change that never took place, planted where another user could put it.

The journal is that of an edit of root's which brings a deleted user back, killed before the first byte was overwritten. It is
taken away, so that the database is whole and without that user; then somebody else puts it where he can. Its format is not looked at.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import sasldb
from tests.faults import watching
from tests.faults.databases import build, key, records
from tests.faults.elsewhere import NOBODY, as_user
from tests.faults.library_calls import GONE, OLD, USERS
from tests.faults.stages import Stage, private_directories
from tests.faults.watching import KILL, KILLED, Called

BACK = key("user5")
ATTIC = "attic"  # the other user's own directory, on the same file system; files of root's lie in it
KEPT = (
    "kept",
    "sasldb-0",
)  # in /var/tmp or /tmp: a directory of root's before and after somebody gives it another name

Taken = dict[str, bytes]


class Stolen:
    """A database `path` without user5, and the `journal` (file name -> content) that would bring the user back.

    `home` is the directory where the journal was.
    """

    def __init__(self, directory: Path, setting: str) -> None:
        self.stage = Stage(directory, setting)
        content = build(directory / "original", USERS)
        self.stage.lay_out(content)
        self.path = self.stage.other or self.stage.path  # the name which a rename can serve
        with sasldb.edit(str(self.stage.path)) as db:
            db.delete("user5@example.com")
        before = self.stage.path.read_bytes()
        outcome = watching.watch(self._bring_back, lambda count, called: self._begun(called, before))
        assert outcome.status == KILLED, f"the overwrite was not met: {outcome}"
        assert self.stage.path.read_bytes() == before
        files = [self.stage.place / name for name in self.stage.litter()]
        self.home = files[0].parent
        self.journal = {file.name: file.read_bytes() for file in files}
        for file in files:
            file.unlink()
        for entry in private_directories():
            shutil.rmtree(entry)
        assert records(self.stage.path) == GONE
        if setting == "linked":
            self.stage.path.unlink()  # the other name moves to a place of its own, and renames can serve
            self.path.rename(self.stage.path)
            self.path = self.stage.path

    def _bring_back(self) -> None:
        with sasldb.edit(str(self.stage.path)) as db:
            db.put(BACK, OLD[BACK])

    def _begun(self, called: Called, before: bytes) -> int | None:
        """Kill the writer when readers see the new file already, and the old one still lies there."""
        if called.name not in ("fallocate", "pwrite64", "copy_file_range", "ftruncate", "write"):
            return None
        return KILL if self.stage.path.read_bytes() == before and records(self.stage.path) == OLD else None


def nonsense(journal: Taken) -> Taken:
    """Return any two files of root's under the names of `journal`."""
    return {name: b"what root wrote down, part %d\n" % number for number, name in enumerate(sorted(journal))}


def fill(directory: Path, files: Taken, owner: int = 0, mode: int = 0o700) -> None:
    """Make `directory`, which belongs to `owner`, with these files of root's."""
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_bytes(content)
        (directory / name).chmod(0o600)
    os.chown(directory, owner, owner)
    directory.chmod(mode)


def move_into(target: Path, files: Taken) -> None:
    """Let the other user move files of root's out of a directory of his own into `target`, made if need be."""
    attic = target.parent / ATTIC
    fill(attic, files, NOBODY)

    def move() -> None:
        target.mkdir(exist_ok=True)
        for name in files:
            os.rename(attic / name, target / name)

    as_user(NOBODY, move)


def _moved(shared: Path, files: Taken) -> None:
    move_into(shared / "sasldb-0", files)


def _hard_links(shared: Path, files: Taken) -> None:
    move_into(shared / "sasldb-0", files)
    for name in files:
        os.link(shared / "sasldb-0" / name, shared / ATTIC / name)


def _link_to_his(shared: Path, files: Taken) -> None:
    fill(shared / ATTIC, files, NOBODY)
    as_user(NOBODY, lambda: os.symlink(shared / ATTIC, shared / "sasldb-0"))


def _link_to_roots(shared: Path, files: Taken) -> None:
    fill(Path("/tmp/backups"), files)
    as_user(NOBODY, lambda: os.symlink("/tmp/backups", shared / "sasldb-0"))


def _exchanged(shared: Path, files: Taken) -> None:
    """Root's own private directory of an earlier day, in a /tmp that is not sticky."""
    shared.chmod(0o777)
    fill(shared / KEPT[0], files)
    as_user(NOBODY, lambda: os.rename(shared / KEPT[0], shared / KEPT[1]))


def _group_may_write(shared: Path, files: Taken) -> None:
    fill(shared / "sasldb-0", {})
    os.chown(shared / "sasldb-0", 0, NOBODY)
    (shared / "sasldb-0").chmod(0o770)
    move_into(shared / "sasldb-0", files)


def _his_own(shared: Path, files: Taken) -> None:
    """Files that he wrote himself, in a private directory of his own."""
    fill(shared / f"sasldb-{NOBODY}", files, NOBODY)
    for name in files:
        os.chown(shared / f"sasldb-{NOBODY}" / name, NOBODY, NOBODY)


# How somebody else puts files of root's where a private directory of root's may lie.
WAYS: dict[str, Callable[[Path, Taken], None]] = {
    "moved": _moved,
    "hard links": _hard_links,
    "a link to his directory": _link_to_his,
    "a link to root's directory": _link_to_roots,
    "a directory exchanged": _exchanged,
    "a directory for a group": _group_may_write,
    "his own files": _his_own,
}
