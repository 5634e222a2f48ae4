"""Owner, group and mode of a database: the rules of the Postfix howto, and what the caller overrules.

The file holds passwords, so nobody else may ever read it:
- a new database, and always the default one and its copy in Postfix's chroot, also where these names are links: root:postfix 0640;
- a default database whose group has postfix as a member (Debian's root:sasl) keeps its group;
- any other existing database keeps owner, group and mode, less every permission for others;
- as non-root nothing can be given away: our own user and group.

Errors: DatabaseError for an owner, group or mode that does not exist.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat

from sasldb.errors import SasldbError
from sasldb.files.jail import governed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

POSTFIX = "postfix"
PRIVATE = 0o640
_FOR_OTHERS = 0o007
_NOBODY = 2**32 - 1  # as uid or gid it is -1, which chown(2) takes for "leave it"


class Wishes:
    """What the caller overrules: `owner` (uid), `group` (gid), `mode` (permission bits); None leaves it to the rule."""

    __slots__ = ("group", "mode", "owner")

    def __init__(self, owner: int | None = None, group: int | None = None, mode: int | None = None) -> None:
        self.owner = owner
        self.group = group
        self.mode = mode

    @classmethod
    def parse(cls, owner: str | None = None, group: str | None = None, mode: str | None = None) -> Wishes:
        """Read names or numbers (`mode` in octal); None and "" are no wish.

        Raises:
            SasldbError: an unknown user or group, a number that can be none, or a mode that is not octal, exceeds 0777 or lets
                others in.
        """
        uid = _number(owner, "owner", lambda name: pwd.getpwnam(name).pw_uid)
        gid = _number(group, "group", lambda name: grp.getgrnam(name).gr_gid)
        if not mode:
            return cls(uid, gid, None)
        if mode.strip("01234567"):  # int() would also take a sign, blanks, 0o and the digits of other scripts
            raise SasldbError(f"mode {mode}", "not an octal number", "for example 0640")
        bits = int(mode, 8)
        if bits > 0o777 or bits & _FOR_OTHERS:
            raise SasldbError(f"mode {mode}", "the file holds passwords: no permission for others", "for example 0640")
        return cls(uid, gid, bits)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Wishes:
        """Read SASLDB_OWNER, SASLDB_GROUP and SASLDB_MODE; the errors are those of `parse`."""
        return cls.parse(environ.get("SASLDB_OWNER"), environ.get("SASLDB_GROUP"), environ.get("SASLDB_MODE"))


class Ownership:
    """What a file shall have: `uid`, `gid`, `mode` (permission bits)."""

    __slots__ = ("gid", "mode", "uid")

    def __init__(self, uid: int, gid: int, mode: int) -> None:
        self.uid = uid
        self.gid = gid
        self.mode = mode

    @classmethod
    def of(cls, status: os.stat_result) -> Ownership:
        """Return what the file of `status` has now."""
        return cls(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ownership) and (self.uid, self.gid, self.mode) == (other.uid, other.gid, other.mode)

    __hash__ = None  # type: ignore[assignment]  # compared, never a key

    def __str__(self) -> str:
        """Return it as `owner:group mode`, names where there are any."""
        return f"{_user_name(self.uid)}:{_group_name(self.gid)} {self.mode:04o}"


def due(real: str, present: os.stat_result | None, wishes: Wishes) -> Ownership:
    """Return what the database at `real` (a path without links) shall have after a write.

    `present` is the status of the file that is there, None where a new one is made.
    """
    if present is None:
        rule = Ownership(os.geteuid(), os.getegid(), PRIVATE)
        if rule.uid == 0:
            rule.gid = _postfix_group(rule.gid)
    else:
        rule = Ownership.of(present)
        rule.mode &= ~_FOR_OTHERS & 0o777
        if _governed(real) and os.geteuid() == 0 and _postfix_group(-1) != -1:
            rule.uid, rule.mode = 0, PRIVATE
            if not _postfix_in(rule.gid):
                rule.gid = _postfix_group(rule.gid)
    if wishes.owner is not None:
        rule.uid = wishes.owner
    if wishes.group is not None:
        rule.gid = wishes.group
    if wishes.mode is not None:
        rule.mode = wishes.mode
    return rule


def _governed(real: str) -> bool:
    """Tell whether `real` is a default database or its copy in the chroot, or what one of these names leads to."""
    names = governed()
    return real in names or any(os.path.realpath(name) == real for name in names)


def told(path: str, present: os.stat_result, after: Ownership) -> list[str]:
    """Return the sentence that says what a write changed of an existing file's owner and mode; [] when nothing."""
    before = Ownership.of(present)
    return [] if before == after else [f"{path}: was {before}, is now {after}"]


def _postfix_group(otherwise: int) -> int:
    """Return the gid of group postfix, or `otherwise` where there is no such group."""
    try:
        return grp.getgrnam(POSTFIX).gr_gid
    except KeyError:
        return otherwise


def _postfix_in(gid: int) -> bool:
    """Tell whether the user postfix is a member of group `gid`."""
    try:
        return POSTFIX in grp.getgrgid(gid).gr_mem or pwd.getpwnam(POSTFIX).pw_gid == gid
    except KeyError:
        return False


def _number(name: str | None, what: str, look_up: object) -> int | None:
    """Return the number of a user or group given by name or number; None for no name."""
    if not name:
        return None
    if name.isascii() and name.isdigit():
        digits = name.lstrip("0") or "0"
        if len(digits) > len(str(_NOBODY)) or int(digits) >= _NOBODY:
            raise SasldbError(f"{what} {name}", f"not a number from 0 to {_NOBODY - 1}")
        return int(digits)
    try:
        number: int = look_up(name)  # type: ignore[operator]
    except (KeyError, ValueError):  # ValueError: a NUL, or a character that this locale has no octets for
        raise SasldbError(f"{what} {name}", "no such name on this host") from None
    return number


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
