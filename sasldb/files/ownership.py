"""Owner, group, mode and access control list of a file: as values, given to an open file, and reported as sentences.

Which ones a file must have is the caller's to say, by a rule (see `policy.ownership`). Errors: the OSError of `give`.
"""

from __future__ import annotations

import os
import stat

from sasldb.files.acl import Acl
from sasldb.files.names import group_name, user_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Rule(Protocol):
        """Says what a file must have; `policy.ownership` has the rule of databases."""

        def due(self, real: str, present: os.stat_result | None, fd: int | None = None) -> Ownership:
            """What the file at `real` must have after a write; `present` is its status, None if it is new; `fd` its descriptor."""


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
