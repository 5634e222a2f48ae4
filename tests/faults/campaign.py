"""The crash campaign: one command, killed at its system calls in turn (a sample of them, or every one), and what must hold then.

After a kill the file (as every reader of ours sees it) is the old or the new one, whole; the next writer works at once, on top
of that; after it the file itself, without our reader's help, is right, and nothing else lies in its directory.
"""

from __future__ import annotations

import ctypes
import itertools
import multiprocessing
import os
import subprocess
import time
from pathlib import Path

import sasldb
from sasldb.errors import NotFound
from tests import campaigns
from tests.faults.databases import Records, age, key, names, records
from tests.faults.injection import run
from tests.faults.tracer import killed_at

ANY = b"any value"
AT_ONCE = 20.0  # seconds, on any machine; an edit takes milliseconds, and waits 30 s for a lock that nobody gives back
_WORKERS = 2
_ENOUGH = 5  # broken promises, then a worker gives up
ONE_IN = 4  # calls: so many share one kill, where this is not run as a campaign
_SAMPLE = campaigns.count(8, 16)  # one kill in so many is followed by the real command and db5.3_verify
_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


class Scenario:
    """What is killed, and where.

    Attributes:
        argv, stdin: the command; its database is `directory / "db"`.
        content: the database before it, None where there is none.
        setting: how the database lies there: "plain", "linked" (a second hard link), "mounted" (bind-mounted by itself).
        after: the records after it; a value of ANY may be anything (a salt or seed is in it).
        next_command: argv of a command that makes the user `next`, with the password on stdin.
    """

    def __init__(self, argv: list[str], stdin: bytes, content: bytes | None, after: Records) -> None:
        self.argv = argv
        self.stdin = stdin
        self.content = content
        self.after = after
        self.setting = "plain"
        self.next_command: list[str] = []
        self.db_verify = ""

    def is_new(self, found: Records) -> bool:
        """Tell whether `found` are the records after the command."""
        return found.keys() == self.after.keys() and all(
            value in (ANY, found[name]) for name, value in self.after.items()
        )


class Tally:
    """What a campaign saw: the number of kills, of old and new states, and every broken promise."""

    def __init__(self) -> None:
        self.kills = self.old = self.new = 0
        self.broken: list[str] = []

    def add(self, other: Tally) -> None:
        """Take in what another worker saw."""
        self.kills += other.kills
        self.old += other.old
        self.new += other.new
        self.broken += other.broken


def besiege(scenario: Scenario, directory: Path) -> Tally:
    """Kill the scenario's command at each call; work is shared by two processes below `directory`."""
    tally = Tally()
    with multiprocessing.get_context("fork").Pool(_WORKERS, maxtasksperchild=1) as pool:
        shares = [(scenario, directory / str(share), share) for share in range(_WORKERS)]
        for part in pool.starmap(_share, shares, chunksize=1):
            tally.add(part)
    return tally


def _share(scenario: Scenario, directory: Path, share: int) -> Tally:
    tally = Tally()
    siege = _Siege(scenario, directory)
    calls = campaigns.thinned(f"{scenario.argv} {scenario.setting} {scenario.content is None}", ONE_IN)
    for call in itertools.islice(calls, share, None, _WORKERS):
        if len(tally.broken) >= _ENOUGH:
            break
        siege.lay_out()
        try:
            done = killed_at(call, siege.argv, scenario.stdin)
            if not done.killed:
                assert done.status == 0, f"not killed, but {done}"
                break
            tally.kills += 1
            siege.judge(tally, sampled=tally.kills % _SAMPLE == 0)
        except Exception as error:  # whatever it is, the campaign goes on and reports it
            tally.broken.append(f"killed at call {call}: {type(error).__name__}: {error}")
    return tally


class _Siege:
    """The place of one worker: `place` holds the database `path`, which is laid out anew before each kill."""

    def __init__(self, scenario: Scenario, directory: Path) -> None:
        self.scenario = scenario
        self.place = directory / "place"
        self.place.mkdir(parents=True)
        self.path = self.place / "db"
        self.source = directory / "source"  # the other name or the mounted file; on the same file system
        self.argv = [str(self.path) if word == "DATABASE" else word for word in scenario.argv]
        self.next_command = [str(self.path) if word == "DATABASE" else word for word in scenario.next_command]
        self.before = self._old_records(directory / "reference")
        if scenario.setting == "mounted":
            self.source.touch(0o640)
            self.path.touch()
            _mount_alone(self.source, self.path)

    def _old_records(self, scratch: Path) -> Records:
        if self.scenario.content is None:
            return {}
        scratch.write_bytes(self.scenario.content)
        return records(scratch)

    def lay_out(self) -> None:
        """Make the place as it was before the command."""
        mounted = self.scenario.setting == "mounted"
        for entry in self.place.iterdir():
            if not mounted or entry != self.path:
                entry.unlink()
        if self.scenario.content is None:
            return
        if mounted:
            self.source.write_bytes(self.scenario.content)
            age(self.source)
            return
        self.path.write_bytes(self.scenario.content)
        age(self.path)
        self.path.chmod(0o640)
        if self.scenario.setting == "linked":
            self.source.unlink(missing_ok=True)
            os.link(self.path, self.source)

    def judge(self, tally: Tally, sampled: bool) -> None:
        """Hold what the kill left against the promises; AssertionError or any other error where one is broken."""
        try:
            found = records(self.path)
        except NotFound:
            assert self.scenario.content is None, "the file is gone"
            found = {}
        is_new = self.scenario.is_new(found)
        assert is_new or found == self.before, "neither the old nor the new records"
        tally.new += is_new
        tally.old += not is_new
        begun = time.monotonic()
        if sampled:
            done = run(self.next_command, b"next-password\n")
            assert done.status == 0, f"the next command: {done}"
        else:
            with sasldb.edit(str(self.path)) as db:
                db.set_password("next@example.com", b"next-password")
        took = time.monotonic() - begun
        assert took < AT_ONCE, f"the next command took {took:.1f} s"
        self._judge_after(found, sampled)

    def _judge_after(self, found: Records, sampled: bool) -> None:
        after = records(self.path)
        assert after.pop(key("next")) == b"next-password", "the next command is lost"
        if sampled:
            after.pop(key("next", b"cmusaslsecretOTP"), None)
        assert after == found, "the next command changed other records"
        assert names(self.place) == {"db"}, f"litter: {names(self.place)}"
        if self.scenario.setting != "plain":
            assert self.source.read_bytes() == self.path.read_bytes(), "the other name leads to another content"
        assert self.path.stat().st_mode & 0o777 == 0o640, f"mode {self.path.stat().st_mode:o}"
        if sampled:
            subprocess.run([self.scenario.db_verify, "-q", str(self.path)], check=True, capture_output=True, timeout=10)


def _mount_alone(source: Path, target: Path) -> None:
    """Bind-mount the one file `source` over `target`, in a mount namespace of this process's own; OSError if that may not be."""
    libc = ctypes.CDLL(None, use_errno=True)
    steps = [
        (libc.unshare, (_CLONE_NEWNS,)),
        (libc.mount, (b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None)),
        (libc.mount, (os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(_MS_BIND), None)),
    ]
    for call, arguments in steps:
        if call(*arguments) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))
