"""What a command changed is taken back byte for byte, and nothing that came later is lost by it."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

import sasldb
from sasldb.errors import Conflict, NotFound
from sasldb.files import content
from sasldb.files.ownership import Ownership
from sasldb.postfix.setup.turn import FOLDER
from sasldb.postfix.setup.undo import Backup
from tests.operations.databases import make

ALICE = {"alice@example.com": {"userPassword": b"wonderland"}}
OURS = Ownership(os.geteuid(), os.getegid(), 0o640)


@pytest.fixture
def main_cf(tmp_path: Path) -> Path:
    """Return a file with an odd mode."""
    path = tmp_path / "main.cf"
    path.write_bytes(b"old\xff\n")
    path.chmod(0o606)
    return path


def changed(directory: Path, *paths: Path, new: bytes = b"new\n") -> Backup:
    """Let a command change or make `paths`."""
    backup = Backup.begin(str(directory), "setup")
    for path in paths:
        backup.keep(str(path))
        content.put(str(path), new, OURS)
    backup.seal()
    return backup


def add(database: Path, user: str) -> None:
    """Make one more user."""
    with sasldb.edit(str(database)) as db:
        db.set_password(f"{user}@example.com", b"builder")


def last(directory: Path) -> Backup:
    """Return the backup that another process would find."""
    return Backup.last(str(directory), "setup")


def test_content_owner_and_mode_come_back(tmp_path: Path, main_cf: Path) -> None:
    """A changed file is as it was, its mode too, and of the backup nothing is left."""
    changed(tmp_path, main_cf)
    assert last(tmp_path).undo() == [f"restored {main_cf}"]
    assert (main_cf.read_bytes(), stat.S_IMODE(main_cf.stat().st_mode)) == (b"old\xff\n", 0o606)
    assert os.listdir(tmp_path) == ["main.cf"]


def test_new_files_and_directories_go(tmp_path: Path) -> None:
    """What was made is removed, with the directories that were made for it."""
    changed(tmp_path, tmp_path / "a/b/smtpd.conf")
    last(tmp_path).undo()
    assert os.listdir(tmp_path) == []


def test_new_files_that_were_changed_stay(tmp_path: Path) -> None:
    """A file that was made and has since got a content of its own stays, and that is said."""
    path = tmp_path / "sub/sasldb2"
    changed(tmp_path, path)
    path.write_bytes(b"users\n")
    assert last(tmp_path).undo() == [f"changed since, stays: {path}"]
    assert path.read_bytes() == b"users\n"


def test_an_edit_is_never_lost(tmp_path: Path, main_cf: Path) -> None:
    """Where a file was edited since, nothing at all is taken back, and the error says where the old one lies."""
    other = tmp_path / "other"
    backup = changed(tmp_path, other, main_cf)
    main_cf.write_bytes(b"edited\n")
    with pytest.raises(Conflict) as raised:
        last(tmp_path).undo()
    assert str(main_cf) in str(raised.value) and backup.directory in str(raised.value)
    assert other.exists() and main_cf.read_bytes() == b"edited\n"


def test_a_generated_file_stays_as_it_was_made_anew(tmp_path: Path) -> None:
    """What other commands make anew from the users is no edit: it stays, and all else is taken back; untouched it is restored."""
    for anew in (b"newer\n", b"new\n"):
        table = tmp_path / "logins"
        table.write_bytes(b"old\n")
        backup = Backup.begin(str(tmp_path), "setup")
        backup.keep(str(table), b"new\n", generated=True)
        content.put(str(table), b"new\n", OURS)
        backup.seal()
        table.write_bytes(anew)
        (told,) = last(tmp_path).undo()
        stays = anew == b"newer\n"
        assert told == f"{'changed since, stays:' if stays else 'restored'} {table}"
        assert table.read_bytes() == (anew if stays else b"old\n")


def test_an_edit_that_was_taken_back_by_hand(tmp_path: Path, main_cf: Path) -> None:
    """A file that is already as it was is no obstacle."""
    changed(tmp_path, main_cf)
    main_cf.write_bytes(b"old\xff\n")
    main_cf.chmod(0o606)
    assert last(tmp_path).undo() == []


def test_a_database_keeps_what_it_holds(tmp_path: Path) -> None:
    """Of a database that was there, owner and mode are put back, whatever it holds now; the backup has nothing of it."""
    database = tmp_path / "sasldb2"
    make(database, ALICE)
    database.chmod(0o606)
    backup = Backup.begin(str(tmp_path), "setup")
    backup.keep_database(str(database))
    database.chmod(0o640)
    backup.seal()
    assert os.listdir(backup.directory) == ["manifest.json"]
    add(database, "bob")
    now = database.read_bytes()
    assert last(tmp_path).undo() == [f"restored owner and mode of {database}"]
    assert (database.read_bytes(), stat.S_IMODE(database.stat().st_mode)) == (now, 0o606)


def test_a_database_that_was_made_goes_while_it_has_no_users(tmp_path: Path) -> None:
    """A database that was made stays with its users; when they are gone again, it goes, whatever bytes they left."""
    for users, there in ((["bob"], True), ([], False)):
        database = tmp_path / "sasldb2"
        database.unlink(missing_ok=True)
        backup = Backup.begin(str(tmp_path), "setup")
        backup.keep_database(str(database))
        make(database, {})
        backup.seal()
        add(database, "alice")
        with sasldb.edit(str(database)) as db:
            db.delete("alice@example.com")
        for user in users:
            add(database, user)
        outlook = last(tmp_path).outlook()
        word = "changed since, stays:" if there else "removed"
        assert last(tmp_path).undo() == [f"{word} {database}"] and len(outlook) == 1
        assert database.exists() == there


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("linked", [False, True])
def test_a_copy_follows_its_database(tmp_path: Path, before: bool, linked: bool) -> None:
    """A copy or link that was made goes, also when users were added to both since; one that had been there becomes a copy with its old mode."""
    database, copied = tmp_path / "sasldb2", tmp_path / "jail/sasldb2"
    make(database, ALICE)
    if before:
        copied.parent.mkdir()
        shutil.copy(database, copied)
        copied.chmod(0o600)
    backup = Backup.begin(str(tmp_path), "setup")
    backup.keep_database(str(copied), str(database))
    copied.unlink(missing_ok=True)
    os.link(database, copied) if linked else shutil.copy(database, copied)
    backup.seal()
    assert os.listdir(backup.directory) == ["manifest.json"]
    add(database, "bob")
    shutil.copyfile(database, copied) if not linked else None
    last(tmp_path).undo()
    assert sorted(str(account.id) for account in sasldb.open(str(database))) == ["alice@example.com", "bob@example.com"]
    assert copied.exists() == before == copied.parent.exists()
    if before:
        assert copied.read_bytes() == database.read_bytes() and not copied.samefile(database)
        assert (stat.S_IMODE(copied.stat().st_mode), stat.S_IMODE(database.stat().st_mode)) == (0o600, 0o640)


def test_a_copy_with_users_of_its_own_stays(tmp_path: Path) -> None:
    """A copy that was made stays when there is something in it alone, and when its database is gone or has become a link to it."""
    database, copied = tmp_path / "sasldb2", tmp_path / "jail"
    for change in ("add", "unlink", "link"):
        make(database, ALICE)
        backup = Backup.begin(str(tmp_path), "setup")
        backup.keep_database(str(copied), str(database))
        shutil.copy(database, copied)
        backup.seal()
        if change == "add":
            add(copied, "dora")
        else:
            database.unlink()
        if change == "link":
            database.symlink_to(copied)
        assert last(tmp_path).undo() == [f"changed since, stays: {copied}"]
        assert copied.stat().st_size
        database.unlink(missing_ok=True)
        copied.unlink()


def test_backups_are_a_stack(tmp_path: Path, main_cf: Path) -> None:
    """Two runs are taken back one after the other."""
    changed(tmp_path, main_cf, new=b"1\n")
    changed(tmp_path, main_cf, new=b"2\n")
    last(tmp_path).undo()
    assert main_cf.read_bytes() == b"1\n"
    last(tmp_path).undo()
    assert main_cf.read_bytes() == b"old\xff\n"
    with pytest.raises(NotFound):
        last(tmp_path)


def test_cut_short(tmp_path: Path, main_cf: Path) -> None:
    """A command that was killed before it changed the file leaves a backup that can be taken back."""
    backup = Backup.begin(str(tmp_path), "setup")
    backup.keep(str(main_cf))
    assert last(tmp_path).undo() == []
    assert os.listdir(tmp_path) == ["main.cf"]


def test_a_failed_command_takes_back_its_own(tmp_path: Path, main_cf: Path) -> None:
    """With force, what was changed and not yet noted is put back as well."""
    backup = Backup.begin(str(tmp_path), "setup")
    for path in (main_cf, tmp_path / "new"):
        backup.keep(str(path))
        content.put(str(path), b"new\n", OURS)
    backup.undo(force=True)
    assert main_cf.read_bytes() == b"old\xff\n" and os.listdir(tmp_path) == ["main.cf"]


def test_the_backup_is_private(tmp_path: Path, main_cf: Path) -> None:
    """Nobody else may enter it: it may hold passwords."""
    backup = changed(tmp_path, main_cf)
    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700
    modes = {
        stat.S_IMODE(os.stat(os.path.join(backup.directory, name)).st_mode) for name in os.listdir(backup.directory)
    }
    assert modes == {0o600}


def test_a_link_stays_a_link(tmp_path: Path, main_cf: Path) -> None:
    """A file that is reached by a link is replaced and restored where it lies."""
    link = tmp_path / "link"
    link.symlink_to(main_cf)
    changed(tmp_path, link)
    assert link.is_symlink() and main_cf.read_bytes() == b"new\n"
    last(tmp_path).undo()
    assert link.is_symlink() and main_cf.read_bytes() == b"old\xff\n"


def test_killed_after_a_change(tmp_path: Path, main_cf: Path) -> None:
    """What was changed as planned can be taken back, though the command never came to its end."""
    backup = Backup.begin(str(tmp_path), "setup")
    backup.keep(str(main_cf), planned=b"new\n")
    content.put(str(main_cf), b"new\n", OURS)
    assert last(tmp_path).outlook() == [f"would restore {main_cf}"]
    last(tmp_path).undo()
    assert main_cf.read_bytes() == b"old\xff\n"
