"""Owner, group and mode of a database: the rules of the Postfix howto, and what the caller overrules.

The file holds passwords, so nobody else may ever read it:
- a new database is root:postfix 0640; one that is made for another service belongs to the group of that service's user;
- a default database and its copy in Postfix's chroot, also where these names are links, become that too, but access is never taken away
  unasked: a group that gives somebody access stays, with what it may do (`policy.access`), and so does an owner who would lose something;
- any other existing database keeps owner, group and mode, less every permission for others;
- as non-root nothing can be given away: our own user and group.
Entries of an access control list stay. What smtpd then lacks to read the file is said (`Ownership.hint`), not taken from others.

Errors: SasldbError for an owner, group or mode that does not exist.
"""

from __future__ import annotations

import grp
import os
import pwd

from sasldb.errors import SasldbError
from sasldb.files.acl import Acl
from sasldb.files.names import group_name, number_of
from sasldb.files.ownership import Ownership
from sasldb.model.text import counted
from sasldb.policy.access import POSTFIX, READ, WRITE, Who, group_bits, group_of, lets_in, members, somebody
from sasldb.policy.chroot import copy_in_jail, governed, leads_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FOR_OTHERS = 0o007
PRIVATE = 0o640


class OwnershipOptions:
    """What the caller overrules: `owner` (uid), `group` (gid), `mode` (permission bits); None leaves it to the rule.

    Attributes:
        new_group: the gid of a database that is made, None for postfix's. remark: what there is to say about that group, as a sentence.
        reader: the user who must be able to read the file, where it is not a default database, which smtpd reads.
    """

    __slots__ = ("group", "mode", "new_group", "owner", "reader", "remark")

    def __init__(
        self,
        owner: int | None = None,
        group: int | None = None,
        mode: int | None = None,
        reader: str | None = None,
    ) -> None:
        self.owner = owner
        self.group = group
        self.mode = mode
        self.new_group: int | None = None
        self.remark = ""
        self.reader = reader

    @classmethod
    def parse(cls, owner: str | None = None, group: str | None = None, mode: str | None = None) -> OwnershipOptions:
        """Read names or numbers (`mode` in octal); None and "" are no wish.

        Raises:
            SasldbError: an unknown user or group, a number that can be none, or a mode that is not octal, exceeds 0777 or lets
                others in.
        """
        uid = number_of(owner, "owner", lambda name: pwd.getpwnam(name).pw_uid)
        gid = number_of(group, "group", lambda name: grp.getgrnam(name).gr_gid)
        if not mode:
            return cls(uid, gid, None)
        if mode.strip("01234567"):  # int() would also take a sign, blanks, 0o and the digits of other scripts
            raise SasldbError(f"mode {mode}", "not an octal number", "for example 0640")
        bits = int(mode, 8)
        if bits > 0o777 or bits & FOR_OTHERS:
            raise SasldbError(f"mode {mode}", "the file holds passwords: no permission for others", "for example 0640")
        return cls(uid, gid, bits)

    def for_copy(self) -> OwnershipOptions:
        """Return what of it goes for the copy in Postfix's chroot, which smtpd alone reads: nothing that would shut smtpd out."""
        try:
            gids = Who.named(POSTFIX).gids
        except KeyError:
            return self
        group = self.group if self.group in gids else None
        mode = self.mode if self.mode is not None and self.mode & 0o040 else None
        return OwnershipOptions(self.owner, group, mode, self.reader)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> OwnershipOptions:
        """Read SASLDB_OWNER, SASLDB_GROUP and SASLDB_MODE; the errors are those of `parse`."""
        return cls.parse(environ.get("SASLDB_OWNER"), environ.get("SASLDB_GROUP"), environ.get("SASLDB_MODE"))

    def due(self, real: str, present: os.stat_result | None, fd: int | None = None) -> Ownership:
        """Return what the database at `real` (a path without links) must have after a write.

        `present` is the status of the file that is there, None if a new one is made. `fd` is its descriptor, for its access control list;
        without it the list is looked at by the path.
        """
        root = os.geteuid() == 0
        return self._overruled(_new(self, root) if present is None else _kept(real, present, self, fd, root))

    def due_for_root(self, real: str, present: os.stat_result) -> Ownership:
        """Return what `due` would return to root: for advice to other users."""
        return self._overruled(_kept(real, present, self, None, True))

    def _overruled(self, rule: Ownership) -> Ownership:
        if self.owner is not None:
            rule.uid = self.owner
        if self.group is not None:
            rule.gid = self.group
        if self.mode is not None:
            rule.mode = self.mode
        return rule


def closed(present: Ownership, wanted: Ownership) -> Ownership:
    """Return what a file with other passwords must have: `wanted`, or less only what others may where somebody has access by owner or group."""
    by_group = present.gid != wanted.gid and present.mode >> 3 & (READ | WRITE) and members(present.gid)
    if by_group or (present.mode >> 6 & (READ | WRITE) and somebody(present.uid)):
        return Ownership(present.uid, present.gid, present.mode & ~FOR_OTHERS & 0o777)
    return wanted


def _new(options: OwnershipOptions, root: bool) -> Ownership:
    rule = Ownership(os.geteuid(), os.getegid(), PRIVATE)
    if root:
        group = group_of(POSTFIX) if options.new_group is None else options.new_group
        rule.gid = rule.gid if group is None else group
    return rule


def _kept(real: str, present: os.stat_result, options: OwnershipOptions, fd: int | None, root: bool) -> Ownership:
    rule = Ownership.of(present)
    rule.mode &= ~FOR_OTHERS & 0o777
    reader = options.reader or (POSTFIX if _governed(real) else "")
    group = group_of(reader) if reader and root else None
    if group is not None:
        acl = Acl.of(real if fd is None else fd)
        rule = _served(rule, acl, group, options)
        hint = "" if options.group is not None else _advice(rule, rule.acl or acl, reader)
        rule.hint = "" if hint and _has_copy(real) else hint
    return rule


def _served(before: Ownership, acl: Acl | None, group: int, options: OwnershipOptions) -> Ownership:
    """Return what serves group `group`, and takes nothing from anybody but others, who have lost theirs in `before`."""
    had = group_bits(before.mode, acl)
    gid, bits = group, READ
    if options.group is not None:
        gid = options.group
    elif before.gid != group and had & (READ | WRITE) and members(before.gid):
        gid = before.gid
    if gid == before.gid:
        bits = had if options.group is None and gid != group else READ | had & WRITE
    after = Ownership(0, gid, before.mode & 0o700 if gid == before.gid != group else 0o600)
    if acl is not None and bits != had:
        after.acl = acl.granting(after.mode, bits)
        bits = after.acl.mask
    elif acl is not None:
        bits = before.mode >> 3 & 7  # the mask
    after.mode |= bits << 3
    if _would_lose(before, acl, after, options):
        after.uid = before.uid
        after.mode = before.mode & 0o700 | after.mode & 0o070
    return after


def _would_lose(before: Ownership, acl: Acl | None, after: Ownership, options: OwnershipOptions) -> bool:
    """Tell whether the owner `before` could do less with the file if it were root's."""
    if not somebody(before.uid):
        return False
    mode = after.mode if options.mode is None else options.mode
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
    listed = counted(members(rule.gid))
    reason = f"smtpd (user {reader}) cannot read it, because it keeps group {group}, which gives {listed} access"
    ways = [f"to give it to group {reader} instead: --group {reader} or SASLDB_GROUP={reader}"]
    if group_bits(rule.mode, acl) & READ:
        ways.insert(0, f"to let smtpd in, run: usermod -a -G {group} {reader} && postfix reload")
    return "; ".join([reason, *ways])
