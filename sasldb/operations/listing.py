"""The users of a database, each once, as a stream: a million of them need no more memory than a hundred.

A user is listed when its userPassword passes by. Who has records but no userPassword (a SCRAM verifier alone, say) comes after
all the others: names are gathered, those with a userPassword are struck off, and what is left is listed. So that memory stays
bounded, each round of that takes a share of the names, by their hash. Malformed keys are counted.

Errors: Corrupt, also at the end, where records turn out to be missing; those of reading the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from sasldb.model.identity import UserId
from sasldb.secrets.properties import USER_PASSWORD
from sasldb.store.reading import Database

_TAIL = b"\0" + USER_PASSWORD
_AT_ONCE = 200_000  # names held in memory; some 30 MB


class Listing:
    """The users of `database`, of `realm` alone where it is not None (bytes).

    `malformed` counts the keys that are not user, realm and property, in any realm, once the iteration has ended.
    """

    __slots__ = ("_at_once", "_database", "_realm", "malformed")

    def __init__(self, database: Database, realm: bytes | None = None, at_once: int = _AT_ONCE) -> None:
        """Take an open database. At most about `at_once` names are held in memory."""
        self._database = database
        self._realm = realm
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
            yield from self._wanted(names)
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
        return self._wanted(list(names))

    def _wanted(self, names: list[bytes]) -> Iterator[UserId]:
        """Yield the users of `names` (user NUL realm) that are wanted."""
        for name in names:
            user, _, realm = name.partition(b"\0")
            if self._realm is None or realm == self._realm:
                yield UserId(user, realm)
