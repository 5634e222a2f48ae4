"""The group of a database: who else may read it by that group, and may need to.

Source: Debian's sasl2-bin gives /etc/sasldb2 to root:sasl, and its README has users of libsasl made members of that group.
Raises nothing.
"""

from __future__ import annotations

import grp
import os
import pwd

SASL = "sasl"


def of(path: str) -> str:
    """Return the name of the file's group, its number where it has none, "" where there is no file."""
    try:
        gid = os.stat(path).st_gid
    except OSError:
        return ""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def others(path: str, user: str) -> list[str]:
    """Return who may read the file at `path` by its group, but for root and `user`, as names in order."""
    try:
        entry = grp.getgrgid(os.stat(path).st_gid)
    except (OSError, KeyError):
        return []
    if entry.gr_gid == 0:
        return []
    members = {*entry.gr_mem, *(account.pw_name for account in pwd.getpwall() if account.pw_gid == entry.gr_gid)}
    return sorted(members - {"root", user})
