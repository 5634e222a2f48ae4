"""Editing a database: changes gathered in memory, then brought into the file all at once or not at all.

The lock is held from the beginning of the block to its end. What a block changes is applied to the file as it is at the end; a
Cyrus tool may have written meanwhile (it takes no lock), and its change is kept, unless it changed something that the block
had read: then the error is Conflict.

Errors: those of `store.reading`; Locked, WriteFailed, AccessDenied, Conflict (nothing was changed); NoSuchUser, BadName,
BadPassword.
"""

from __future__ import annotations

import os

from sasldb.errors import BadName, BadPassword, NoSuchUser
from sasldb.files.exclusive import Exclusive, claim
from sasldb.model.identity import UserId
from sasldb.model.record import split_key
from sasldb.model.secret import Secret
from sasldb.model.text import to_bytes, to_text
from sasldb.policy.chroot import copy_in_jail
from sasldb.policy.ownership import OwnershipOptions
from sasldb.secrets.properties import DERIVED, USER_PASSWORD
from sasldb.store.accounts import as_account, gather, identify, of_user
from sasldb.store.changes import ChangeSet
from sasldb.store.commit import commit
from sasldb.store.ground import Ground

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sasldb.model.account import Account
    from sasldb.store.copies import ChrootCopy

LONGEST_PASSWORD = 8192  # bytes; libsasl cannot read more (plugins/sasldb.c, observed)
WAIT = 30.0  # seconds
_DERIVED = frozenset(DERIVED)


class Editor:
    """One database, locked; a context manager that commits at the end of its block, unless the block raises.

    Attributes:
        path: as given.
        notes: sentences for the user about changed owner and mode, after the commit.
        warnings: sentences about where the file lies.
    """

    __slots__ = ("_changes", "_ground", "_held", "_options", "_over", "notes", "path", "realm", "warnings")

    def __init__(self, held: Exclusive, realm: bytes | None, options: OwnershipOptions) -> None:
        """Use `edit` to make one. `held` is the locked file."""
        self.path = held.path
        self.realm = realm
        self.notes: list[str] = []
        self.warnings = held.warnings
        self._held = held
        self._options = options
        self._ground = Ground(held)
        self._changes = ChangeSet()
        self._over = False

    # What is there, as the block has left it

    def value(self, key: bytes) -> bytes | None:
        """Return the value of one record (bytes), None when there is none."""
        return self._open().value(key, self._ground.value)

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) of every record, malformed keys too: in the file's order, then those that are new."""
        present = []
        for key, old in self._ground.items():
            present.append(key)
            value = self._changes.value(key, lambda _, old=old: old)  # type: ignore[misc]
            if value is not None:
                yield key, value
        yield from self._changes.added(present)

    def __iter__(self) -> Iterator[Account]:
        """Yield every account (see `store.accounts` about order and memory)."""
        return gather(self.records())

    def properties(self, login: str | bytes | UserId) -> dict[bytes, bytes]:
        """Return property name -> value (bytes) of `login`; {} when it has no record. Reads the whole file."""
        return of_user(self.identify(login).prefix, self.records())

    def get(self, login: str | bytes | UserId) -> Account | None:
        """Return the account of `login` with every property, None when it has no record. Reads the whole file."""
        user_id = self.identify(login)
        return as_account(user_id, self.properties(user_id))

    def identify(self, login: str | bytes | UserId) -> UserId:
        """Return the user id that `login` means here; BadName for a NUL."""
        return identify(login, self.realm)

    def _open(self) -> ChangeSet:
        if self._over:
            raise ValueError(f"{self.path}: the edit is over")
        return self._changes

    # Changing it

    def put(self, key: bytes, value: bytes) -> None:
        """Store one record verbatim; BadName when the key is not user, realm and property."""
        if split_key(key) is None:
            raise BadName(to_text(key).replace("\0", "\\0"), "not a key of user, realm and property")
        if not isinstance(value, (bytes, bytearray)):
            raise TypeError(f"a value is bytes, not {type(value).__name__}")
        self._open().put(key, bytes(value))

    def remove(self, key: bytes) -> None:
        """Remove one record, malformed keys too; one that is absent is no error."""
        self._open().put(key, None)

    def set_password(self, login: str | bytes | UserId, password: bytes | Secret) -> None:
        """Store the plaintext `password` for `login`, which need not exist, and remove every secret derived from an old one.

        Raises:
            BadName: an empty user. BadPassword: empty, longer than 8192 bytes, or with a NUL, where libsasl would cut it.
        """
        user_id = self.identify(login)
        value = password.reveal() if isinstance(password, Secret) else password
        if not user_id.user:
            raise BadName(str(user_id), "an empty user name")
        check_storable(user_id, value)
        changes = self._open()
        changes.clear(user_id.prefix, _DERIVED)
        changes.put(user_id.prefix + USER_PASSWORD, value)

    def delete(self, login: str | bytes | UserId, missing_ok: bool = False) -> None:
        """Remove every property of `login`, those this package has never heard of too.

        Raises:
            NoSuchUser: it had none, and `missing_ok` is false.
        """
        user_id = self.identify(login)
        if not missing_ok and not self.properties(user_id):
            raise NoSuchUser(str(user_id), f"no such user in {self.path}")
        self._open().clear(user_id.prefix, None)

    # The end of the block

    def commit(self) -> None:
        """Bring the changes into the file, and then into its copy in Postfix's chroot; the end of a `with` block calls this.

        Raises:
            StaleCopy: the changes are in the file, and could not be brought into the copy.
            DatabaseError: as the module says; nothing was changed.
        """
        changes = self._open()
        self._over = True
        copy = self._jail_copy()
        self._held.deadline.go_on()
        while not commit(self._held, self._ground, changes):
            self._held.lock_again()  # another process made the file just now: its lock is the one to have
        self.notes = self._held.notes
        if copy is not None:
            self.notes += copy.follow()

    def _jail_copy(self) -> ChrootCopy | None:
        """Return the copy of a default database in Postfix's chroot, None where there is none."""
        path = copy_in_jail(self.path, self._held.real)
        if path is None:
            return None
        from sasldb.store.copies import ChrootCopy

        return ChrootCopy(self._held, path, self._options)

    def close(self) -> None:
        """Give the lock back; changes that were not committed are forgotten."""
        self._over = True
        self._held.close()

    def __enter__(self) -> Editor:
        return self

    def __exit__(self, kind: object, *exc_info: object) -> None:
        try:
            if kind is None and not self._over:
                self.commit()
        finally:
            self.close()


def check_storable(user_id: UserId, password: bytes) -> None:
    """Raise BadPassword when libsasl could not use `password` (bytes) as it stands."""
    if not password:
        raise BadPassword(str(user_id), "an empty password")
    if 0 in password:
        raise BadPassword(str(user_id), "a NUL in the password, where libsasl would cut it")
    if len(password) > LONGEST_PASSWORD:
        raise BadPassword(str(user_id), f"a password of more than {LONGEST_PASSWORD} bytes, which libsasl cannot read")


def edit(
    path: str,
    *,
    realm: str | bytes | None = None,
    create: bool = True,
    adopt_empty: bool = False,
    wait: float = WAIT,
    wishes: OwnershipOptions | None = None,
) -> Editor:
    """Lock the database `path` for a block of changes.

    Args:
        path: the file, as text.
        realm: of bare user names; None is the host's name in lower case.
        create: make the file at the commit when there is none.
        adopt_empty: take a file of zero bytes for an empty database.
        wait: the longest time to wait for others, for the lock and for programs that take none, in seconds.
        wishes: owner, group and mode; None takes them from SASLDB_OWNER, SASLDB_GROUP and SASLDB_MODE.

    Raises:
        NotFound, EmptyFile, AccessDenied, UnsafeFile, Locked: see the classes.
    """
    rule = OwnershipOptions.from_environment(os.environ) if wishes is None else wishes
    held = claim(path, rule, create=create, adopt_empty=adopt_empty, wait=wait)
    return Editor(held, None if realm is None else to_bytes(realm), rule)
