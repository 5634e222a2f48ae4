"""Names and numbers of users and groups, as people give them and as they are shown.

Errors: SasldbError for a name or a number that nobody can have.
"""

from __future__ import annotations

import grp
import pwd

from sasldb.errors import SasldbError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_NOBODY = 2**32 - 1  # as uid or gid it is -1, which chown(2) takes for "leave it"


def number_of(name: str | None, what: str, look_up: Callable[[str], int]) -> int | None:
    """Return the number of a user or group given by name or number; None for no name."""
    if not name:
        return None
    if name.isascii() and name.isdigit():
        digits = name.lstrip("0") or "0"
        if len(digits) > len(str(_NOBODY)) or int(digits) >= _NOBODY:
            raise SasldbError(f"{what} {name}", f"not a number from 0 to {_NOBODY - 1}")
        return int(digits)
    try:
        return look_up(name)
    except (KeyError, ValueError):  # ValueError: a NUL, or a character that this locale has no bytes for
        raise SasldbError(f"{what} {name}", "no such name on this host") from None


def user_name(uid: int) -> str:
    """Return the name of user `uid`, its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """Return the name of group `gid`, its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
