"""Records close to the one that a login leads to: what an administrator would take for it, and libsasl does not.

Close is the same user in another realm, a name that differs in case or in blanks at its ends, and a whole `user@realm` that some program
stored as the user. Of a realm of 12 hexadecimal digits it is said that it looks like the host name of a container: that is what Docker
calls one, and what saslpasswd2 took for the realm there; the next container is called otherwise.

Errors: those of reading the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sasldb.model.identity import UserId
from sasldb.model.text import to_text
from sasldb.operations.logins.resolving import BLANKS, Resolution, unreachable
from sasldb.secrets.mechanisms import mechanisms_of
from sasldb.secrets.properties import TABLE
from sasldb.store.reading import Database

# How a record differs from the one that the login leads to; the words of `differs`.
CASE = "case"
BLANK = "blanks"
WHOLE = "user@realm stored as the user"
REALM = "realm"
CONTAINER = "realm of a container"

_CONTAINER = 12  # hexadecimal digits
_HEXADECIMAL = frozenset(b"0123456789abcdef")


class NearMiss:
    """A record close by: its `user` id; how it `differs`, in words of this module; the `login` (bytes) that leads to it, None for none."""

    __slots__ = ("differs", "login", "user")

    def __init__(self, user: UserId, differs: tuple[str, ...]) -> None:
        self.user = user
        self.differs = differs
        self.login = None if unreachable(user) else b"%b@%b" % (user.user, user.realm)

    @property
    def rank(self) -> tuple[int, UserId]:
        """What to sort by: the closest first."""
        return sum(1 << _ORDER.index(word) for word in self.differs), self.user

    def __repr__(self) -> str:
        return f"NearMiss({self.user!r}, {self.differs!r})"


class Answer:
    """What a database has for one login.

    Attributes:
        resolution: what the login leads to. near: the near misses, the closest first.
        exists: whether there is any record of that user. mechanisms: those that it can log in with.
    """

    __slots__ = ("exists", "mechanisms", "near", "resolution")

    def __init__(
        self, resolution: Resolution, exists: bool, mechanisms: tuple[str, ...], near: Sequence[NearMiss]
    ) -> None:
        self.resolution = resolution
        self.exists = exists
        self.mechanisms = mechanisms
        self.near = sorted(near, key=lambda miss: miss.rank)


def look_up(database: Database, resolutions: Sequence[Resolution]) -> list[Answer]:
    """Return an answer for each of `resolutions`, in their order; the keys of the file are read once.

    A login that libsasl refuses has no record and no near misses.
    """
    wanted = {_folded(resolution.user.user) for resolution in resolutions if resolution.user is not None}
    close: dict[str, set[UserId]] = {name: set() for name in wanted}
    for user, realm in _users(database):
        name = _folded(user.partition(b"@")[0])
        if name in wanted:
            close[name].add(UserId(user, realm))
    return [_answer(database, resolution, close) for resolution in resolutions]


def differences(target: UserId, stored: UserId) -> tuple[str, ...]:
    """Return how `stored` differs from `target` (a user without an `@`), () where it is the same or not close at all."""
    whole = b"@" in stored.user
    user, realm = stored.user.partition(b"@")[::2] if whole else (stored.user, stored.realm)
    if _folded(user) != _folded(target.user):
        return ()
    same_realm = _folded(realm) == _folded(target.realm)
    pairs = [(target.user, user), (target.realm, realm)] if same_realm else [(target.user, user)]
    found = {
        CASE: any(ours.strip(BLANKS) != theirs.strip(BLANKS) for ours, theirs in pairs),
        BLANK: any(_around(ours) != _around(theirs) for ours, theirs in pairs),
        WHOLE: whole,
        CONTAINER: is_container(stored.realm) and stored.realm != target.realm,
        REALM: not same_realm,
    }
    return tuple(word for word in _ORDER if found[word])


def is_container(realm: bytes) -> bool:
    """Tell whether `realm` (bytes) looks like the host name that Docker gives a container."""
    return len(realm) == _CONTAINER and _HEXADECIMAL.issuperset(realm)


def _answer(database: Database, resolution: Resolution, close: dict[str, set[UserId]]) -> Answer:
    target = resolution.user
    if target is None:
        return Answer(resolution, False, (), ())
    around = close[_folded(target.user)]
    near = [NearMiss(user, words) for user in around if (words := differences(target, user))]
    values = ((row.name, database.value(target.key(row.name))) for row in TABLE)
    mechanisms = mechanisms_of({name: value for name, value in values if value is not None})
    return Answer(resolution, target in around, mechanisms, near)


def _users(database: Database) -> Iterator[tuple[bytes, bytes]]:
    """Yield (user, realm) of every sound key: users as often as they have records."""
    for keys in database.key_batches():
        for key in keys:
            if key.count(0) == 2:
                user, realm, _ = key.split(b"\0")
                yield user, realm


def _around(name: bytes) -> tuple[bytes, bytes]:
    """Return the blanks before and behind `name`."""
    left = len(name) - len(name.lstrip(BLANKS))
    return name[:left], name[len(name.rstrip(BLANKS)) :]


def _folded(name: bytes) -> str:
    """Return `name` as it is compared: without case, and without blanks at its ends."""
    return to_text(name.strip(BLANKS)).casefold()


_ORDER = (CASE, BLANK, WHOLE, CONTAINER, REALM)
