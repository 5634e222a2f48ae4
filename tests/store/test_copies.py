"""The copy in the chroot follows its database, and nothing that is no copy is ever overwritten."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from sasldb.errors import StaleCopy
from sasldb.files import ownership
from sasldb.files.ownership import Wishes
from sasldb.store.editing import edit
from tests.conftest import CyrusTools
from tests.faults.databases import key, records
from tests.operations.databases import make

USERS = {"alice@example.com": {"userPassword": b"wonderland"}}


class Pair:
    """A database that counts as a default one, and where its copy lies."""

    def __init__(self, directory: Path) -> None:
        (directory / "jail").mkdir()
        self.database = directory / "sasldb2"
        self.copy = directory / "jail/sasldb2"

    def in_step(self) -> bool:
        """Tell whether the two are the same octets."""
        return self.database.read_bytes() == self.copy.read_bytes()


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Return a database with a user, and a copy of it."""
    pair = Pair(tmp_path)
    make(pair.database, USERS)
    monkeypatch.setitem(ownership.JAIL_COPIES, str(pair.database), str(pair.copy))
    shutil.copy(pair.database, pair.copy)
    return pair


def add(path: Path, user: str = "bob", wishes: Wishes | None = None) -> list[str]:
    """Store one more user and return what the edit has to say."""
    with edit(str(path), wishes=wishes) as editor:
        editor.put(key(user), b"builder")
    return editor.notes


def test_a_change_reaches_the_copy(pair: Pair) -> None:
    """What is changed in the database is in the copy as well, octet for octet, and nothing else is left there."""
    add(pair.database)
    assert pair.in_step() and key("bob") in records(pair.copy)
    assert os.listdir(pair.copy.parent) == ["sasldb2"]


def test_owner_and_mode_of_the_copy(pair: Pair) -> None:
    """The copy is closed to others like any database, and takes the mode that is wished for; both are told."""
    pair.copy.chmod(0o644)
    notes = add(pair.database, wishes=Wishes(mode=0o660))
    assert pair.copy.stat().st_mode & 0o777 == 0o660
    assert any(note.startswith(f"{pair.copy}: was ") for note in notes)


def test_no_copy_in_use(pair: Pair) -> None:
    """Where there is no copy none is made."""
    pair.copy.unlink()
    add(pair.database)
    assert not pair.copy.exists()


def test_a_copy_that_fell_behind_catches_up(pair: Pair, cyrus: CyrusTools) -> None:
    """After a change by a real Cyrus tool, which knows of no copy, the next change of ours brings both."""
    argv = [cyrus.saslpasswd2, "-p", "-c", "-f", str(pair.database), "-u", "example.com", "carol"]
    subprocess.run(argv, input=b"christmas\n", check=True, timeout=30)
    assert not pair.in_step()
    add(pair.database)
    assert pair.in_step() and {key("bob"), key("carol")} <= set(records(pair.copy))


def test_a_change_that_changes_nothing_brings_the_copy_up_to_date(pair: Pair) -> None:
    """The same change again mends a copy that the first time could not be written."""
    behind = pair.copy.read_bytes()
    add(pair.database)
    pair.copy.write_bytes(behind)
    os.utime(pair.copy, (time.time() - 60, time.time() - 60))
    add(pair.database)
    assert pair.in_step()


def test_a_database_of_its_own_is_left_alone(pair: Pair) -> None:
    """A database in the jail that was made by itself keeps its users, however old it is; the edit says so."""
    pair.copy.unlink()
    make(pair.copy, {"dora@example.com": {"userPassword": b"explorer"}})
    os.utime(pair.copy, (time.time() - 60, time.time() - 60))
    before = pair.copy.read_bytes()
    notes = add(pair.database)
    assert pair.copy.read_bytes() == before
    assert notes == [f"{pair.copy}: not a copy of {pair.database}, and left as it is"]


def test_a_copy_that_was_changed_itself_is_left_alone(pair: Pair) -> None:
    """Where users were added inside the jail since, they are not overwritten."""
    add(pair.copy, "dora")
    os.utime(pair.database, (time.time() - 60, time.time() - 60))
    notes = add(pair.database)
    assert key("dora") in records(pair.copy) and key("bob") not in records(pair.copy)
    assert len(notes) == 1


def test_a_file_of_zero_bytes_becomes_the_copy(pair: Pair) -> None:
    """An empty file that was put there for the purpose is filled, also from a database that is just being made."""
    pair.database.unlink()
    pair.copy.write_bytes(b"")
    add(pair.database)
    assert pair.in_step()


def test_one_file_under_two_names(pair: Pair) -> None:
    """A hard link is the database itself: it is changed once, and stays one file."""
    pair.copy.unlink()
    pair.copy.hardlink_to(pair.database)
    assert add(pair.database) == []
    assert pair.copy.samefile(pair.database) and key("bob") in records(pair.copy)


def test_a_database_of_another_name(pair: Pair, tmp_path: Path) -> None:
    """Only a default database has a copy."""
    other = tmp_path / "other"
    shutil.copy(pair.database, other)
    before = pair.copy.read_bytes()
    add(other)
    assert pair.copy.read_bytes() == before


def test_by_a_link(pair: Pair, tmp_path: Path) -> None:
    """A default path that is a link to the database has the copy of that path."""
    elsewhere = tmp_path / "elsewhere"
    pair.database.rename(elsewhere)
    pair.database.symlink_to(elsewhere)
    add(pair.database)
    assert pair.in_step()


def test_refused_by_the_system(pair: Pair) -> None:
    """Where the copy cannot be written, the error says so, that the database was changed, and what to do; the copy stands."""
    before = pair.copy.read_bytes()
    pair.copy.unlink()
    pair.copy.mkdir()
    with pytest.raises(StaleCopy) as raised:
        add(pair.database)
    assert str(pair.copy) in str(raised.value) and "was changed" in str(raised.value)
    assert key("bob") in records(pair.database)
    pair.copy.rmdir()
    pair.copy.write_bytes(before)
    os.utime(pair.copy, (time.time() - 60, time.time() - 60))
    add(pair.database, "carol")
    assert pair.in_step()


def test_many_writers(pair: Pair, tmp_path: Path) -> None:
    """When eight processes change the database at once, the copy is the database at the end."""
    program = (
        "import sys; from sasldb.files import ownership; from sasldb.store.editing import edit\n"
        "ownership.JAIL_COPIES[sys.argv[1]] = sys.argv[2]\n"
        "for number in range(10):\n"
        "    with edit(sys.argv[1]) as editor: editor.put(b'%s-%d\\0x\\0userPassword' % (sys.argv[3].encode(), number), b'pw')\n"
    )
    argv = [os.sys.executable, "-c", program, str(pair.database), str(pair.copy)]  # type: ignore[attr-defined]
    running = [subprocess.Popen([*argv, str(number)]) for number in range(8)]
    assert [process.wait(60) for process in running] == [0] * 8
    assert pair.in_step() and len(records(pair.copy)) == 81
