"""The copy in the chroot follows its database, and nothing that is no copy is ever overwritten."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from sasldb.errors import NotFound, StaleCopy, WriteFailed
from sasldb.files import copied
from sasldb.policy import chroot
from sasldb.policy.ownership import OwnershipOptions
from sasldb.secrets import otp
from sasldb.store import copies
from sasldb.store.copies import is_copy, moved_on
from sasldb.store.editing import edit
from tests.conftest import CyrusTools, Require
from tests.faults.databases import key, records
from tests.files.events import before
from tests.operations.databases import make

USERS = {"alice@example.com": {"userPassword": b"wonderland"}}


class Pair:
    """A database that counts as a default one, and where its copy lies."""

    def __init__(self, directory: Path) -> None:
        self.database = directory / "sasldb2"
        self.copy = Path(f"{directory}/jail{self.database}")
        self.copy.parent.mkdir(parents=True)
        self.main_cf = directory / "main.cf"
        self.main_cf.write_text(f"# queue_directory = /nowhere\nqueue_directory = {directory}/jail/\nmydomain = x\n")

    def in_step(self) -> bool:
        """Tell whether the two are the same bytes."""
        return self.database.read_bytes() == self.copy.read_bytes()


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Return a database with a user, and a copy of it."""
    pair = Pair(tmp_path)
    make(pair.database, USERS)
    monkeypatch.setattr(chroot, "DEFAULT_DATABASES", (str(pair.database), f"{tmp_path}/second"))
    monkeypatch.setattr(chroot, "MAIN_CF", str(pair.main_cf))
    shutil.copy(pair.database, pair.copy)
    return pair


def add(path: Path, user: str = "bob", wishes: OwnershipOptions | None = None) -> list[str]:
    """Store one more user and return what the edit has to say."""
    with edit(str(path), wishes=wishes) as editor:
        editor.put(key(user), b"builder")
    return editor.notes


def set_password(path: Path, password: bytes) -> None:
    """Give alice another password."""
    with edit(str(path)) as editor:
        editor.put(key("alice"), password)


def test_a_change_reaches_the_copy(pair: Pair) -> None:
    """What is changed in the database is in the copy as well, byte for byte, and nothing else is left there."""
    add(pair.database)
    assert pair.in_step() and key("bob") in records(pair.copy)
    assert os.listdir(pair.copy.parent) == ["sasldb2"]


def test_owner_and_mode_of_the_copy(pair: Pair) -> None:
    """The copy is closed to others like any database, and takes the mode that is wished for; both are told."""
    pair.copy.chmod(0o644)
    notes = add(pair.database, wishes=OwnershipOptions(mode=0o660))
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
    add(pair.database)
    notes = add(pair.database, "carol")
    assert pair.copy.read_bytes() == before
    assert notes == [f"{pair.copy}: not a copy of {pair.database}, and left as it is"]


def test_a_copy_that_was_changed_itself_is_left_alone(pair: Pair) -> None:
    """Where users were added inside the jail since, they are not overwritten: not by the next change, nor by one after it."""
    add(pair.copy, "dora")
    os.utime(pair.database, (time.time() - 60, time.time() - 60))
    for user in ("bob", "carol"):
        notes = add(pair.database, user)
        assert key("dora") in records(pair.copy) and key(user) not in records(pair.copy)
        assert len(notes) == 1


@pytest.mark.parametrize("by_cyrus", [True, False], ids=["Cyrus", "ours"])
def test_a_password_of_the_copy_is_not_put_back(pair: Pair, cyrus: CyrusTools, by_cyrus: bool) -> None:
    """A password that was changed inside the jail stays, whatever is changed outside later, and however often; each edit says so."""
    add(pair.database)
    if by_cyrus:
        argv = [cyrus.saslpasswd2, "-p", "-f", str(pair.copy), "-u", "example.com", "alice"]
        subprocess.run(argv, input=b"looking-glass\n", check=True, timeout=30)
    else:
        set_password(pair.copy, b"looking-glass")
    for user in ("carol", "dora"):
        assert add(pair.database, user) == [f"{pair.copy}: not a copy of {pair.database}, and left as it is"]
    assert records(pair.copy)[key("alice")] == b"looking-glass"


@pytest.mark.parametrize("change", [["alice"], ["-d", "bob"]], ids=["password", "deletion"])
def test_what_cyrus_changed_outside_comes_along(pair: Pair, cyrus: CyrusTools, change: list[str]) -> None:
    """A copy that was made by an edit, and not written to since, gets what Cyrus changed in the database: passwords and deletions too."""
    try:
        os.setxattr(pair.copy, "user.any", b"")
    except OSError:
        pytest.skip("this file system keeps no extended attributes of users")
    add(pair.database)
    with pair.copy.open("rb") as file:
        assert copied.untouched(file.fileno())
    argv = [cyrus.saslpasswd2, "-p", "-f", str(pair.database), "-u", "example.com", *change]
    subprocess.run(argv, input=b"looking-glass\n", check=True, timeout=30)
    assert add(pair.database, "dora") == [] and pair.in_step()


def test_what_cyrus_changed_in_a_copy_of_unknown_making(pair: Pair) -> None:
    """Of a copy that somebody else made, and in which another password is stored, nobody knows which is newer: it is left alone."""
    set_password(pair.database, b"looking-glass")
    pair.copy.unlink()
    make(pair.copy, USERS)
    assert add(pair.database) == [f"{pair.copy}: not a copy of {pair.database}, and left as it is"]


def test_one_time_passwords_are_not_valid_again(pair: Pair) -> None:
    """A copy in which smtpd has used up one-time passwords is left alone, now and after changes to the database."""
    otp_key = b"alice\0example.com\0cmusaslsecretOTP"
    fresh = otp.make(b"wonderland", "vm")
    with edit(str(pair.database)) as editor:
        editor.put(otp_key, fresh)
    with edit(str(pair.copy)) as editor:
        editor.put(otp_key, fresh.replace(b"\t0499\t", b"\t0498\t"))
    for user in ("bob", "carol"):
        add(pair.database, user)
        assert b"\t0498\t" in records(pair.copy)[otp_key]


def test_a_copy_made_in_another_way(pair: Pair) -> None:
    """A database in the jail that was made by itself, and has nothing that the other has not, is a copy too; so is one without users."""
    for users in (USERS, {}):
        pair.copy.unlink()
        make(pair.copy, users)
        add(pair.database)
        assert pair.in_step()


def test_an_empty_database_waits_for_a_new_one(pair: Pair) -> None:
    """A database without users in the jail becomes the copy of one that is just being made."""
    pair.database.unlink()
    pair.copy.unlink()
    make(pair.copy, {})
    add(pair.database)
    assert pair.in_step() and key("bob") in records(pair.copy)


def test_a_file_of_zero_bytes_becomes_the_copy(pair: Pair) -> None:
    """An empty file that was put there for the purpose is filled, also from a database that is just being made."""
    pair.database.unlink()
    pair.copy.write_bytes(b"")
    add(pair.database)
    assert pair.in_step()


def test_one_file_under_two_names(pair: Pair) -> None:
    """A hard link is the database itself: it is changed once, and stays one file."""
    pair.copy.unlink()
    os.link(pair.database, pair.copy)
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


def test_by_what_the_link_leads_to(pair: Pair, tmp_path: Path) -> None:
    """Whoever names the database itself, and not the default path that is a link to it, changes the copy as well."""
    elsewhere = tmp_path / "elsewhere"
    pair.database.rename(elsewhere)
    pair.database.symlink_to(elsewhere)
    add(elsewhere)
    assert pair.in_step()


def test_the_other_default_database(pair: Pair, tmp_path: Path) -> None:
    """Where only the second default database exists, a copy of it under the name of the first follows it; else it is left alone."""
    second = tmp_path / "second"
    shutil.copy(pair.database, second)
    add(second)
    assert key("bob") not in records(pair.copy)
    pair.database.unlink()
    add(second, "carol")
    assert second.read_bytes() == pair.copy.read_bytes()


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("queue_directory = /nowhere\n  \n# x\nqueue_directory={jail}\n", True),
        ("myhostname = a\n  queue_directory = /nowhere\nqueue_directory =\n  {jail}\n", True),
        ("queue_directory = $data_directory{jail}\n", False),
        ("queue_directory = {jail}\n  x\n", False),
        ("queue_directory = {jail}\nqueue_directory = /nowhere\n", False),
    ],
)
def test_the_queue_directory(pair: Pair, text: str, known: bool, require: Require) -> None:
    """What main.cf says literally is taken as Postfix takes it, and nothing else is guessed."""
    (postconf,) = require("postfix", "postconf")
    directory = pair.main_cf.parent
    pair.main_cf.write_text(text.format(jail=directory / "jail"))
    os.utime(pair.main_cf, (0, 0))  # Postfix waits for one that has just been changed
    add(pair.database)
    assert pair.in_step() == known
    argv = [postconf, "-c", str(directory), "-xh", "queue_directory"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout
    assert (shown.strip() == f"{directory}/jail") == known


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


@pytest.mark.parametrize("content", [b"alice: secret\n" * 400, b"x", b"SQLite format 3\0" + bytes(8000)])
def test_a_new_database_leaves_what_is_none_alone(pair: Pair, content: bytes) -> None:
    """Where a default database is just being made, a file in the chroot that is no database stays, and the edit says so."""
    pair.database.unlink()
    pair.copy.write_bytes(content)
    os.utime(pair.copy, (1, 1))
    assert add(pair.database) == [f"{pair.copy}: not a copy of {pair.database}, and left as it is"]
    assert pair.copy.read_bytes() == content and key("bob") in records(pair.database)


def test_a_new_database_leaves_users_alone(pair: Pair) -> None:
    """So does a database with users of its own."""
    pair.database.unlink()
    before = pair.copy.read_bytes()
    assert add(pair.database) == [f"{pair.copy}: not a copy of {pair.database}, and left as it is"]
    assert pair.copy.read_bytes() == before


@pytest.mark.parametrize("content", [b"alice: secret\n" * 400, b"damaged"])
def test_what_is_no_database_is_no_copy(pair: Pair, content: bytes) -> None:
    """A file in the chroot that is no database, or a damaged one, is left alone."""
    if content == b"damaged":
        whole = pair.copy.read_bytes()
        content = whole[:4121] + b"\xee" * 8 + whole[4129:]
    pair.copy.write_bytes(content)
    os.utime(pair.copy, (1, 1))
    assert add(pair.database) == [f"{pair.copy}: not a copy of {pair.database}, and left as it is"]
    assert pair.copy.read_bytes() == content


def test_a_dangling_link_is_no_copy(pair: Pair) -> None:
    """Where the copy's name is a link to nothing, smtpd reads nothing: that is told, and nothing is made there."""
    pair.copy.unlink()
    pair.copy.symlink_to("nowhere")
    with pytest.raises(StaleCopy, match="a link to .*nowhere, which does not exist"):
        add(pair.database)
    assert key("bob") in records(pair.database) and os.listdir(pair.copy.parent) == ["sasldb2"]


def test_a_copy_that_goes_meanwhile(pair: Pair) -> None:
    """Where the copy is removed while it is looked at the change stands, and it is told that there is none any more."""
    with before("open", lambda arguments: arguments[0] == "jail", pair.copy.unlink) as done, pytest.raises(StaleCopy):
        add(pair.database)
    assert done and key("bob") in records(pair.database) and not pair.copy.exists()


def test_what_a_copy_is(pair: Pair) -> None:
    """The same bytes, fewer records, no records and no bytes are a copy; other records and what is no database are none."""
    copy, database = str(pair.copy), str(pair.database)
    assert is_copy(copy, database)
    set_password(pair.database, b"looking-glass")
    pair.copy.unlink()
    make(pair.copy, USERS)
    assert not is_copy(copy, database)
    for users in ({}, {"alice@example.com": {"userPassword": b"looking-glass"}}):
        pair.copy.unlink()
        make(pair.copy, users)
        assert is_copy(copy, database)
    pair.copy.write_bytes(b"")
    assert is_copy(copy, database)
    pair.copy.write_bytes(b"x" * pair.database.stat().st_size)
    assert not is_copy(copy, database)
    with pytest.raises(NotFound):
        is_copy(str(pair.copy.parent / "absent"), database)
    with pytest.raises(NotFound):
        is_copy(copy, str(pair.copy.parent / "absent"))


def test_a_copy_that_cannot_be_compared(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system refuses is an error of this package that names the copy."""

    def refuse(fd: int, size: int, offset: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", refuse)
    with pytest.raises(WriteFailed, match="cannot be compared") as caught:
        is_copy(str(pair.copy), str(pair.database))
    assert caught.value.path == str(pair.copy)


@pytest.mark.parametrize("size", [0, 1, 4096, 5000, 20000])
def test_a_copy_is_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Whatever is in the copy's place becomes the same bytes, longer or shorter, with or without a beginning in common, and is left if it is."""
    monkeypatch.setattr(copies, "_PIECE", 1024)  # the file has a whole number of pieces
    source, target = tmp_path / "source", tmp_path / "target"
    make(source, USERS)
    content = source.read_bytes()
    for before_ in (content[:size], content + b"x" * size, b"x" * size):
        target.write_bytes(before_)
        os.utime(target, (1, 1))
        copies.copy(str(source), str(target), OwnershipOptions())
        assert target.read_bytes() == content
    inode = target.stat().st_ino
    copies.copy(str(source), str(target), OwnershipOptions(mode=0o600))
    assert (target.stat().st_ino, target.stat().st_mode & 0o777) == (inode, 0o600)
    target.unlink()
    copies.copy(str(source), str(target), OwnershipOptions(), create=True)
    assert target.read_bytes() == content


def test_no_room_for_the_copy(pair: Pair) -> None:
    """Where the disk is full when the copy is written, the copy stands and the error names it and says why."""
    old = pair.copy.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(old), hard))

    def changed() -> bool:
        return pair.database.read_bytes() != old

    users = {key(f"user{number}"): b"x" * 200 for number in range(200)}
    try:
        with before("open", lambda arguments: arguments[0] == "jail" and changed(), limit) as done:
            with pytest.raises(StaleCopy, match="this copy of it was not: cannot be written: File too large") as caught:
                with edit(str(pair.database)) as editor:
                    for name, value in users.items():
                        editor.put(name, value)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert done and caught.value.path == str(pair.copy) and pair.copy.read_bytes() == old


@pytest.mark.parametrize("kind", ["removed", "another", "longer", "fifo"])
def test_a_copy_that_is_exchanged_before_it_is_noted(pair: Pair, kind: str) -> None:
    """What takes the copy's place as soon as it is made gets no note that it is a copy, is not waited for, and fails nothing."""
    other = pair.copy.parent / "other"
    old = pair.database.read_bytes()

    def exchange() -> None:
        content = pair.database.read_bytes()
        if kind == "removed":
            pair.copy.unlink()
            return
        if kind == "fifo":
            os.mkfifo(other)
        else:
            other.write_bytes(content[::-1] if kind == "another" else content + content)
        other.replace(pair.copy)

    def copied_by_now(arguments: tuple[Any, ...]) -> bool:
        changed = pair.database.read_bytes() != old
        return changed and arguments[0] == "sasldb2" and pair.copy.is_file() and pair.in_step()

    with before("open", copied_by_now, exchange) as done:
        add(pair.database)
    assert done and key("bob") in records(pair.database)
    if kind in ("another", "longer"):
        with pair.copy.open("rb") as file:
            assert not copied.untouched(file.fileno())


def test_one_time_passwords_that_moved_on() -> None:
    """Fewer passwords left of one seed and algorithm are what logins make of a state; nothing else is."""
    name = b"alice\0example.com\0cmusaslsecretOTP"
    fresh = otp.make(b"wonderland", "vm")
    used = fresh.replace(b"\t0499\t", b"\t0498\t")
    assert moved_on(name, used, fresh)
    other = otp.make(b"wonderland", "vn").replace(b"\t0499\t", b"\t0498\t")
    sha1 = otp.make(b"wonderland", "vm", "sha1").replace(b"\t0499\t", b"\t0498\t")
    for copied_, ours in (
        (fresh, fresh),
        (fresh, used),
        (other, fresh),
        (None, fresh),
        (used, None),
        (None, None),
        (b"x", fresh),
        (used, b"x"),
    ):
        assert not moved_on(name, copied_, ours)
    assert sha1 == fresh or not moved_on(name, sha1, fresh)
    for key_ in (b"alice\0example.com\0userPassword", b"alice", b"alice\0example.com\0cmusaslsecretOTP\0"):
        assert not moved_on(key_, used, fresh)


def test_many_writers(pair: Pair, tmp_path: Path) -> None:
    """When eight processes change the database at once, the copy is the database at the end."""
    program = (
        "import sys; from sasldb.policy import chroot; from sasldb.store.editing import edit\n"
        "chroot.DEFAULT_DATABASES, chroot.MAIN_CF = (sys.argv[1],), sys.argv[2]\n"
        "for number in range(10):\n"
        "    with edit(sys.argv[1]) as editor: editor.put(b'%s-%d\\0x\\0userPassword' % (sys.argv[3].encode(), number), b'pw')\n"
    )
    argv = [os.sys.executable, "-c", program, str(pair.database), str(pair.main_cf)]  # type: ignore[attr-defined]
    running = [subprocess.Popen([*argv, str(number)]) for number in range(8)]
    assert [process.wait(60) for process in running] == [0] * 8
    assert pair.in_step() and len(records(pair.copy)) == 81
