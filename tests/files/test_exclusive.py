"""The lock and the replacement: links, hard links, left-over drafts, half-done overwrites, waiting."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sasldb
from sasldb.errors import Corrupt, DatabaseError, Locked, NotFound, UnsafeFile, WriteFailed
from sasldb.files import private_directory
from sasldb.files.directory import Directory
from sasldb.files.journal import Journal, place_for
from sasldb.files.place import Place


def set_one(path: Path, password: bytes = b"") -> None:
    """Store a password for alice (a new one each time unless it is given)."""
    with sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", password or os.urandom(4).hex().encode())


def accepts(path: Path, password: bytes) -> bool:
    """Tell whether alice has `password`."""
    with sasldb.open(str(path)) as db:
        return bool(db.verify("alice@example.com", password))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "db"
    set_one(path, b"first")
    return path


def test_a_link_is_followed_and_kept(path: Path, tmp_path: Path) -> None:
    """The target of a link is replaced, never the link."""
    (tmp_path / "other").mkdir()
    link = tmp_path / "other" / "link"
    link.symlink_to("../db")
    set_one(link, b"second")
    assert link.is_symlink() and accepts(path, b"second")
    assert os.listdir(tmp_path / "other") == ["link"]


def test_links_that_lead_nowhere_are_errors(tmp_path: Path) -> None:
    """A dangling link and a loop of links are told, and stay as they are."""
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(NotFound):
        set_one(tmp_path / "dangling")
    with pytest.raises(UnsafeFile):
        set_one(tmp_path / "loop")
    assert sorted(os.listdir(tmp_path)) == ["dangling", "loop"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link of somebody else's")
def test_a_stranger_s_link_is_refused(path: Path, tmp_path: Path) -> None:
    """A link of another user, in a directory that others may write to, is not followed; one of ours there is."""
    open_directory = tmp_path / "open"
    open_directory.mkdir()
    open_directory.chmod(0o1777)
    link = open_directory / "link"
    link.symlink_to(path)
    set_one(link, b"second")
    os.lchown(link, 1234, 1234)
    with pytest.raises(UnsafeFile, match="uid 1234"):
        set_one(link)
    with pytest.raises(UnsafeFile, match="uid 1234"):
        sasldb.open(str(link))
    assert accepts(path, b"second")


def test_hard_links_stay_together(path: Path, tmp_path: Path) -> None:
    """A file with two names is overwritten in place, so that both show the change; nothing else is left."""
    (tmp_path / "jail").mkdir()
    os.link(path, tmp_path / "jail" / "db")
    before = path.stat()
    set_one(path, b"second")
    assert accepts(tmp_path / "jail" / "db", b"second")
    assert (path.stat().st_ino, path.stat().st_nlink) == (before.st_ino, 2)
    assert sorted(os.listdir(tmp_path)) == ["db", "jail"]


@pytest.mark.parametrize("kind", ["fifo", "directory", "device"])
def test_other_kinds_of_file_are_refused(tmp_path: Path, kind: str) -> None:
    """A FIFO, a directory and a device are refused at once, without a hang."""
    path = tmp_path / "it"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path = Path("/dev/null")
    with pytest.raises(UnsafeFile):
        set_one(path)
    with pytest.raises(UnsafeFile):
        sasldb.open(str(path))


def test_litter_of_the_dead_is_swept(path: Path, tmp_path: Path) -> None:
    """The draft of a killed writer goes with the next write; that of a living one, and files of other names, stay."""
    (tmp_path / ".db.sasldb-0123456789abcdef").write_bytes(b"left over")
    alive = tmp_path / ".db.sasldb-fedcba9876543210"
    alive.write_bytes(b"in use")
    (tmp_path / ".other.sasldb-0123456789abcdef").write_bytes(b"not ours")
    with open(alive, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        set_one(path)
    assert sorted(os.listdir(tmp_path)) == [".db.sasldb-fedcba9876543210", ".other.sasldb-0123456789abcdef", "db"]


def test_a_second_name_left_by_a_killed_maker_is_swept(path: Path, tmp_path: Path) -> None:
    """A maker killed between link and unlink leaves a second name; it goes, and the file is replaced by rename again."""
    os.link(path, tmp_path / ".db.sasldb-0123456789abcdef")
    before = path.stat().st_ino
    set_one(path)
    assert os.listdir(tmp_path) == ["db"]
    assert path.stat().st_ino != before


def test_a_stale_file_of_libdb_is_not_waited_for(tmp_path: Path) -> None:
    """The `__db.` file that a killed Cyrus tool leaves, and on which the next one waits 100 seconds, does not matter."""
    (tmp_path / "__db.db").write_bytes(b"")
    started = time.monotonic()
    set_one(tmp_path / "db", b"x")
    assert accepts(tmp_path / "db", b"x")
    assert time.monotonic() - started < 90


def half_done(path: Path, torn: bytes) -> Journal:
    """Leave `path` as a writer leaves it that was killed while overwriting, with the content `torn`; return its journal."""
    old = path.read_bytes()
    set_one(path, b"second")
    new = path.read_bytes()
    path.write_bytes(torn or new[:4096] + old[4096:])
    directory = Directory.open(str(path.parent))
    with open(path, "rb") as database:
        journal = place_for(directory, database.fileno())
    directory.close()
    for name, content in ((journal.old, old), (journal.new, new)):
        Path(journal.path(name)).write_bytes(content)
        os.chmod(journal.path(name), 0o600)
    journal.close()
    return journal


def test_a_half_done_overwrite_is_read_as_new(path: Path, tmp_path: Path) -> None:
    """Readers of a torn file find the complete new one; the next writer finishes the work."""
    half_done(path, b"")
    assert accepts(path, b"second")
    with sasldb.edit(str(path)) as db:
        db.set_password("bob@example.com", b"y")
    assert accepts(path, b"second")
    assert os.listdir(tmp_path) == ["db"]


def test_a_journal_that_no_longer_fits_is_for_a_person(path: Path, tmp_path: Path) -> None:
    """When somebody has written to the file since, nothing is guessed: the error names both versions, and they stay."""
    set_one(tmp_path / "elsewhere", b"third")
    third = (tmp_path / "elsewhere").read_bytes()
    journal = half_done(path, third)
    os.utime(path, (1, 1))
    for attempt in (lambda: accepts(path, b"third"), lambda: set_one(path)):
        with pytest.raises(Corrupt, match=journal.path(journal.new)):
            attempt()
    assert path.read_bytes() == third
    assert all(os.path.exists(journal.path(name)) for name in (journal.old, journal.new))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a journal of somebody else's")
def test_a_journal_of_another_user_does_not_count(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another user has in a private directory is not believed, although that user's group may write to the file."""
    os.chown(path, 0, 60)  # games: a group that Debian gives to no other user than games
    journal = half_done(path, b"")
    monkeypatch.setattr(private_directory, "_PARENTS", (str(tmp_path),))
    theirs = tmp_path / "sasldb-5"  # the user games
    theirs.mkdir(0o700)
    for name in (journal.old, journal.new):
        os.chown(journal.path(name), 5, 60)
        (tmp_path / name).rename(theirs / name)
    os.chown(theirs, 5, 60)
    path.write_bytes((theirs / journal.old).read_bytes())
    path.chmod(0o660)
    assert accepts(path, b"first")


def test_the_journal_of_a_file_that_has_gone_stays(path: Path, tmp_path: Path) -> None:
    """A journal whose database is not there now may still be needed (a file that is mounted by itself): only a person removes it."""
    journal = half_done(path, b"")
    (tmp_path / "copy").write_bytes((tmp_path / journal.new).read_bytes())
    (tmp_path / "copy").replace(path)
    set_one(path)
    set_one(tmp_path / "other")
    assert sorted(os.listdir(tmp_path)) == sorted([journal.old, journal.new, "db", "other"])


def test_a_database_with_two_names_that_its_group_may_write(path: Path, tmp_path: Path) -> None:
    """The journal is private to its writer, whatever the file's mode, so that it is believed afterwards."""
    os.link(path, tmp_path / "other")
    path.chmod(0o660)
    seen: list[os.stat_result] = []
    original = os.ftruncate

    def watch(fd: int, length: int) -> None:
        if os.fstat(fd).st_nlink == 2:
            seen.extend(os.stat(tmp_path / name) for name in os.listdir(tmp_path) if name.startswith(".sasldb-"))
        original(fd, length)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "ftruncate", watch)
        set_one(path, b"second")
    assert [(status.st_uid, status.st_mode & 0o777) for status in seen] == [(os.geteuid(), 0o600)] * 2
    assert path.stat().st_mode & 0o777 == 0o660 and accepts(tmp_path / "other", b"second")


def test_a_copy_that_is_cut_short_is_no_empty_database(path: Path) -> None:
    """When the system copies less than the file has, the change fails or the rest is read; no user is lost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "copy_file_range", lambda *args: 0)
        with sasldb.edit(str(path)) as db:
            db.set_password("bob@example.com", b"y")
    with sasldb.open(str(path)) as read:
        assert read.verify("alice@example.com", b"first") and read.verify("bob@example.com", b"y")


def test_a_file_emptied_meanwhile_is_not_overwritten(path: Path) -> None:
    """A program that truncates the file during an edit (a restore by `cat backup > file`) is told of, and the file left to it."""
    with pytest.raises(DatabaseError), sasldb.edit(str(path)) as db:
        db.set_password("bob@example.com", b"y")
        path.write_bytes(b"")
    assert path.read_bytes() == b""


def test_the_draft_is_not_found_by_its_name(path: Path, tmp_path: Path) -> None:
    """Somebody who swaps the draft for a link to another database changes neither: the draft is used by its descriptor."""
    other = tmp_path / "private"
    set_one(other, b"untouched")
    before = other.read_bytes()
    original = os.fsync

    def swap(fd: int) -> None:
        for name in os.listdir(tmp_path):
            if name.startswith(".db.sasldb-") and not (tmp_path / name).is_symlink():
                (tmp_path / name).rename(tmp_path / "aside")
                (tmp_path / name).symlink_to(other)
        original(fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", swap)
        with pytest.raises(UnsafeFile):
            set_one(path)
    assert other.read_bytes() == before and accepts(path, b"first")


@pytest.mark.parametrize("name", ["db/", "", "d\0b"])
def test_no_path_of_a_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trailing slash, nothing and a NUL make no file name, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsafeFile):
        sasldb.edit(name)
    with pytest.raises(UnsafeFile):
        sasldb.open(name)
    assert os.listdir(tmp_path) == []


def test_a_path_is_read_as_the_kernel_reads_it(path: Path, tmp_path: Path) -> None:
    """`..` behind a link is the parent of where the link leads."""
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("data/deep")
    set_one(Path(f"{tmp_path}/link/../db"), b"x")
    assert (tmp_path / "data" / "db").exists() and accepts(path, b"first")


def test_a_current_directory_that_has_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path from nowhere is an error of this package."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(DatabaseError):
        sasldb.edit("db")
    monkeypatch.chdir(tmp_path)


def test_a_directory_s_default_list_lets_nobody_in(tmp_path: Path) -> None:
    """A new database takes no access control list from its directory, for its mode would not show whom it lets in."""
    import shutil

    setfacl = shutil.which("setfacl")
    if setfacl is None:
        pytest.skip("this machine has no setfacl (package acl)")
    subprocess.run([setfacl, "-d", "-m", "u:65534:rw", str(tmp_path)], check=True)
    set_one(tmp_path / "new", b"x")
    assert os.listxattr(tmp_path / "new") == []
    set_one(tmp_path / "new", b"y")
    assert os.listxattr(tmp_path / "new") == []


def test_the_system_s_refusals_are_ours(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An OSError at any look at the file is an error of this package (here: ESTALE, as NFS gives it)."""
    with sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", b"second")
        stale = OSError(116, "Stale file handle")
        patch = pytest.MonkeyPatch()

        def refuse(fd: int) -> os.stat_result:
            raise stale

        patch.setattr(os, "fstat", refuse)
        try:
            with pytest.raises(DatabaseError):
                db.commit()
        finally:
            patch.undo()
    assert accepts(path, b"first")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a journal of somebody else's")
def test_a_stranger_s_journal_is_not_believed(path: Path) -> None:
    """A journal that another user may have made does not bring its content in."""
    journal = half_done(path, b"")
    path.write_bytes(Path(journal.path(journal.old)).read_bytes())
    os.chown(journal.path(journal.new), 1234, 1234)
    assert accepts(path, b"first")


def wait_until_open(process: subprocess.Popen[bytes], path: Path) -> None:
    """Wait until the process has opened the file that `path` names now."""
    wanted, descriptors = path.stat(), Path(f"/proc/{process.pid}/fd")
    while process.poll() is None:
        for descriptor in list(descriptors.iterdir()):
            try:
                if os.path.samestat(descriptor.stat(), wanted):
                    return
            except FileNotFoundError:  # closed meanwhile
                continue
        time.sleep(0.01)
    raise AssertionError(f"it ended with {process.returncode} before it opened the file")


def test_waiting_has_an_end_and_names_the_holder(path: Path) -> None:
    """A lock that is not given back ends in an error that names the process."""
    with open(path, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Locked, match=rf"still locked by process {os.getpid()} \("), sasldb.edit(
            str(path), wait=0.1
        ):
            pass
    set_one(path)


def test_a_waiter_of_a_replaced_file_edits_the_new_one(path: Path) -> None:
    """Who waited while the file was replaced changes the new file, not the forgotten inode."""
    code = "import sys, sasldb\nwith sasldb.edit(sys.argv[1]) as db: db.set_password('bob@example.com', b'y')"
    with sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", b"second")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        waiter = subprocess.Popen([sys.executable, "-c", code, str(path)], env=environment)
        wait_until_open(waiter, path)  # before the file is replaced, at the end of this block
    assert waiter.wait(20) == 0
    with sasldb.open(str(path)) as read:
        assert read.verify("alice@example.com", b"second") and read.verify("bob@example.com", b"y")


def test_a_directory_open_to_others_is_told(tmp_path: Path) -> None:
    """A database where others may make files is worth a warning, one in a private directory is not."""
    with Place(str(tmp_path / "db")) as place:
        assert place.warnings() == []
    tmp_path.chmod(0o1777)
    with Place(str(tmp_path / "db")) as place:
        assert place.warnings() == [f"{tmp_path}/db: other users may write to its directory {tmp_path}"]


def test_a_full_disk_is_told(path: Path) -> None:
    """Where the file may not grow, the old one stands and nothing is left beside it."""
    import resource

    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        with pytest.raises(WriteFailed):
            set_one(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["db"]
