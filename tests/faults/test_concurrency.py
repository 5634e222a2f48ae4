"""Several writers and readers at once: no update is lost, nobody reads half a change, and no lock outlives its holder."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from berkeleydb import db as libdb

import sasldb
from sasldb.errors import Locked
from tests import campaigns
from tests.conftest import Commands, CyrusTools
from tests.faults.databases import build, key, names, records
from tests.faults.writers import ENOUGH, Holder, by_command, by_edits, lost, make_at_once, read_while_written, statuses

WRITERS = 8
CREATES = campaigns.count(100, 200)
COMMANDS = campaigns.count(25, 200)
BESIDE = campaigns.count(15, 50)  # creates of each writer beside the Cyrus tools
USERS = 200


def proved(path: Path, cyrus: CyrusTools) -> None:
    """Assert that libdb finds nothing wrong, and that nothing lies beside the database."""
    subprocess.run([cyrus.db_verify, "-q", str(path)], check=True, capture_output=True, timeout=20)
    assert names(path.parent) == {path.name}


@pytest.mark.parametrize("number", range(campaigns.count(2, 10)))
def test_no_create_of_ours_is_lost(tmp_path: Path, cyrus: CyrusTools, number: int) -> None:
    """8 processes, each with many edits that create a user: all users are there, in a whole file, each time."""
    path = tmp_path / "db"
    done = statuses([by_edits(path, f"w{who}", CREATES) for who in range(WRITERS)])
    assert set(done.values()) == {0} and len(done) == WRITERS * CREATES
    found = records(path)
    assert lost(done, found) == [] and len(found) == WRITERS * CREATES
    proved(path, cyrus)


def test_no_create_of_our_command_is_lost(tmp_path: Path, commands: Commands, cyrus: CyrusTools) -> None:
    """The same through the command: 8 shells, each with many calls."""
    path = tmp_path / "db"
    done = statuses([by_command(commands.saslpasswd2, path, f"w{who}", COMMANDS) for who in range(WRITERS)])
    assert set(done.values()) == {0} and len(done) == WRITERS * COMMANDS
    assert lost(done, records(path)) == []
    proved(path, cyrus)


def test_a_missing_file_is_made_once(tmp_path: Path) -> None:
    """8 processes that make the same missing database at one moment: one makes it, the others add to it."""
    assert make_at_once(tmp_path, WRITERS, campaigns.count(30, 300)) == []


def with_room(path: Path) -> None:
    """Make an empty database with so many buckets that no create of this test splits one."""
    database = libdb.DB()
    database.set_pagesize(4096)
    database.set_h_ffactor(16)
    database.set_h_nelem(2000)
    database.open(str(path), dbtype=libdb.DB_HASH, flags=libdb.DB_CREATE)
    database.close()


@pytest.mark.parametrize("company", ["one at a time", "all at once"])
def test_none_of_ours_is_lost_beside_cyrus(tmp_path: Path, commands: Commands, cyrus: CyrusTools, company: str) -> None:
    """4 of ours beside 4 real saslpasswd2 on an existing database: whatever ours said was done is there at the end.

    The real ones take no lock, and two of them that split a bucket at one moment destroy the file, ours in it. So either they
    run one at a time among themselves, on a file that grows, or all at once, on a file where nothing needs splitting.
    """
    place = tmp_path / "place"
    place.mkdir()
    path = place / "db"
    if company == "all at once":
        with_room(path)
    build(path, USERS)
    guard = f"flock {tmp_path}/cyrus.lock" if company == "one at a time" else ""
    theirs = [by_command(cyrus.saslpasswd2, path, f"cyrus{who}", BESIDE, guard) for who in range(4)]
    ours = statuses([by_command(commands.saslpasswd2, path, f"ours{who}", BESIDE) for who in range(4)])
    assert 0 in statuses(theirs).values()
    assert set(ours.values()) == {0} and len(ours) == 4 * BESIDE
    assert lost(ours, records(path)) == []
    proved(path, cyrus)


@pytest.mark.parametrize("setting", ["renamed", "overwritten"])
@pytest.mark.parametrize("users", [4, 3000])
def test_readers_see_a_change_as_a_whole(tmp_path: Path, setting: str, users: int) -> None:
    """Whoever reads while an edit changes two users together sees both or neither, also where the file is overwritten."""
    place = tmp_path / "place"
    place.mkdir()
    path = place / "db"
    build(path, users, 100)
    if setting == "overwritten":
        os.link(path, (tmp_path / "other"))
    writes, reads, complaints = read_while_written(path, 2.0)
    assert complaints == []
    assert writes >= ENOUGH and reads >= ENOUGH
    assert names(place) == {"db"}


def test_waiting_for_a_lock_has_an_end(tmp_path: Path) -> None:
    """Who waits too long is told who holds the lock; nothing was changed."""
    path = tmp_path / "db"
    before = build(path, 3)
    with Holder(path) as holder:
        begun = time.monotonic()
        with pytest.raises(Locked, match=rf"process {holder.pid} \(\S+.*after 0\.5 s"):
            sasldb.edit(str(path), wait=0.5)
        assert 0.5 <= time.monotonic() - begun < 25.0  # an edit that is told nothing waits for 30 s
        assert records(path)[key("user0")] == b"%016d" % 0  # readers do not wait
    assert path.read_bytes() == before and names(tmp_path) == {"db"}


def test_a_killed_holder_gives_its_lock_back(tmp_path: Path) -> None:
    """Who waits for a process that is killed goes on at once."""
    path = tmp_path / "db"
    build(path, 3)
    with Holder(path) as holder:
        threading.Timer(0.5, holder.kill).start()
        begun = time.monotonic()
        with sasldb.edit(str(path)) as db:
            db.set_password("next@example.com", b"next-password")
        assert 0.4 <= time.monotonic() - begun < 25.0  # an edit that is told nothing waits for 30 s
    assert records(path)[key("next")] == b"next-password"
