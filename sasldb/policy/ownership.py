"""Owner, group and mode of a database: the rules of the Postfix howto, and what the caller overrules.

The file holds passwords, so nobody else may ever read it:
- a new database is root:postfix 0640; one that is made for another service belongs to the group of that service's user;
- a default database and its copy in Postfix's chroot, also where these names are links, become that too, but access is never taken away
  unasked: a group that gives somebody access stays, with what it may do (`files.access`), and so does an owner who would lose something;
- any other existing database keeps owner, group and mode, less every permission for others;
- as non-root nothing can be given away: our own user and group.
Entries of an access control list stay. What smtpd then lacks to read the file is said (`Ownership.hint`), not taken from others.

Raises nothing but the OSError of `give`.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat

from sasldb.policy.access import READ, WRITE, Who, group_bits, members, somebody
from sasldb.files.acl import Acl
from sasldb.policy.chroot import copy_in_jail, governed, leads_to
from sasldb.files.names import group_name, user_name
from sasldb.policy.wishes import FOR_OTHERS, POSTFIX
from sasldb.policy.wishes import Wishes as Wishes

PRIVATE = 0o640
_NAMED = 3  # members of a group that a sentence names


class Ownership:
    """What a file must have: `uid`, `gid`, `mode` (permission bits).

    Attributes:
        acl: the access control list to give it before its mode; None leaves the list to the mode.
        hint: how smtpd can be let in, as a sentence; "" where it is in, or nobody knows.
    """

    __slots__ = ("acl", "gid", "hint", "mode", "uid")

    def __init__(self, uid: int, gid: int, mode: int) -> None:
        self.uid = uid
        self.gid = gid
        self.mode = mode
        self.acl: Acl | None = None
        self.hint = ""

    @classmethod
    def of(cls, status: os.stat_result) -> Ownership:
        """Return what the file of `status` has now."""
        return cls(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ownership) or self.acl is not other.acl:
            return False
        return (self.uid, self.gid, self.mode) == (other.uid, other.gid, other.mode)

    __hash__ = None  # type: ignore[assignment]  # compared, never a key

    def __str__(self) -> str:
        """Return it as `owner:group mode`, names where there are any."""
        return f"{user_name(self.uid)}:{group_name(self.gid)} {self.mode:04o}"


def due(real: str, present: os.stat_result | None, wishes: Wishes, fd: int | None = None) -> Ownership:
    """Return what the database at `real` (a path without links) shall have after a write.

    `present` is the status of the file that is there, None where a new one is made. `fd` is its descriptor, for its access control list;
    without it the list is looked at by the path.
    """
    root = os.geteuid() == 0
    rule = _new(wishes, root) if present is None else _kept(real, present, wishes, fd, root)
    return _overruled(rule, wishes)


def due_for_root(real: str, present: os.stat_result, wishes: Wishes) -> Ownership:
    """Return what `due` would return to root: for advice to who is not."""
    return _overruled(_kept(real, present, wishes, None, True), wishes)


def _overruled(rule: Ownership, wishes: Wishes) -> Ownership:
    if wishes.owner is not None:
        rule.uid = wishes.owner
    if wishes.group is not None:
        rule.gid = wishes.group
    if wishes.mode is not None:
        rule.mode = wishes.mode
    return rule


def closed(present: Ownership, wanted: Ownership) -> Ownership:
    """Return what a file with other passwords must have: `wanted`, or less only what others may where somebody has access by owner or group."""
    by_group = present.gid != wanted.gid and present.mode >> 3 & (READ | WRITE) and members(present.gid)
    if by_group or (present.mode >> 6 & (READ | WRITE) and somebody(present.uid)):
        return Ownership(present.uid, present.gid, present.mode & ~FOR_OTHERS & 0o777)
    return wanted


def give(fd: int, after: Ownership) -> None:
    """Give the open file `fd` owner, group, list and mode; OSError where the system refuses.

    What somebody loses is taken first, so that nobody has more in between than before or after.
    """
    status = os.fstat(fd)
    before = stat.S_IMODE(status.st_mode)
    if before & ~after.mode:
        os.fchmod(fd, before & after.mode)
    if (status.st_uid, status.st_gid) != (after.uid, after.gid):
        os.fchown(fd, after.uid, after.gid)
    if after.acl is not None:
        after.acl.put(fd)
    if stat.S_IMODE(os.fstat(fd).st_mode) != after.mode:
        os.fchmod(fd, after.mode)


def told(path: str, present: os.stat_result, after: Ownership) -> list[str]:
    """Return sentences: what a write changed of an existing file's owner and mode, and how smtpd gets in; [] when there is nothing."""
    before = Ownership.of(present)
    changed = [] if before == after else [f"{path}: was {before}, is now {after}"]
    return changed + ([f"{path}: {after.hint}"] if after.hint else [])


def _new(wishes: Wishes, root: bool) -> Ownership:
    rule = Ownership(os.geteuid(), os.getegid(), PRIVATE)
    if root:
        group = group_of(POSTFIX) if wishes.new_group is None else wishes.new_group
        rule.gid = rule.gid if group is None else group
    return rule


def _kept(real: str, present: os.stat_result, wishes: Wishes, fd: int | None, root: bool) -> Ownership:
    rule = Ownership.of(present)
    rule.mode &= ~FOR_OTHERS & 0o777
    reader = wishes.reader or (POSTFIX if _governed(real) else "")
    group = group_of(reader) if reader and root else None
    if group is not None:
        acl = Acl.of(real if fd is None else fd)
        rule = _served(rule, acl, group, wishes)
        hint = "" if wishes.group is not None else _advice(rule, rule.acl or acl, reader)
        rule.hint = "" if hint and _has_copy(real) else hint
    return rule


def _served(before: Ownership, acl: Acl | None, group: int, wishes: Wishes) -> Ownership:
    """Return what serves group `group`, and takes nothing from anybody but others, who have lost theirs in `before`."""
    had = group_bits(before.mode, acl)
    gid, bits = group, READ
    if wishes.group is not None:
        gid = wishes.group
    elif before.gid != group and had & (READ | WRITE) and members(before.gid):
        gid = before.gid
    if gid == before.gid:
        bits = had if wishes.group is None and gid != group else READ | had & WRITE
    after = Ownership(0, gid, before.mode & 0o700 if gid == before.gid != group else 0o600)
    if acl is not None and bits != had:
        after.acl = acl.granting(after.mode, bits)
        bits = after.acl.mask
    elif acl is not None:
        bits = before.mode >> 3 & 7  # the mask
    after.mode |= bits << 3
    if _would_lose(before, acl, after, wishes):
        after.uid = before.uid
        after.mode = before.mode & 0o700 | after.mode & 0o070
    return after


def _would_lose(before: Ownership, acl: Acl | None, after: Ownership, wishes: Wishes) -> bool:
    """Tell whether the owner `before` could do less with the file if it were root's."""
    if not somebody(before.uid):
        return False
    mode = after.mode if wishes.mode is None else wishes.mode
    owner = Who.of(before.uid)
    has = owner.may(after.uid, after.gid, mode, acl if after.acl is None else after.acl)
    return bool(owner.may(before.uid, before.gid, before.mode, acl) & ~has & (READ | WRITE))


def _governed(real: str) -> bool:
    """Tell whether `real` is a default database or its copy in the chroot, or what one of these names leads to."""
    names = governed()
    return real in names or any(leads_to(name) == real for name in names)


def _has_copy(real: str) -> bool:
    """Tell whether smtpd reads a copy in its chroot instead of the default database `real`."""
    copy = copy_in_jail(real)
    try:
        return copy is not None and not os.path.samefile(copy, real)
    except OSError:
        return False


def _advice(rule: Ownership, acl: Acl | None, reader: str) -> str:
    """Return how `reader`, as whom smtpd runs, can be let in; "" where it is in, or there is no such user."""
    if lets_in(reader, rule, acl):
        return ""
    if rule.gid == group_of(reader):
        return f"smtpd (user {reader}) cannot read it, because its access control list says so; see getfacl"
    group = group_name(rule.gid)
    names = members(rule.gid)
    listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    reason = f"smtpd (user {reader}) cannot read it, because it keeps group {group}, which gives {listed} access"
    ways = [f"to give it to group {reader} instead: --group {reader} or SASLDB_GROUP={reader}"]
    if group_bits(rule.mode, acl) & READ:
        ways.insert(0, f"to let smtpd in, run: usermod -a -G {group} {reader} && postfix reload")
    return "; ".join([reason, *ways])


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
