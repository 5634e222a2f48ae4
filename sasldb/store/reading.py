"""Reading a database: a snapshot of one file as accounts, records and keys, and the check of a password.

Errors: NotFound, AccessDenied, UnsafeFile, EmptyFile, UnknownFormat, FormatUnavailable, Corrupt; BadName for a login with NUL.
"""

from __future__ import annotations

from sasldb.errors import Corrupt
from sasldb.files.deadline import Deadline
from sasldb.files.snapshot import Snapshot
from sasldb.formats.table import open_pages
from sasldb.model.identity import UserId
from sasldb.model.record import split_key
from sasldb.model.secret import Secret
from sasldb.model.text import to_bytes
from sasldb.store.accounts import as_account, gather, identify, of_user

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sasldb.formats.table import Pages
    from sasldb.model.account import Account
    from sasldb.model.verdict import Verdict

WAIT = 2.0  # seconds; a Cyrus tool writes for some milliseconds


class Database:
    """One database as it was when it was opened. A context manager; iterating gives its accounts in the file's own order."""

    __slots__ = ("_closed", "_pages", "_snapshot", "path", "realm")

    def __init__(
        self, path: str, realm: str | bytes | None = None, checked: bool = True, *, wait: float = WAIT
    ) -> None:
        """Take the snapshot of `path`. `realm` is that of bare user names; None is the host's name in lower case.

        With `checked` the whole file is looked at first, so that damage is told before anything is read; without it a page is
        looked at when it is reached, which a list of a large file prefers. `wait` is the longest time to wait for a program
        that is writing, in seconds.
        """
        self.path = path
        self._closed = False
        self.realm = None if realm is None else to_bytes(realm)
        deadline = Deadline(wait)
        while True:
            self._snapshot = Snapshot(path, deadline, lambda read, size: open_pages(read, size, path))
            try:
                self._pages: Pages = open_pages(self._read, self._snapshot.size, path)
                if checked:
                    self._pages.check()
                return
            except Corrupt:
                self._snapshot.close()
                if not self._snapshot.settles():
                    raise
            except BaseException:
                self._snapshot.close()
                raise

    def _read(self, offset: int, length: int) -> bytes:
        if self._closed:
            raise ValueError(f"{self.path}: read after it was closed")
        return self._snapshot.read(offset, length)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the snapshot go; reading from it is then a ValueError."""
        self._closed = True
        self._snapshot.close()

    def __iter__(self) -> Iterator[Account]:
        """Yield every account (see `store.accounts` about order and memory)."""
        return gather(self._pages.items())

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) of every record, malformed keys too, in the file's own order, as bytes."""
        return self._pages.items()

    def key_batches(self) -> Iterator[list[bytes]]:
        """Yield the keys of all records, malformed ones too, in the file's own order, some hundreds at a time."""
        return self._pages.key_batches()

    def malformed_keys(self) -> list[bytes]:
        """Return the keys that are not exactly user, realm and property."""
        return [key for batch in self._pages.key_batches() for key in batch if split_key(key) is None]

    def value(self, key: bytes) -> bytes | None:
        """Return the value of one record (bytes), None when there is none."""
        return self._pages.get(key)

    def get(self, login: str | bytes | UserId) -> Account | None:
        """Return the account of `login` with every property, None when it has no record. Reads the whole file."""
        user_id = identify(login, self.realm)
        return as_account(user_id, of_user(user_id.prefix, self._pages.items()))

    def verify(self, login: str | bytes | UserId, password: bytes | Secret) -> Verdict:
        """Check `password` against everything that is stored for `login`."""
        from sasldb.secrets.check import check_password

        user_id = identify(login, self.realm)
        offered = password.reveal() if isinstance(password, Secret) else password
        return check_password(user_id, of_user(user_id.prefix, self._pages.items()), offered)
