"""The users of a database with what each can log in with, in two passes: memory grows with the users who have more than a plaintext.

The first pass gathers, of every secret but userPassword, which mechanisms it serves; the second yields each user when its userPassword
passes by, and then those who have none. Which mechanisms those are is told by `secrets.mechanisms`.

Errors: those of reading the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from sasldb.errors import SecretUnusable
from sasldb.model.identity import UserId
from sasldb.operations.listing import Wanted
from sasldb.secrets.mechanisms import together, serves
from sasldb.secrets.properties import USER_PASSWORD
from sasldb.store.reading import Database

Served = tuple[tuple[bytes, tuple[str, ...]], ...]  # of some properties: (name, mechanisms that it alone would let in)

_TAIL = b"\0" + USER_PASSWORD


class Entry:
    """One user: its `id`, the `mechanisms` (str) that it can use, its `password` (bytes as stored) or None where there is no plaintext."""

    __slots__ = ("id", "mechanisms", "password")

    def __init__(self, user_id: UserId, mechanisms: tuple[str, ...], password: bytes | None) -> None:
        self.id = user_id
        self.mechanisms = mechanisms
        self.password = password

    def __repr__(self) -> str:
        return f"Entry({self.id}, {self.mechanisms})"


class Roster:
    """The entries of `database` whose users are `wanted`; `malformed` counts malformed keys once the iteration has ended."""

    __slots__ = ("_database", "_mechanisms", "_wanted", "malformed")

    def __init__(self, database: Database, wanted: Wanted) -> None:
        self._database = database
        self._wanted = wanted
        self._mechanisms: dict[Served, tuple[str, ...]] = {}
        self.malformed = 0

    def __iter__(self) -> Iterator[Entry]:
        """Yield each user once: in the file's own order those with a userPassword, then those without."""
        others = self._others()
        last = b""
        for key, value in self._database.records():
            if (
                key.endswith(_TAIL) and key.count(0) == 2 and key != last
            ):  # of several values under one key the first counts
                last = key
                name = key[: -len(_TAIL)]
                own = (USER_PASSWORD, _served(USER_PASSWORD, value))
                yield from self._entry(name, (own, *others.pop(name, ())), value)
        for name, served in others.items():
            yield from self._entry(name, served, None)

    def _others(self) -> dict[bytes, Served]:
        """Return user NUL realm -> what its secrets but userPassword serve; a name for every property of other kinds too."""
        self.malformed = 0
        found: dict[bytes, Served] = {}
        same: dict[Served, Served] = {}  # few distinct ones: each is kept once
        for key, value in self._database.records():
            if key.count(0) != 2:
                self.malformed += 1
            elif not key.endswith(_TAIL):
                owner, _, name = key.rpartition(b"\0")
                before = found.get(owner, ())
                if all(name != there for there, _ in before):
                    after = (*before, (name, _served(name, value)))
                    found[owner] = same.setdefault(after, after)
        return found

    def _entry(self, name: bytes, served: Served, password: bytes | None) -> Iterator[Entry]:
        user, _, realm = name.partition(b"\0")
        if not self._wanted(user, realm):
            return
        mechanisms = self._mechanisms.get(served)
        if mechanisms is None:
            mechanisms = self._mechanisms[served] = together(dict(served))
        yield Entry(UserId(user, realm), mechanisms, password)


def _served(name: bytes, value: bytes) -> tuple[str, ...]:
    try:
        return serves(name, value)
    except SecretUnusable:
        return ()
