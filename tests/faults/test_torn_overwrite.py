"""Killed half-way through an overwrite in place: whoever comes next finds the new file, whole.

A kill lands between system calls, and the copying of a small file is a single one. What the kernel leaves of a copy that was cut
short is therefore made by hand: some blocks new, the others old.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import sasldb
from sasldb.errors import Corrupt
from tests.conftest import Commands, Require
from tests.faults.databases import Records, build, key, names, records
from tests.faults.injection import run
from tests.faults.stages import private_directories

BLOCK = 512
LONG = b"n" * 3000  # makes the file grow


class Interrupted:
    """A database with two names; its writer died after its journal was complete and before the first byte was written."""

    def __init__(self, directory: Path, commands: Commands) -> None:
        self.path = directory / "here" / "db"
        self.path.parent.mkdir()
        self.old = build(self.path, 8)
        self.other_name = directory / "other"
        os.link(self.path, self.other_name)
        self.kept = directory / "kept"
        self.argv = [commands.saslpasswd2, "-p", "-c", "-f", str(self.path), "-u", "example.com", "new"]
        options = [
            "-e",
            "trace=ftruncate",
            "-e",
            "inject=ftruncate:signal=KILL:when=2",
        ]  # 1: the draft, 2: the database
        done = run(["strace", "-f", "-qq", "-o", "/dev/null", *options, *self.argv], LONG)
        assert done.killed, str(done)
        self.new = self.path.read_bytes()
        shutil.copytree(self.path.parent, self.kept)

    def tear(self, blocks: list[int]) -> None:
        """Make it as if only these blocks of the new file had been written over the old one."""
        for entry in self.kept.iterdir():
            if entry.name != "db":
                shutil.copy2(entry, self.path.parent)
        torn = bytearray(self.old.ljust(len(self.new), b"\0"))
        for block in blocks:
            torn[block * BLOCK : (block + 1) * BLOCK] = self.new[block * BLOCK : (block + 1) * BLOCK]
        self.path.write_bytes(torn)


@pytest.fixture
def interrupted(tmp_path: Path, commands: Commands, require: Require) -> Iterator[Interrupted]:
    """Yield the place of the accident, and take away the signpost to it."""
    require("strace", "strace")
    place = Interrupted(tmp_path, commands)
    yield place
    for private in private_directories():
        for signpost in private.glob("*.at"):
            if signpost.read_text() == str(place.path.parent):
                signpost.unlink()


def after(interrupted: Interrupted) -> Records:
    """Return the new records, read from a copy of the new file."""
    copy = interrupted.other_name.parent / "copy"
    copy.write_bytes(interrupted.new)
    return records(copy)


def cuts(interrupted: Interrupted) -> list[list[int]]:
    """Return which blocks were written: none, ever more from the front, every second one, the last alone, all."""
    count = len(interrupted.new) // BLOCK
    return [*(list(range(cut)) for cut in range(count + 1)), list(range(0, count, 2)), [count - 1]]


def test_a_torn_file_is_read_as_the_new_one(interrupted: Interrupted) -> None:
    """Readers take the new file from the journal, wherever the overwrite was cut, and leave everything as it is."""
    expected = after(interrupted)
    assert expected[key("new")] == LONG
    for blocks in cuts(interrupted):
        interrupted.tear(blocks)
        before = names(interrupted.path.parent)
        assert records(interrupted.path) == expected, f"blocks {blocks}"
        assert names(interrupted.path.parent) == before


def test_the_next_writer_finishes_a_torn_file(interrupted: Interrupted) -> None:
    """The next edit stands on the new file; both names then lead to it, and no journal is left."""
    expected = {**after(interrupted), key("next"): b"next-password"}
    for blocks in cuts(interrupted):
        interrupted.tear(blocks)
        with sasldb.edit(str(interrupted.path)) as db:
            db.set_password("next@example.com", b"next-password")
        assert names(interrupted.path.parent) == {"db"}, f"blocks {blocks}"
        assert records(interrupted.path) == expected
        assert interrupted.other_name.read_bytes() == interrupted.path.read_bytes()


def test_a_writer_with_nothing_to_change_finishes_a_torn_file(interrupted: Interrupted) -> None:
    """An edit that changes no record completes the overwrite all the same, and clears up."""
    for blocks in cuts(interrupted):
        interrupted.tear(blocks)
        with sasldb.edit(str(interrupted.path)):
            pass
        assert names(interrupted.path.parent) == {"db"}, f"blocks {blocks}"
        assert interrupted.path.read_bytes() == interrupted.new


def test_a_journal_that_no_longer_fits_is_for_a_person(interrupted: Interrupted) -> None:
    """Where a program without locks wrote to the file after the accident, nothing is rolled back or guessed: the error says what lies where."""
    interrupted.tear(list(range(len(interrupted.new) // BLOCK)))
    foreign = interrupted.path.parent.parent / "foreign"
    foreign.write_bytes(interrupted.new)
    with sasldb.edit(str(foreign)) as db:
        db.set_password("foreign@example.com", b"foreign-password")
    interrupted.path.write_bytes(foreign.read_bytes())
    os.utime(interrupted.path, (1, 1))
    (new,) = interrupted.path.parent.glob("*.new")
    for attempt in (sasldb.open, sasldb.edit):
        with pytest.raises(Corrupt, match=str(new)):
            attempt(str(interrupted.path))
    for left in interrupted.path.parent.glob(".sasldb-*"):
        left.unlink()
    with sasldb.edit(str(interrupted.path)) as db:
        db.set_password("next@example.com", b"next-password")
    found = records(interrupted.path)
    assert found[key("foreign")] == b"foreign-password"
    assert found[key("next")] == b"next-password"


def test_a_journal_without_its_new_half_is_litter(interrupted: Interrupted) -> None:
    """A writer killed while it kept the old file has changed nothing; what it left is cleared away by the next one."""
    interrupted.path.write_bytes(interrupted.old)
    (new,) = interrupted.path.parent.glob("*.new")
    new.unlink()
    interrupted.other_name.unlink()  # the next change is a rename
    with sasldb.edit(str(interrupted.path)) as db:
        db.set_password("next@example.com", b"next-password")
    assert key("new") not in records(interrupted.path)
    assert names(interrupted.path.parent) == {"db"}


def test_who_comes_by_a_name_in_another_directory_finds_the_journal(interrupted: Interrupted) -> None:
    """A reader by the other name takes the new file from the journal; an edit by it finishes the work, and clears up."""
    expected = after(interrupted)
    interrupted.tear(list(range(0, len(interrupted.new) // BLOCK, 2)))
    assert records(interrupted.other_name) == expected
    with sasldb.edit(str(interrupted.other_name)) as db:
        db.set_password("next@example.com", b"next-password")
    assert records(interrupted.path) == {**expected, key("next"): b"next-password"}
    assert names(interrupted.path.parent) == {"db"}
