"""Every command of `sasldb` that writes, killed at its calls and refused at the steps of its work (a sample of them, or every one).

The commands are those of `tests/cli/test_writing_commands.py`, so that a new one cannot be forgotten. They run in a fork of this
process (`forked`); Refusals are those of real programs.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Optional

import pytest

import sasldb
from sasldb.errors import NotFound
from tests import campaigns
from tests.cli.test_writing_commands import PASSWORD, WRITING, argv_of, lay_out
from tests.conftest import Commands, Require, lacking
from tests.faults import forked, tracer
from tests.faults.databases import Records, age, records
from tests.faults.injection import tampered, trace

FEWEST = 60  # calls of one command; fewer would mean that the tracer missed its work
ONE_IN = 4  # calls: so many share one kill where this is not run as a campaign
MORE, LONG = 8, 700  # users beside those of the table, and bytes of a password: many pages to write
AT_ONCE = 20.0  # seconds; see `campaign`
WORKERS = 2
SALTED = (b"\0authPassword", b"\0cmusaslsecretPLAIN", b"\0cmusaslsecretOTP")  # never the same twice
NEXT = b"next\0x\0userPassword"
STDIN = PASSWORD + b"\n"
each_command = pytest.mark.parametrize("name", WRITING)


class Place:
    """A directory in which a command works on the database `path`.

    Attributes:
        argv: the call. lying: what lies here before it. old: the records before it, None where there is no database.
    """

    def __init__(self, directory: Path, commands: Commands, name: str) -> None:
        directory.mkdir()
        self.directory = directory
        self.path = lay_out(name, directory)
        with sasldb.edit(str(directory / "db")) as editor:
            for number in range(MORE):
                editor.set_password(f"more{number}@example.com", b"%02d" % number * (LONG // 2))
        self.argv = argv_of(commands, name, self.path)
        self.lying = self.state()
        self.old = self.content()
        self.renew()

    def state(self) -> dict[Path, tuple[bytes, int, int, int]]:
        """Return each file with its bytes, mode, owner and group."""
        found = {file: (file.read_bytes(), file.stat()) for file in self.directory.iterdir()}
        return {file: (octets, at.st_mode & 0o7777, at.st_uid, at.st_gid) for file, (octets, at) in found.items()}

    def content(self) -> Optional[Records]:
        """Return the records, without what is salted in them; None where there is no database."""
        try:
            found = records(self.path)
        except NotFound:
            return None
        return {key: b"salted" if key.endswith(SALTED) else value for key, value in found.items()}

    def renew(self) -> None:
        """Undo whatever has happened."""
        for file in self.directory.iterdir():
            file.unlink()
        for file, (octets, mode, *owner) in self.lying.items():
            file.touch()
            os.chown(file, *owner)
            file.chmod(mode)
            file.write_bytes(octets)
            age(file)

    def next_edit(self, found: Optional[Records]) -> None:
        """Make another change on top of `found`: it is done at once, and nothing lies here afterwards that did not before."""
        begun = time.monotonic()
        with sasldb.edit(str(self.path)) as editor:
            editor.put(NEXT, b"secret")
        assert time.monotonic() - begun < AT_ONCE, "the next change had to wait"
        assert self.content() == {**(found or {}), NEXT: b"secret"}, "the next change found other records"
        litter = set(self.directory.iterdir()) - {*self.lying, self.path}
        assert not litter, f"litter: {litter}"


def kills(directory: Path, commands: Commands, name: str, share: int) -> tuple[int, int, list[str]]:
    """Kill the command at every call of this share; return how often the database was old, and new, and what was wrong."""
    place = Place(directory, commands, name)
    assert forked.killed_at(1 << 30, place.argv[1:], STDIN) == 0
    new = place.content()
    assert new not in (None, place.old)
    count, wrong = Counter[bool](), []
    for call in itertools.islice(campaigns.thinned(f"killed {name}", ONE_IN), share, None, WORKERS):
        place.renew()
        status = forked.killed_at(call, place.argv[1:], STDIN)
        if status == 0:
            break
        try:
            assert status == -9, f"it ended with {status}"
            found = place.content()
            assert found in (place.old, new), "neither the old nor the new records"
            if found == place.old and place.path in place.lying:
                assert place.path.read_bytes() == place.lying[place.path][0], "the old records in another file"
            count[found == new] += 1
            place.next_edit(found)
        except Exception as error:
            wrong.append(f"killed at call {call}: {type(error).__name__}: {error}")
    return count[False], count[True], wrong


@pytest.fixture(scope="module")
def traceable() -> None:
    """Ask for a machine that the tracer knows; load here what the forks shall not load."""
    if not tracer.supported():
        lacking("ptrace", "this machine's system calls are not known to the tracer")
    forked.preload()


@each_command
def test_killed_at_every_call(traceable: None, commands: Commands, tmp_path: Path, name: str) -> None:
    """Wherever it is killed, the file is the old one or holds the new records; a change after it is done at once and leaves no litter."""
    with multiprocessing.get_context("fork").Pool(WORKERS, maxtasksperchild=1) as pool:
        shares = [(tmp_path / str(share), commands, name, share) for share in range(WORKERS)]
        parts = pool.starmap(kills, shares, chunksize=1)
    old, new, wrong = (sum(part[0] for part in parts), sum(part[1] for part in parts), [w for p in parts for w in p[2]])
    print(f"{old + new} kills: {old} old, {new} new")
    assert not wrong, "\n".join(wrong)
    assert old and new and old + new >= campaigns.count(FEWEST // ONE_IN - 1, FEWEST)


REFUSALS = {"ENOSPC": "No space left on device", "EIO": "Input/output error"}
LEAST = 10  # refusals of one command; fewer would mean that strace missed its work
STEPS = {"pwrite64", "ftruncate", "fallocate", "fsync", "fdatasync", "fchmod", "fchown", "link", "rename", "utimensat"}


def steps(place: Place) -> Iterator[tuple[str, str]]:
    """Yield (call, strace's expression for this one) for each step of the command's work that the system may refuse."""
    seen: Counter[str] = Counter()
    touched = False
    for call, line in trace(place.directory.with_name("trace"), place.argv, STDIN):
        seen[call] += 1
        touched = touched or str(place.directory) in line and call != "execve"
        if touched and call in STEPS:
            yield call, f"when={seen[call]}"
    place.renew()


def refusals(place: Place, attempts: list[tuple[str, str, str]]) -> list[str]:
    """Make every attempt of (call, which one, error); return what was wrong."""
    wrong = []
    for call, which, error in attempts:
        second = [f"write:error={error}:when=1"] if call == "pwrite64" else []  # libdb's second way
        done = tampered([f"{call}:error={error}:{which}", *second], place.argv, STDIN)
        pattern = rf"sasldb: {re.escape(str(place.path))}: .*{REFUSALS[error]}( -- .*)?\n"
        if done.status != 3 or done.out or not re.fullmatch(pattern, done.err.decode()):
            wrong.append(f"{call} {which} {error}: {done}")
        if place.state() != place.lying:
            wrong.append(f"{call} {which} {error}: something has changed")
        place.renew()
    return wrong


@each_command
def test_refused_at_every_step(commands: Commands, require: Require, tmp_path: Path, name: str) -> None:
    """A full disk or a broken one at any step of the work: exit status 3, one line that says where and why, and nothing is changed."""
    require("strace", "strace")
    places = [Place(tmp_path / str(number), commands, name) for number in range(WORKERS)]
    every = [(call, which, error) for call, which in steps(places[0]) for error in REFUSALS]
    assert len(every) >= LEAST
    attempts = campaigns.sample(f"refused {name}", every, len(every) // 3)
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = pool.map(refusals, places, [attempts[share::WORKERS] for share in range(WORKERS)])
    wrong = [complaint for complaints in parts for complaint in complaints]
    print(f"{len(attempts)} refusals")
    assert not wrong, "\n".join(wrong)
