"""Owner and mode: root:postfix 0640, kept on existing files, never anything for others."""

from __future__ import annotations

import grp
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sasldb
from sasldb.errors import SasldbError
from sasldb.files import content
from sasldb.files.ownership import Ownership
from sasldb.policy.ownership import OwnershipOptions
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
    with sasldb.edit(str(path), wishes=OwnershipOptions.parse("1234", "2345", "0660")):
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
            OwnershipOptions.parse(*wish)


@pytest.mark.parametrize(
    "mode",
    ["0644", "0641", "0642", "rw", "0o640", "-640", "+640", " 640", "6_40", "0680", "1640", "\u0666\u0664\u0660"],
)
def test_bad_modes_are_refused(mode: str) -> None:
    """A mode for others, one beyond 0777, and what is not made of octal digits alone are errors."""
    with pytest.raises(SasldbError):
        OwnershipOptions.parse(None, None, mode)


def test_numbers_are_taken() -> None:
    """Any number that a user or group can have is taken, whether or not it has a name."""
    wishes = OwnershipOptions.parse("0", "4294967294", "00640")
    assert (wishes.owner, wishes.group, wishes.mode) == (0, 4294967294, 0o640)


@ROOT
def test_the_default_database_is_governed() -> None:
    """The default path, and its copy in the jail, get root:postfix 0640; a group with postfix in it is kept."""
    try:
        postfix = grp.getgrnam("postfix").gr_gid
    except KeyError:
        pytest.skip("this host has no group postfix, without which there is no such rule")
    # numbers that no process of another test has: those of processes count (policy.access)
    loose = os.stat_result((0o100666, 1, 1, 1, 54321, 54322, 0, 0, 0, 0))
    for path in ("/etc/sasldb2", "/etc/sasl2/sasldb2", "/var/spool/postfix/etc/sasldb2"):
        assert OwnershipOptions().due(path, loose) == Ownership(0, postfix, 0o640)
        assert OwnershipOptions(mode=0o660).due(path, loose) == Ownership(0, postfix, 0o660)
    assert OwnershipOptions().due("/srv/sasldb2", loose) == Ownership(54321, 54322, 0o660)


@ROOT
def test_what_a_default_name_leads_to_is_governed(private_etc: PrivateEtc, require: Require) -> None:
    """Where /etc/sasldb2 is a link, the file that it leads to gets owner and mode of the default database."""
    require("postfix", "postconf")
    code = """
import os, sys
sys.path.insert(0, sys.argv[1])
from sasldb.policy.ownership import OwnershipOptions
if os.path.lexists("/etc/sasldb2"):
    os.unlink("/etc/sasldb2")
real = os.path.realpath("/srv") + "/moved"
loose = os.stat_result((0o100666, 1, 1, 1, 1234, 2345, 0, 0, 0, 0))
print(OwnershipOptions().due(real, loose))
os.symlink(real, "/etc/sasldb2")
print(OwnershipOptions().due(real, loose))
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


@ROOT
@pytest.mark.parametrize("mode, wanted", [(0o666, 0o660), (0o604, 0o600), (0o644, 0o640)])
def test_a_file_with_a_second_name_gets_what_is_told(tmp_path: Path, mode: int, wanted: int) -> None:
    """A hard-linked file is overwritten in place: others lose what they could, the owner that is wished for is set, and the message is true."""
    path = tmp_path / "db"
    set_one(path)
    os.link(path, tmp_path / "other")
    os.chown(path, 1234, 2345)
    path.chmod(mode)
    inode = path.stat().st_ino
    assert set_one(path) == [f"{path}: was 1234:2345 {mode:04o}, is now 1234:2345 {wanted:04o}"]
    assert Ownership.of(path.stat()) == Ownership(1234, 2345, wanted)
    notes = set_one(path, wishes=OwnershipOptions(owner=4321, group=3210, mode=0o640))
    assert notes == [f"{path}: was 1234:2345 {wanted:04o}, is now 4321:3210 0640"]
    assert Ownership.of((tmp_path / "other").stat()) == Ownership(4321, 3210, 0o640)
    assert path.stat().st_ino == inode


@pytest.mark.parametrize("mask", [0o777, 0o077, 0])
def test_any_umask_serves(tmp_path: Path, mask: int) -> None:
    """Whatever the umask, a database is made, changed and copied in place, and a small file and a directory get the mode that they are to have."""
    old = os.umask(mask)
    try:
        set_one(tmp_path / "db")
        set_one(tmp_path / "db")
        os.link(tmp_path / "db", tmp_path / "other")
        set_one(tmp_path / "db")
        content.make_directory(str(tmp_path / "below"))
        content.put(str(tmp_path / "below/file"), b"text", Ownership(os.geteuid(), os.getegid(), 0o640))
    finally:
        os.umask(old)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("db", "other", "below", "below/file")]
    assert modes == [0o640, 0o640, 0o755, 0o640]


@ROOT
def test_what_is_taken_is_taken_first(tmp_path: Path, require: Require) -> None:
    """While a file is given owner, group and mode, nobody has more than before or after."""
    (strace,) = require("strace", "strace")
    path = tmp_path / "db"
    set_one(path)
    path.chmod(0o666)
    code = "import os, sys; from sasldb.files.ownership import Ownership, give; give(os.open(sys.argv[1], os.O_RDWR), Ownership(1234, 2345, 0o640))"
    argv = [
        strace,
        "-f",
        "-e",
        "trace=fchmod,fchown",
        "-o",
        str(tmp_path / "calls"),
        sys.executable,
        "-c",
        code,
        str(path),
    ]
    subprocess.run(argv, check=True, cwd=CHECKOUT, timeout=60)
    calls = [
        line.split(maxsplit=1)[1].split("(")[0] + line.rpartition(", ")[2].split(")")[0]
        for line in (tmp_path / "calls").read_text().splitlines()
        if "fch" in line
    ]
    assert calls == ["fchmod0640", "fchown2345"]
    assert Ownership.of(path.stat()) == Ownership(1234, 2345, 0o640)


def test_what_the_copy_in_the_chroot_takes_of_wishes(private_etc: PrivateEtc) -> None:
    """A group that smtpd is not in, and a mode without its bits, are not for smtpd's own copy; what leaves smtpd in is."""
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from sasldb.policy.ownership import OwnershipOptions
for wishes in (OwnershipOptions(group=1), OwnershipOptions(group=1801), OwnershipOptions(mode=0o600), OwnershipOptions(mode=0o660), OwnershipOptions(5, 1802)):
    copy = wishes.for_copy()
    print(copy.owner, copy.group, copy.mode)
"""
    users = "printf 'root:x:0:0::/:\\npostfix:x:1801:1801::/:\\n' > /etc/passwd; printf 'postfix:x:1801:\\nsasl:x:1802:postfix\\n' > /etc/group"
    private_etc.run("sh", "-c", users)
    done = private_etc.run(sys.executable, "-c", code, str(CHECKOUT))
    assert done.stdout.decode().splitlines() == [
        *("None None None", "None 1801 None", "None None None", f"None None {0o660}", "5 1802 None")
    ]


def test_asked_for_is_not_unasked(private_etc: PrivateEtc) -> None:
    """--group postfix takes the file from another group, and there is no advice then; the owner goes only if nobody loses by it."""
    code = """
import os, sys
sys.path.insert(0, sys.argv[1])
from sasldb.policy.ownership import OwnershipOptions
for uid, mode in ((0, 0o660), (1802, 0o660), (1802, 0o600)):
    present = os.stat_result((0o100000 | mode, 1, 1, 1, uid, 1802, 0, 0, 0, 0))
    for wishes in (OwnershipOptions(), OwnershipOptions(group=1801), OwnershipOptions(owner=0), OwnershipOptions(mode=0o640)):
        rule = wishes.due("/etc/sasldb2", present)
        print(rule, bool(rule.hint))
"""
    users = "printf 'root:x:0:0::/:\\npostfix:x:1801:1801::/:\\ncyrus:x:1802:1802::/:\\n' > /etc/passwd; printf 'root:x:0:\\npostfix:x:1801:\\ncyrus:x:1802:\\n' > /etc/group"
    private_etc.run("sh", "-c", users)
    done = private_etc.run(sys.executable, "-c", code, str(CHECKOUT))
    assert done.stdout.decode().splitlines() == [
        *("root:cyrus 0660 True", "root:postfix 0640 False", "root:cyrus 0660 True", "root:cyrus 0640 True"),
        *("root:cyrus 0660 True", "cyrus:postfix 0640 False", "root:cyrus 0660 True", "cyrus:cyrus 0640 True"),
        *(
            "cyrus:postfix 0640 False",
            "cyrus:postfix 0640 False",
            "root:postfix 0640 False",
            "cyrus:postfix 0640 False",
        ),
    ], done.stderr


@ROOT
@pytest.mark.parametrize("mask", [0o777, 0o077])
def test_any_umask_serves_who_is_not_root(open_path: Path, mask: int) -> None:
    """A umask that takes even our own permissions is no hindrance to a user whom permissions bind."""
    os.chown(open_path, 1234, 2345)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(2345)
            os.setuid(1234)
            os.umask(mask)
            set_one(open_path / "db")
            set_one(open_path / "db")
            os.link(open_path / "db", open_path / "other")
            set_one(open_path / "db")
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert Ownership.of((open_path / "other").stat()) == Ownership(1234, 2345, 0o640)


def test_a_file_with_other_passwords(private_etc: PrivateEtc) -> None:
    """It is closed to others, and to a group or owner only where these give nobody access."""
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from sasldb.files.ownership import Ownership
from sasldb.policy.ownership import closed
for uid, gid, mode in ((0, 0, 0o644), (0, 1802, 0o644), (0, 1802, 0o604), (0, 1803, 0o664), (1802, 0, 0o644), (54321, 0, 0o644), (1802, 0, 0o044)):
    print(closed(Ownership(uid, gid, mode), Ownership(0, 0, 0o600)))
"""
    users = "printf 'root:x:0:0::/:\\ncyrus:x:1802:1802::/:\\n' > /etc/passwd; printf 'root:x:0:\\ncyrus:x:1802:\\nempty:x:1803:\\n' > /etc/group"
    private_etc.run("sh", "-c", users)
    done = private_etc.run(sys.executable, "-c", code, str(CHECKOUT))
    assert done.stdout.decode().splitlines() == [
        *("root:root 0600", "root:cyrus 0640", "root:root 0600", "root:root 0600"),
        *("cyrus:root 0640", "root:root 0600", "root:root 0600"),
    ], done.stderr
