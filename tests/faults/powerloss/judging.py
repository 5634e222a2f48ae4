"""What must hold after a power failure, for one state: read it, run the next command, look at what that left."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import sasldb
from sasldb.errors import EmptyFile, NotFound
from tests.faults.databases import USER_PASSWORD, Records, key, records
from tests.faults.injection import run
from tests.faults.powerloss.disk import Attributes
from tests.faults.powerloss.places import Place
from tests.faults.powerloss.tree import State

NEXT = "next"
_NEXT_PASSWORD = b"next-password"


@dataclass
class Promise:
    """What was promised.

    Attributes:
        versions: the records before the first command and after each. ownership: mode, uid and gid of the database at the end.
        others: the names that belong into each watched directory. originals: what each file held before, by inode.
        next_command: argv of the real command that makes the user `next`. db_verify: Berkeley DB's own check.
    """

    versions: list[Records]
    ownership: Attributes
    others: dict[str, set[str]]
    originals: dict[int, bytes]
    next_command: list[str]
    db_verify: str


def judge_state(state: State, promise: Promise) -> None:
    """Hold against the promise what a state shows without being opened: a file with anything new in it is as private as at the end."""
    for inode, content in state.contents.items():
        new = bool(content.strip(b"\0")) and content != promise.originals.get(inode)
        if new and inode in promise.originals:
            old = promise.originals[inode]
            size = max(len(content), len(old))
            new = any(
                content[at : at + 512] != old[at : at + 512] and content[at : at + 512].strip(b"\0\xa5")
                for at in range(0, size, 512)
            )
        if new:
            _private(state.attributes[inode], promise.ownership, inode)


def _private(found: Attributes, final: Attributes, inode: int) -> None:
    mode, least = found["mode"], final["mode"]
    assert isinstance(mode, int) and isinstance(least, int)
    where = f"what is new can be read by more than at the end: inode {inode} has {found}, at the end {final}"
    assert not mode & ~least & stat.S_IRWXO, where
    assert not mode & stat.S_IRWXG or (found["gid"] == final["gid"] and not mode & ~least & stat.S_IRWXG), where
    assert found["uid"] in (final["uid"], os.geteuid()), where


class Judge:
    """Judges what is laid out at `place`."""

    def __init__(self, place: Place, promise: Promise) -> None:
        self.place = place
        self.promise = promise

    def judge(self, ended: int, sampled: bool) -> None:
        """Hold the place against the promise; AssertionError or any other error where it is broken.

        `ended`: how many commands had ended. `sampled`: run the real command instead of the library, and db5.3_verify.
        """
        allowed = self.promise.versions[ended:]
        found = self._read(self.place.path)
        assert (
            found in allowed
        ), f"the database is none of the {len(allowed)} versions that it may be: {self._about(found)}"
        for copy in self.place.copies:
            if not self._same(copy):
                shown = self._read(copy)
                assert shown in self.promise.versions, f"{copy} is no version: {self._about(shown)}"
        if ended == len(self.promise.versions) - 1:
            self._owned()
        self._next(NEXT, sampled)
        after = self._read(self.place.path)
        assert after.pop(key(NEXT), b"") == _NEXT_PASSWORD, "the next command is lost"
        after.pop(key(NEXT, b"cmusaslsecretOTP"), None)
        assert after == found, f"the next command changed other records: {self._about(after)} was {self._about(found)}"
        if self._litter():
            self._next("next2", False)  # what the one left is cleared by the other
        assert not self._litter(), f"litter: {self._litter()}"
        for copy in self.place.copies:
            assert copy.read_bytes() == self.place.path.read_bytes(), f"{copy} was left behind"
        self._owned()
        if sampled:
            argv = [self.promise.db_verify, "-q", str(self.place.path)]
            subprocess.run(argv, check=True, capture_output=True, timeout=20)

    def _read(self, path: Path) -> Records:
        try:
            return records(path)
        except NotFound:
            return {}
        except EmptyFile:
            assert path in self.place.copies, "the database has zero bytes"
            return {}

    def _owned(self) -> None:
        status = self.place.path.stat()
        now = {"mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid}
        assert now == self.promise.ownership, f"owner and mode are {now}, not {self.promise.ownership}"

    def _next(self, user: str, sampled: bool) -> None:
        if sampled:
            done = run(self.promise.next_command, _NEXT_PASSWORD + b"\n")
            assert done.status == 0, f"the next command: {done}"
            return
        with sasldb.edit(str(self.place.path), realm="example.com") as db:
            db.set_password(user, _NEXT_PASSWORD)

    def _same(self, copy: Path) -> bool:
        return copy.exists() and self.place.path.exists() and copy.samefile(self.place.path)

    def _litter(self) -> dict[str, set[str]]:
        there = self.place.listing()
        extra = {folder: there[folder] - self.promise.others[folder] for folder in there}
        return {folder: names for folder, names in extra.items() if names}

    def _about(self, found: Records) -> str:
        """Say how many records `found` has, and which of the versions it is."""
        number = next((at for at, version in enumerate(self.promise.versions) if version == found), None)
        users = sum(name.endswith(USER_PASSWORD) for name in found)
        return f"{len(found)} records, {users} users, version {number}"
