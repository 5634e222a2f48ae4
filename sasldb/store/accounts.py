"""From records to accounts: what reading and editing have in common.

A hash file scatters the records of one user, so accounts are gathered before they are handed out: memory grows with the number
of users. Who wants a stream reads `records()` or `key_batches()`, which keep the file's own order and need no memory.
"""

from __future__ import annotations

import os

from sasldb.model.identity import UserId
from sasldb.model.record import split_key
from sasldb.model.text import to_bytes, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sasldb.model.account import Account


def host_realm() -> bytes:
    """Return the realm of a bare user name, as Cyrus chooses it: the host's name in lower case, with no domain added."""
    return to_bytes(os.uname().nodename.lower())


def identify(login: str | bytes | UserId, realm: bytes | None) -> UserId:
    """Return the user id that `login` means: split at its first `@`, else in `realm`, else (None) in the host's.

    Raises:
        BadName: a NUL in a name.
    """
    if isinstance(login, UserId):
        return login
    return UserId.parse(login, host_realm() if realm is None else realm)


def gather(records: Iterator[tuple[bytes, bytes]]) -> Iterator[Account]:
    """Yield an account a user, in the order of each user's first record; malformed keys are passed over."""
    from sasldb.model.account import Account

    found: dict[tuple[bytes, bytes], dict[str, bytes]] = {}
    for key, value in records:
        names = split_key(key)
        if names is not None:
            found.setdefault(names[:2], {}).setdefault(to_text(names[2]), value)
    for (user, realm), properties in found.items():
        yield Account(UserId(user, realm), properties)


def of_user(prefix: bytes, records: Iterator[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return property name -> value of the one user whose keys begin with `prefix` (see `UserId.prefix`)."""
    start = len(prefix)
    return {key[start:]: value for key, value in records if key.startswith(prefix) and 0 not in key[start:]}


def as_account(user_id: UserId, properties: dict[bytes, bytes]) -> Account | None:
    """Return the account of `user_id` with `properties` (name -> value, bytes); None where there is none."""
    from sasldb.model.account import Account

    if not properties:
        return None
    return Account(user_id, {to_text(name): value for name, value in properties.items()})
