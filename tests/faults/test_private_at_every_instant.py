"""At no system call of a change does the new password lie in a file that lets in more users than the file will at the end.

The writer is stopped before each of its calls, and every file that it may have made is looked at: in the database's directory, where
private directories may be, and what it has open without a name. What others have open from an earlier time is another matter (README, limits).
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sasldb
from tests import campaigns
from tests.conftest import Require, lacking
from tests.faults import library_calls, watching
from tests.faults.databases import build
from tests.faults.elsewhere import HOMES, NOBODY, apart
from tests.faults.errnos import ERRORS
from tests.faults.library_calls import PASSWORD, USERS
from tests.faults.stages import THEIRS, Stage
from tests.faults.watching import DONE, KILL, KILLED, Called

ACL = "system.posix_acl_access"
MARK = PASSWORD[:64]  # of the new password, wherever a record is cut by a page
READ = 4
GROUP = 65533  # somebody's group that the database had, and is to lose
CHANGING = {name for name in ERRORS if "write" in name or "trunc" in name or "chmod" in name or "chown" in name}
CHANGING |= {"copy_file_range", "fallocate", "fsync", "fdatasync", "flock", "utimensat", "openat", "openat2"}
CHANGING |= {
    name for name in ERRORS if "link" in name or "rename" in name or "setxattr" in name or "removexattr" in name
}
_USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x02, 0x04, 0x08, 0x10, 0x20

Readers = set[tuple[str, int]]
Prepare = Callable[[Stage], None]


def acl(*words: str) -> Prepare:
    """Return what sets the access control list `words` on the database (`-d` on its directory)."""

    def prepare(stage: Stage) -> None:
        target = stage.place if "-d" in words else stage.path
        subprocess.run(["setfacl", *words, str(target)], check=True, timeout=10)

    return prepare


def chowned(mode: int) -> Prepare:
    """Return what gives the database the group GROUP."""

    def prepare(stage: Stage) -> None:
        os.chown(stage.path, 0, GROUP)
        stage.path.chmod(mode)

    return prepare


def mode(bits: int) -> Prepare:
    """Return what gives the database this mode."""
    return lambda stage: stage.path.chmod(bits)


def nothing(stage: Stage) -> None:
    """Leave it at 0640."""


# name: (setting, what is done to the database before, environment)
CASES: dict[str, tuple[str, Prepare, dict[str, str]]] = {
    "0644": ("plain", mode(0o644), {}),
    "0666": ("plain", mode(0o666), {}),
    "0644, linked": ("linked", mode(0o644), {}),
    "0644, linked in another user's directory": (THEIRS, mode(0o644), {}),
    "0644, mounted": ("mounted", mode(0o644), {}),
    "0644, its directory unwritable": ("unwritable", mode(0o644), {}),
    "0644, overlay": ("overlay", mode(0o644), {}),
    "list and others": ("plain", acl("-m", f"u:{NOBODY}:r,o::r"), {}),
    "list and others, linked": ("linked", acl("-m", f"u:{NOBODY}:r,o::r"), {}),
    "list and others, mounted": ("mounted", acl("-m", f"u:{NOBODY}:r,g:{GROUP}:rw,o::rw"), {}),
    "default list": ("plain", acl("-d", "-m", f"u:{NOBODY}:rwx,o::rwx"), {}),
    "default list, linked": ("linked", acl("-d", "-m", f"u:{NOBODY}:rwx,o::rwx"), {}),
    "default list, new": ("missing", acl("-d", "-m", f"u:{NOBODY}:rwx,o::rwx"), {}),
    "new": ("missing", nothing, {}),
    "narrower mode, linked": ("linked", chowned(0o640), {"SASLDB_MODE": "0600"}),
    "narrower mode": ("plain", chowned(0o660), {"SASLDB_MODE": "0600"}),
    "narrower mode and list, linked": ("linked", acl("-m", f"u:{NOBODY}:r"), {"SASLDB_MODE": "0600"}),
    "another group, linked": ("linked", chowned(0o640), {"SASLDB_GROUP": "0"}),
    "another group": ("plain", chowned(0o660), {"SASLDB_GROUP": "0"}),
    "another owner, mounted": ("mounted", chowned(0o644), {"SASLDB_OWNER": "0", "SASLDB_GROUP": "0"}),
}


def readers(path: str) -> Readers:
    """Return who besides root may read the file: ("user", uid), ("group", gid), ("others", 0)."""
    at = os.stat(path)
    found = {("user", at.st_uid)} if at.st_uid and at.st_mode & 0o400 else set()
    try:
        entries = os.getxattr(path, ACL)[4:]
    except OSError:
        entries = b""
    mask = at.st_mode >> 3 & 7 if entries else 7
    for tag, bits, number in struct.iter_unpack("<HHI", entries):
        kind = {_USER: ("user", number), _GROUP: ("group", number), _GROUP_OBJ: ("group", at.st_gid)}.get(tag)
        if kind and bits & mask & READ:
            found.add(kind)
    if not entries and at.st_mode & 0o040:
        found.add(("group", at.st_gid))
    if at.st_mode & 0o004:
        found.add(("others", 0))
    return found - {("user", 0), ("group", 0)}


def files(stage: Stage, pid: int) -> Iterator[str]:
    """Yield a path to every file that the writer may have made or changed."""
    for place in (stage.place, *map(Path, HOMES)):
        for folder, folders, entries in os.walk(place):
            folders[:] = [name for name in folders if not os.path.ismount(os.path.join(folder, name))]  # the tests' own
            yield from (os.path.join(folder, entry) for entry in entries)
    yield from (f"/proc/{pid}/fd/{name}" for name in os.listdir(f"/proc/{pid}/fd"))


class Look:
    """What is seen at each call: `seen` (call, file) -> who may read the new password in it."""

    def __init__(self, stage: Stage, kill_at: int = 0) -> None:
        self.stage = stage
        self.kill_at = kill_at
        self.seen: dict[tuple[str, str], Readers] = {}

    def __call__(self, count: int, called: Called) -> int | None:
        if count == self.kill_at:
            return KILL
        if called.name in CHANGING:
            self.at(f"{count}, before {called.name}", called.pid)
        return None

    def at(self, moment: str, pid: int) -> None:
        """Look at all files."""
        for path in files(self.stage, pid):
            try:
                if not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    inside = MARK in file.read()
            except OSError:
                continue
            if inside:
                self.seen[moment, path] = readers(path)

    def too_many(self, final: Readers) -> list[str]:
        """Return the moments at which somebody could read the password who cannot at the end."""
        return [f"call {moment}: {path}: {who - final}" for (moment, path), who in self.seen.items() if who - final]


def watched(directory: Path, name: str) -> tuple[int, list[str]]:
    """Look at a change in the case `name`; return how often the password was seen, and where it should not have been."""
    setting, prepare, environment = CASES[name]
    os.environ.update(environment)
    stage = Stage(directory / "stage", "plain" if setting == "missing" else setting)
    content = build(directory / "original", USERS)
    os.umask(0)

    def lay_out() -> None:
        if "default list" in name:
            subprocess.run(["setfacl", "-k", str(stage.place)], check=True, timeout=10)
        stage.lay_out(None if setting == "missing" else content)
        prepare(stage)

    lay_out()
    look = Look(stage)
    outcome = watching.watch(lambda: library_calls.set_password(str(stage.path)), look)
    assert outcome.status == DONE, str(outcome)
    final = readers(str(stage.path))
    assert ("others", 0) not in final
    broken = look.too_many(final)
    calls = max(int(moment.split(",")[0]) for moment, _ in look.seen)
    for call in campaigns.sample(f"private/{name}", range(1, calls + 1), 6):
        lay_out()
        broken += after_a_kill(stage, call, final)
    return len(look.seen), broken


def after_a_kill(stage: Stage, call: int, final: Readers) -> list[str]:
    """Kill the change at this call, look at what it leaves, and at each call of the change that comes next."""
    outcome = watching.watch(lambda: library_calls.set_password(str(stage.path)), Look(stage, kill_at=call))
    assert outcome.status in (KILLED, DONE), str(outcome)
    look = Look(stage)
    look.at("0, when it was killed", os.getpid())

    def next_change() -> None:
        with sasldb.edit(str(stage.path)) as db:
            db.set_password("next@example.com", b"next-password")

    outcome = watching.watch(next_change, look)
    assert outcome.status == DONE, str(outcome)
    look.at("after the next change", os.getpid())
    return [f"killed at {call}, then {complaint}" for complaint in look.too_many(final)]


@pytest.mark.parametrize("name", CASES)
def test_a_new_password_is_private_at_every_call(tmp_path: Path, require: Require, name: str) -> None:
    """At each call, after a kill at it, and at each call of the change that comes then, nobody reads it who shall not."""
    require("namespace", "setfacl")
    if not watching.supported():
        lacking("ptrace", "this machine's system calls are not known here")
    seen, broken = apart([tmp_path], watched, tmp_path, name)
    assert seen > 3, "the password was hardly ever seen: the test looks in the wrong places"
    if broken:
        pytest.fail("\n".join(broken[:8]), pytrace=False)
