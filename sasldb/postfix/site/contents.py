"""What a database holds, counted once for all checks: realms, mechanisms that each user can use, and records that cannot work.

No secret is kept: only names, and what a secret serves. Memory grows with the number of users.
Errors: those of `store.reading`.
"""

from __future__ import annotations

from sasldb.secrets.mechanisms import mechanisms_of
from sasldb.secrets.properties import USER_PASSWORD
from sasldb.store.reading import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.model.account import Account

_LONGEST = 8192  # bytes of a value that libsasl can read (plugins/sasldb.c)
_BLANKS = b" \t\r\n\v\f"


class Contents:
    """One database.

    Attributes:
        logins: user@realm of every user. realms: realm -> number of users, as text.
        served: set of mechanisms -> a user (text) who can use exactly these. unreachable: users whose name no login can match.
        odd: users whose password has a line end or a NUL in it, or is longer than libsasl reads.
    """

    def __init__(self, path: str | None) -> None:
        """Read the whole file, nothing where it is None; the errors are those of this module."""
        self.logins: set[str] = set()
        self.realms: dict[str, int] = {}
        self.served: dict[frozenset[str], str] = {}
        self.unreachable: list[str] = []
        self.odd: list[str] = []
        if path is None:
            return
        with Database(path) as database:
            for account in database:
                self._take(account)

    def _take(self, account: Account) -> None:
        login, realm = str(account.id), account.realm
        self.logins.add(login)
        self.realms[realm] = self.realms.get(realm, 0) + 1
        properties = {name.encode("utf-8", "surrogateescape"): value for name, value in account.properties.items()}
        self.served.setdefault(frozenset(mechanisms_of(properties)), login)
        user = account.id.user
        if b"@" in user or user != user.lstrip(_BLANKS) or account.id.realm != account.id.realm.rstrip(_BLANKS):
            self.unreachable.append(login)
        password = properties.get(USER_PASSWORD, b"")
        if password.endswith((b"\n", b"\r")) or 0 in password or len(password) > _LONGEST:
            self.odd.append(login)

    def lacking(self, mechanisms: list[str]) -> dict[str, str]:
        """Return mechanism -> a user who cannot use it, for those of `mechanisms` that not every user can use."""
        found = {}
        for mechanism in mechanisms:
            for served, login in self.served.items():
                if mechanism not in served:
                    found[mechanism] = login
                    break
        return found
