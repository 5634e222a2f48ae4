"""The text of Postfix's sender login map, generated from a database: each user owns the address that is their name.

A line is `user@realm<TAB>owners`, owners being the logins that smtpd may report for the user. Where two users differ in case alone, both
own the address, for Postfix looks addresses up, and compares owners, without regard to case. A name that is no plain address, or could not
stand in such a table, is left out and counted.

Source: Postfix 3.7, postconf(5) smtpd_sender_login_maps, DATABASE_README (text of tables), RFC 5321 section 4.1.2 (dot-string).
Errors: those of `store.reading`.
"""

from __future__ import annotations

import os

from sasldb.errors import EmptyFile, NotFound
from sasldb.model.record import split_key
from sasldb.store.reading import Database

HEADING = b"# address -> the logins that may use it. Written by: sasldb postfix sender-login-maps\n"
_ATOMS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.")
_LABELS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")

Owners = dict[bytes, set[bytes]]


class Table:
    """The text of the map, how many `addresses` it has, the `realms` (text) of their users, and how many users were `left_out`."""

    __slots__ = ("addresses", "left_out", "realms", "text")

    def __init__(self, path: str, bare_realm: str | None) -> None:
        """Read the database `path`; a missing or empty one has no users.

        `bare_realm` is the realm of users whom smtpd reports without one; None where it never does.
        """
        self.left_out = 0
        self.realms: set[str] = set()
        owners: dict[bytes, list[bytes]] = {}
        bare = None if bare_realm is None else os.fsencode(bare_realm)
        for user, realm in users(path):
            if not _is_address(user, realm):
                self.left_out += 1
                continue
            self.realms.add(os.fsdecode(realm))
            address = b"%b@%b" % (user, realm)
            logins = [address, user] if realm == bare else [address]
            owners.setdefault(address.lower(), []).extend(logins)
        self.addresses = len(owners)
        lines = [b"%b\t%b\n" % (address, b", ".join(logins)) for address, logins in sorted(owners.items())]
        self.text = HEADING + b"".join(lines)


def users(path: str) -> set[tuple[bytes, bytes]]:
    """Return (user, realm) of everybody in the database `path`; a missing or empty one has no users."""
    try:
        with Database(path) as database:
            keys = (split_key(key) for batch in database.key_batches() for key in batch)
            return {names[:2] for names in keys if names is not None}
    except (NotFound, EmptyFile):
        return set()


def owners(text: bytes) -> Owners:
    """Return address -> owners of the text of a map, all in lower case."""
    found: Owners = {}
    for line in text.lower().splitlines():
        address, *logins = line.replace(b",", b" ").split() or [b"#"]
        if not address.startswith(b"#"):
            found.setdefault(address, set()).update(logins)
    return found


def is_of_ours(address: bytes, logins: set[bytes]) -> bool:
    """Tell whether a `Table` may ever have had these `owners` of an address: it gives nobody an address but the own one."""
    return logins <= {address, address.partition(b"@")[0]}


def _is_address(user: bytes, realm: bytes) -> bool:
    dots = user.startswith(b".") or user.endswith(b".") or b".." in user
    return (
        bool(user and realm) and not dots and user[:1] != b"#" and _ATOMS.issuperset(user) and _LABELS.issuperset(realm)
    )
