"""Who can open a database before and after a change, tried as real users: run inside a `PrivateEtc`, whose /etc it changes.

Standard input is a JSON list of cases, standard output one of outcomes. A case names `owner`, `group`, `mode` (octal), `members` of group
sasl, `acl` (as setfacl takes it), `layout` (plain, symlink, hardlink, chroot) and `command` ("" for the library, else arguments of sh).
An outcome has the rights of each user before, without those of others, and after; what the file is; and what was said.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
from typing import Any

ROOT = sys.argv[1]
sys.path.insert(0, ROOT)

import sasldb  # noqa: E402
from sasldb.files.ownership import Ownership  # noqa: E402

DATABASE, CHROOT = "/etc/sasldb2", "/run/owning/spool"
USERS = {"postfix": 1801, "cyrus": 1802, "memcache": 1803, "mail": 8, "plain": 1804}
GROUPS = {"postfix": 1801, "mail": 8, "memcache": 1803, "plain": 1804, "sasl": 1805, "empty": 1806, "root": 0}
FIRST = {"postfix": 1801, "cyrus": 8, "memcache": 1803, "mail": 8, "plain": 1804}
PREPARE = f"""
set -e
mount -t tmpfs -o mode=0755 owning /run
mkdir -p {CHROOT}/etc /etc/postfix /run/owning/conf /etc/elsewhere
echo queue_directory = {CHROOT} > /etc/postfix/main.cf
rm -rf /etc/sasldb2 /etc/sasl2
"""


class Visitor:
    """A child process that is one of the users, and tries to open files."""

    def __init__(self, name: str) -> None:
        entry = pwd.getpwnam(name)
        asked, ask = os.pipe()
        answered, answer = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.setgroups(os.getgrouplist(name, entry.pw_gid))
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            while path := os.read(asked, 4096):
                os.write(answer, _rights(path).encode())
            os._exit(0)
        os.close(asked)
        self._ask, self._answered = ask, answered

    def rights(self, path: str) -> str:
        """Return what the user may do: some of the letters r and w, or "-"."""
        os.write(self._ask, path.encode())
        return os.read(self._answered, 8).decode().strip("-")

    def leave(self) -> None:
        """End the child."""
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)
        os.close(self._ask)
        os.close(self._answered)


def _rights(path: bytes) -> str:
    found = "-"
    for letter, flags in ("r", os.O_RDONLY), ("w", os.O_WRONLY):
        try:
            os.close(os.open(path, flags))
            found += letter
        except PermissionError:
            pass
    return found


def prepare() -> None:
    """Make the users and groups, and the places."""
    subprocess.run(["sh", "-c", PREPARE], check=True)
    with open("/etc/passwd", "w", encoding="ascii") as file:
        file.write("root:x:0:0::/root:/bin/sh\nsync:x:4:0::/:/bin/sync\n")
        for name, uid in USERS.items():
            file.write(f"{name}:x:{uid}:{FIRST[name]}::/:/bin/false\n")
    with open("/etc/nsswitch.conf", "w", encoding="ascii") as file:
        file.write("passwd: files\ngroup: files\n")


def set_members(members: str) -> None:
    """Write /etc/group, with `members` in group sasl."""
    with open("/etc/group", "w", encoding="ascii") as file:
        for name, gid in GROUPS.items():
            file.write(f"{name}:x:{gid}:{members if name == 'sasl' else ''}\n")


def lay_out(case: dict[str, Any]) -> str:
    """Make the file of a case, and return the path at which it lies."""
    for name in (DATABASE, "/etc/elsewhere/db", f"{CHROOT}{DATABASE}"):
        if os.path.lexists(name):
            os.unlink(name)
    layout = case["layout"]
    place = "/etc/elsewhere/db" if layout == "symlink" else DATABASE
    with open("/run/owning/good", "rb") as good, open(place, "wb") as file:
        file.write(b"" if "init" in case["command"] else good.read())
    if layout == "symlink":
        os.symlink(place, DATABASE)
    if layout == "hardlink":
        os.link(place, "/etc/elsewhere/db")
    if layout == "chroot":
        with open("/run/owning/good", "rb") as good, open(f"{CHROOT}{DATABASE}", "wb") as file:
            file.write(good.read())
        place = f"{CHROOT}{DATABASE}"
    if case["acl"]:
        subprocess.run(["setfacl", "-m", case["acl"], place], check=True)
    os.chown(place, number(case["owner"], USERS), number(case["group"], GROUPS))
    if case["acl"]:
        os.chmod(place, os.stat(place).st_mode & 0o770 | int(case["mode"], 8) & 0o707)
    else:
        os.chmod(place, int(case["mode"], 8))
    return place


def number(name: str, known: dict[str, int]) -> int:
    """Return the number of a user or group."""
    return int(name) if name.isdigit() else {"root": 0, **known}[name]


def run(case: dict[str, Any], visitors: dict[str, Visitor]) -> dict[str, Any]:
    """Make one case, change the database, and return what came of it."""
    place = lay_out(case)
    mode = os.stat(place).st_mode & 0o777
    os.chmod(place, mode & 0o770)
    before = {name: visitor.rights(place) for name, visitor in visitors.items()}
    os.chmod(place, mode)
    was, inode = str(Ownership.of(os.stat(place))), os.stat(place).st_ino
    if case["command"]:
        command = f"PATH={ROOT}/bin:$PATH; {case['command']}"
        done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        said, status = done.stderr.decode().splitlines(), done.returncode
    else:
        with sasldb.edit(DATABASE) as db:
            db.set_password("bob@example.com", os.urandom(4).hex().encode())
        said, status = db.notes, 0
    return {
        **{"case": case, "before": before, "was": was, "said": said, "status": status},
        "after": {name: visitor.rights(place) for name, visitor in visitors.items()},
        "is": str(Ownership.of(os.stat(place))),
        "same_inode": os.stat(place).st_ino == inode,
        "links": os.stat(place).st_nlink,
    }


def main() -> None:
    """Run all cases."""
    prepare()
    set_members("")
    with sasldb.edit("/run/owning/good") as db:
        db.set_password("alice@example.com", b"wonderland")
    outcomes = []
    members = None
    visitors: dict[str, Visitor] = {}
    for case in json.load(sys.stdin):
        if case["members"] != members:
            members = case["members"]
            set_members(members)
            for visitor in visitors.values():
                visitor.leave()
            visitors = {name: Visitor(name) for name in USERS}
        outcomes.append(run(case, visitors))
    for visitor in visitors.values():
        visitor.leave()
    json.dump(outcomes, sys.stdout)


main()
