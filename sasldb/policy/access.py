"""Who has access to a file: what a user may do with it, and whom its owner and its group stand for.

The users and groups are those that this host knows, and those of running processes: a service manager may give a process a group of which
its user is no member. Neither is root, who needs no permission.

Source: acl(5), "Access check algorithm"; proc(5), /proc/PID/status. Raises nothing.
"""

from __future__ import annotations

import grp
import os
import pwd

from sasldb.files.acl import Acl
from sasldb.files.ownership import Ownership
from sasldb.files.refusals import close

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READ, WRITE = 4, 2
POSTFIX = "postfix"
_LONGEST = 1 << 16  # bytes of a status; a process may be in thousands of groups


class Who:
    """A user as the kernel sees one: `uid`, and `gids`, the numbers of all groups."""

    __slots__ = ("gids", "uid")

    def __init__(self, uid: int, gids: frozenset[int]) -> None:
        self.uid = uid
        self.gids = gids

    @classmethod
    def of(cls, uid: int) -> Who:
        """Return user `uid` with the groups that this host knows; without any where it does not know the user."""
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return cls(uid, frozenset())
        return cls(uid, frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid)))

    @classmethod
    def named(cls, user: str) -> Who:
        """Return the user of that name with its groups, which another name of the same number may not be in; KeyError where there is none."""
        entry = pwd.getpwnam(user)
        return cls(entry.pw_uid, frozenset(os.getgrouplist(user, entry.pw_gid)))

    def may(self, owner: int, group: int, mode: int, acl: Acl | None) -> int:
        """Return what this user may do with a file of uid `owner` and gid `group`, as permission bits 0-7, leaving root's right to all aside."""
        if self.uid == owner:
            return mode >> 6 & 7
        named = acl.of_user(self.uid) if acl else None
        if named is not None:
            return named
        granted = acl.of_groups(self.gids) if acl else []
        if group in self.gids:
            granted.append(group_bits(mode, acl))
        if not granted:
            return mode & 7
        bits = 0
        for each in granted:
            bits |= each
        return bits


def group_bits(mode: int, acl: Acl | None) -> int:
    """Return what the owning group of a file may do, as permission bits 0-7."""
    return mode >> 3 & 7 if acl is None else acl.of_group()


def somebody(uid: int) -> bool:
    """Tell whether `uid` is a user other than root: of this host, or of a running process."""
    if uid == 0:
        return False
    try:
        pwd.getpwuid(uid)
        return True
    except KeyError:
        return any(_running(lambda who: who.uid == uid))


def members(gid: int) -> list[str]:
    """Return whom group `gid` gives access, but for root: names in order, or the process that has the group; [] for nobody.

    Of group root only those count whom /etc/group names: on some systems it is the first group of accounts that nobody uses (sync, halt).
    """
    try:
        entry = grp.getgrgid(gid)
        found, name = set(entry.gr_mem), entry.gr_name
    except KeyError:
        found, name = set(), ""
    if gid != 0:
        found |= {account.pw_name for account in pwd.getpwall() if account.pw_gid == gid}
        found |= {name} if _first_group(name) == gid else set()  # where a directory service does not list its users
    found = {each for each in found if not _is_root(each)}
    if found or gid == 0:
        return sorted(found)
    return list(_running(lambda who: gid in who.gids))[:1]


def _first_group(user: str) -> int:
    """Return the number of the user's own group, -1 where there is no such user."""
    try:
        return pwd.getpwnam(user).pw_gid if user else -1
    except KeyError:
        return -1


def _is_root(user: str) -> bool:
    try:
        return pwd.getpwnam(user).pw_uid == 0
    except KeyError:
        return user == "root"


def _running(wanted: Callable[[Who], bool]) -> Iterator[str]:
    """Yield the processes, other than root's, that are `wanted`."""
    try:
        numbers = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return
    for number in numbers:
        who = _process(number)
        if who is not None and who.uid != 0 and wanted(who):
            yield f"process {number}"


def _process(number: str) -> Who | None:
    """Return the user and groups that a process acts as, None where that cannot be seen."""
    try:
        fd = os.open(f"/proc/{number}/status", os.O_RDONLY | os.O_CLOEXEC)
        try:
            lines = os.read(fd, _LONGEST).split(b"\n")
        finally:
            close(fd)
        words = {line.partition(b":")[0]: line.split()[1:] for line in lines if line[:3] in (b"Uid", b"Gid", b"Gro")}
        return Who(int(words[b"Uid"][3]), frozenset(map(int, [words[b"Gid"][3], *words[b"Groups"]])))
    except (OSError, KeyError, IndexError, ValueError):
        return None


def lets_in(user: str, rule: Ownership, acl: Acl | None) -> bool:
    """Tell whether `user` can read a file of that ownership and list; True where there is no such user, of whom nothing is known."""
    try:
        return bool(Who.named(user).may(rule.uid, rule.gid, rule.mode, rule.acl or acl) & READ)
    except KeyError:
        return True


def group_of(user: str) -> int | None:
    """Return the gid of the group in which `user` reads: that of the same name for postfix, else its first; None where there is none."""
    try:
        return grp.getgrnam(POSTFIX).gr_gid if user == POSTFIX else pwd.getpwnam(user).pw_gid
    except KeyError:
        return None
