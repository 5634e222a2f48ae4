"""Owner and mode: root:postfix 0640, kept on existing files, never anything for others."""

from __future__ import annotations

import grp
import os
import sys
from pathlib import Path

import pytest

import sasldb
from sasldb.errors import SasldbError
from sasldb.files.ownership import Ownership, Wishes, due
from tests.conftest import ROOT as CHECKOUT
from tests.conftest import Require
from tests.real.namespace import PrivateEtc

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def set_one(path: Path, **options: object) -> list[str]:
    """Store one password and return the notes."""
    with sasldb.edit(str(path), **options) as db:  # type: ignore[arg-type]
        db.set_password("alice@example.com", os.urandom(4).hex().encode())
    return db.notes


def test_a_new_file_is_private_to_root_and_postfix(tmp_path: Path) -> None:
    """Whatever the umask, a new file is 0640; as root its group is postfix where there is one."""
    old = os.umask(0)
    try:
        set_one(tmp_path / "db")
    finally:
        os.umask(old)
    status = (tmp_path / "db").stat()
    assert status.st_mode & 0o7777 == 0o640
    assert status.st_uid == os.geteuid()
    try:
        expected = grp.getgrnam("postfix").gr_gid if os.geteuid() == 0 else os.getegid()
    except KeyError:
        expected = os.getegid()
    assert status.st_gid == expected


@ROOT
@pytest.mark.parametrize(
    ("mode", "after"), [(0o660, 0o660), (0o600, 0o600), (0o644, 0o640), (0o666, 0o660), (0o400, 0o400)]
)
def test_an_existing_file_keeps_its_owner(tmp_path: Path, mode: int, after: int) -> None:
    """Owner, group and mode stay, less all that others may do; only a change is told."""
    path = tmp_path / "db"
    set_one(path)
    os.chown(path, 1234, 2345)
    path.chmod(mode)
    notes = set_one(path)
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (1234, 2345, after)
    assert bool(notes) == (mode != after)


@ROOT
def test_the_wish_overrules(tmp_path: Path) -> None:
    """Owner, group and mode that the caller names are set, also where no record changes."""
    path = tmp_path / "db"
    set_one(path)
    with sasldb.edit(str(path), wishes=Wishes.parse("1234", "2345", "0660")):
        pass
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (1234, 2345, 0o660)


@pytest.mark.parametrize(
    "name", ["nosuchname1", "99999999999", "4294967295", "9" * 5000, "-1", "\u00b2", "\u0663", "a\0b"]
)
def test_who_is_not_there_is_refused(name: str) -> None:
    """An unknown name, and a number that no user or group can have (4294967295 is -1: "leave it"), are errors."""
    for wish in ((name, None, None), (None, name, None)):
        with pytest.raises(SasldbError):
            Wishes.parse(*wish)


@pytest.mark.parametrize(
    "mode",
    ["0644", "0641", "0642", "rw", "0o640", "-640", "+640", " 640", "6_40", "0680", "1640", "\u0666\u0664\u0660"],
)
def test_bad_modes_are_refused(mode: str) -> None:
    """A mode for others, one beyond 0777, and what is not made of octal digits alone are errors."""
    with pytest.raises(SasldbError):
        Wishes.parse(None, None, mode)


def test_numbers_are_taken() -> None:
    """Any number that a user or group can have is taken, whether or not it has a name."""
    wishes = Wishes.parse("0", "4294967294", "00640")
    assert (wishes.owner, wishes.group, wishes.mode) == (0, 4294967294, 0o640)


@ROOT
def test_the_default_database_is_governed() -> None:
    """The default path, and its copy in the jail, get root:postfix 0640; a group with postfix in it is kept."""
    try:
        postfix = grp.getgrnam("postfix").gr_gid
    except KeyError:
        pytest.skip("this host has no group postfix, without which there is no such rule")
    loose = os.stat_result((0o100666, 1, 1, 1, 1234, 2345, 0, 0, 0, 0))
    for path in ("/etc/sasldb2", "/etc/sasl2/sasldb2", "/var/spool/postfix/etc/sasldb2"):
        assert due(path, loose, Wishes()) == Ownership(0, postfix, 0o640)
        assert due(path, loose, Wishes(mode=0o660)) == Ownership(0, postfix, 0o660)
    assert due("/srv/sasldb2", loose, Wishes()) == Ownership(1234, 2345, 0o660)


@ROOT
def test_what_a_default_name_leads_to_is_governed(private_etc: PrivateEtc, require: Require) -> None:
    """Where /etc/sasldb2 is a link, the file that it leads to gets owner and mode of the default database."""
    require("postfix", "postconf")
    code = """
import os, sys
sys.path.insert(0, sys.argv[1])
from sasldb.files.ownership import Wishes, due
if os.path.lexists("/etc/sasldb2"):
    os.unlink("/etc/sasldb2")
real = os.path.realpath("/srv") + "/moved"
loose = os.stat_result((0o100666, 1, 1, 1, 1234, 2345, 0, 0, 0, 0))
print(due(real, loose, Wishes()))
os.symlink(real, "/etc/sasldb2")
print(due(real, loose, Wishes()))
"""
    done = private_etc.run(sys.executable, "-c", code, str(CHECKOUT))
    assert done.stdout.decode().split("\n") == ["1234:2345 0660", "root:postfix 0640", ""]


@ROOT
def test_extended_attributes_are_kept(tmp_path: Path) -> None:
    """What an administrator attached to the file (here a user attribute) is on the new file too."""
    path = tmp_path / "db"
    set_one(path)
    try:
        os.setxattr(path, "user.note", b"kept")
    except OSError as error:
        pytest.skip(f"this file system takes no user attributes: {error}")
    before = path.stat().st_ino
    set_one(path)
    assert path.stat().st_ino != before
    assert os.getxattr(path, "user.note") == b"kept"


@ROOT
def test_a_user_who_may_write_only_the_file_overwrites_it(open_path: Path) -> None:
    """Without leave to write to the directory, or to give the file away, a change is made in place and the owner stays."""
    path = open_path / "db"
    set_one(path)
    os.chown(path, 0, 2345)
    path.chmod(0o660)
    before = path.stat()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(2345)
            os.setuid(1234)
            set_one(path)
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    after = path.stat()
    assert (after.st_ino, after.st_uid, after.st_gid, after.st_mode) == (before.st_ino, 0, 2345, before.st_mode)
    assert after.st_mtime_ns > before.st_mtime_ns
