"""The users of a database, each once, as a stream: a million of them need no more memory than a hundred.

A user is listed when its userPassword passes by. Who has records but no userPassword (a SCRAM verifier alone, say) comes after
all the others: names are gathered, those with a userPassword are struck off, and what is left is listed. So that memory stays
bounded, each round of that takes a share of the names, by their hash. Malformed keys are counted.

Errors: Corrupt, also at the end, where records turn out to be missing; those of reading the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from sasldb.model.identity import UserId
from sasldb.model.text import to_bytes, to_text
from sasldb.secrets.properties import USER_PASSWORD
from sasldb.store.reading import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_TAIL = b"\0" + USER_PASSWORD
_AT_ONCE = 200_000  # names held in memory; some 30 MB


class Wanted:
    """Which users are asked for: those of `realm` alone where it is not None, whose names `pattern` fits where it is not None."""

    __slots__ = ("_fits", "_realm", "_whole")

    def __init__(self, realm: str | bytes | None = None, pattern: str | None = None) -> None:
        """Take a realm and a pattern of the shell (`*`, `?`, `[...]`; case matters): for user@realm if it has an `@`, else for the user."""
        self._realm = None if realm is None else to_bytes(realm)
        self._whole = pattern is not None and "@" in pattern
        self._fits = None if pattern is None else _matcher(pattern)

    def __call__(self, user: bytes, realm: bytes) -> bool:
        """Tell whether `user` of `realm` (bytes) is asked for."""
        if self._realm is not None and realm != self._realm:
            return False
        return self._fits is None or self._fits(to_text(b"%b@%b" % (user, realm) if self._whole else user))

    @property
    def everybody(self) -> bool:
        """Whether every user is."""
        return self._realm is None and self._fits is None


class Listing:
    """The users of `database` that are `wanted`.

    `malformed` counts the keys that are not user, realm and property, of anybody, once the iteration has ended.
    """

    __slots__ = ("_at_once", "_database", "_wanted", "malformed")

    def __init__(self, database: Database, wanted: Wanted | None = None, at_once: int = _AT_ONCE) -> None:
        """Take an open database. At most about `at_once` names are held in memory."""
        self._database = database
        self._wanted = wanted or Wanted()
        self._at_once = at_once
        self.malformed = 0

    def __iter__(self) -> Iterator[UserId]:
        """Yield each user once: in the file's own order those with a userPassword, then those without."""
        self.malformed = others = 0
        for keys in self._database.key_batches():
            # What allows several values under one key gives the key as often, all together.
            sound = [key for key in dict.fromkeys(keys) if key.count(0) == 2]
            if len(sound) < len(keys):
                self.malformed += sum(key.count(0) != 2 for key in keys)
            names = [key[: -len(_TAIL)] for key in sound if key.endswith(_TAIL)]
            others += len(sound) - len(names)
            yield from self._chosen(names)
        shares = -(-others // self._at_once)
        for share in range(shares):
            yield from self._without_password(share, shares)

    def _without_password(self, share: int, shares: int) -> Iterator[UserId]:
        """Yield, of one in `shares` shares of the names, those that have other records and no userPassword."""
        names: dict[bytes, None] = {}
        for keys in self._database.key_batches():
            others = [key[: key.rindex(0)] for key in keys if key.count(0) == 2 and not key.endswith(_TAIL)]
            names.update(dict.fromkeys([name for name in others if hash(name) % shares == share]))
        for keys in self._database.key_batches():
            for name in names.keys() & [key[: -len(_TAIL)] for key in keys if key.endswith(_TAIL)]:
                del names[name]
        return self._chosen(list(names))

    def _chosen(self, names: list[bytes]) -> Iterator[UserId]:
        """Yield the users of `names` (user NUL realm) that are wanted."""
        everybody = self._wanted.everybody
        for name in names:
            user, _, realm = name.partition(b"\0")
            if everybody or self._wanted(user, realm):
                yield UserId(user, realm)


def count(listing: Listing) -> dict[str, int]:
    """Return realm (text) -> number of users, realms by name; the listing is gone through."""
    numbers: dict[bytes, int] = {}
    for user in listing:
        numbers[user.realm] = numbers.get(user.realm, 0) + 1
    return {to_text(realm): numbers[realm] for realm in sorted(numbers)}


def _matcher(pattern: str) -> Callable[[str], bool]:
    import re
    from fnmatch import translate

    match = re.compile(translate(pattern)).match
    return lambda name: match(name) is not None
