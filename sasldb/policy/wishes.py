"""What a caller wants of owner, group and mode, against the rule of `files.ownership`.

Errors: SasldbError for an owner, group or mode that does not exist.
"""

from __future__ import annotations

import grp
import pwd

from sasldb.errors import SasldbError
from sasldb.policy.access import Who
from sasldb.files.names import number_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

POSTFIX = "postfix"
FOR_OTHERS = 0o007


class Wishes:
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
    def parse(cls, owner: str | None = None, group: str | None = None, mode: str | None = None) -> Wishes:
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

    def for_copy(self) -> Wishes:
        """Return what of it goes for the copy in Postfix's chroot, which smtpd alone reads: nothing that would shut smtpd out."""
        try:
            gids = Who.named(POSTFIX).gids
        except KeyError:
            return self
        group = self.group if self.group in gids else None
        mode = self.mode if self.mode is not None and self.mode & 0o040 else None
        return Wishes(self.owner, group, mode, self.reader)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Wishes:
        """Read SASLDB_OWNER, SASLDB_GROUP and SASLDB_MODE; the errors are those of `parse`."""
        return cls.parse(environ.get("SASLDB_OWNER"), environ.get("SASLDB_GROUP"), environ.get("SASLDB_MODE"))
