"""Compare two databases: who is in which, what is stored for them, and whether the passwords agree as far as that can be told.

Two verifiers of one password differ in their salts. So where one side has the plaintext, it is checked against all that the other side has;
where neither has, two verifiers with the same salt and parameters are compared, and anything else is "unknown".
A user is the same on both sides when the names of the properties, the mechanisms that they serve and the values of all that is no
secret are the same, and the passwords are known to be.

Errors: those of reading the databases. Nothing here shows a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from sasldb.errors import SecretUnusable
from sasldb.model.identity import UserId
from sasldb.model.text import to_text
from sasldb.operations.holdings import Held, gather, shared_out
from sasldb.secrets import cram_md5, digest_md5, plain_hash, plaintext, scram
from sasldb.secrets.check import check_property
from sasldb.secrets.mechanisms import mechanisms_of
from sasldb.secrets.properties import AUTH_PASSWORD, USER_PASSWORD, is_secret
from sasldb.store.reading import Database

SAME, DIFFERENT, UNKNOWN, NONE = "same", "different", "unknown", "none"

Properties = Mapping[bytes, bytes]
Pair = tuple[UserId, Properties, Properties]


class Difference:
    """One user who is not the same on both sides; `first` and `second` are the two databases.

    Attributes:
        user: the `UserId`. first, second: the names of the properties there (text, sorted); empty where the user is not there.
        passwords: SAME, DIFFERENT, UNKNOWN, or NONE where one side has no secret at all.
        values: the names of what is no secret and has another value on either side.
        mechanisms: what the user can log in with, on either side.
    """

    __slots__ = ("first", "mechanisms", "passwords", "second", "user", "values")

    def __init__(self, user: UserId, first: Properties, second: Properties) -> None:
        self.user = user
        self.first = sorted(map(to_text, first))
        self.second = sorted(map(to_text, second))
        self.passwords = agreement(user, first, second)
        both = [name for name in first if name in second and not is_secret(name)]
        self.values = sorted(to_text(name) for name in both if first[name] != second[name])
        self.mechanisms = mechanisms_of(first), mechanisms_of(second)

    def __bool__(self) -> bool:
        """Tell whether there is a difference at all."""
        told_apart = self.first != self.second or bool(self.values) or self.mechanisms[0] != self.mechanisms[1]
        return told_apart or self.passwords in (DIFFERENT, UNKNOWN)

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "user": to_text(self.user.user),
            "realm": to_text(self.user.realm),
            "first": self.first,
            "second": self.second,
            "passwords": self.passwords,
            "values": self.values,
            "mechanisms": list(map(list, self.mechanisms)),
        }


class Comparison:
    """What comparing came to: `differences`, in the order of the first database, then of the second; `same`: how many users are."""

    __slots__ = ("differences", "same")

    def __init__(self, differences: list[Difference], same: int) -> None:
        self.differences = differences
        self.same = same


def compare(
    first: Database, second: Database, realm: bytes | None = None, progress: Callable[[int, int], None] | None = None
) -> Comparison:
    """Compare all users of two databases, or those of `realm` alone; malformed keys are passed over.

    `progress` is called with how many users have been looked at and how many are to be: those whose records are not equal byte for byte.
    """
    ours, theirs = (gather(database.records(), *_wanted(realm)) for database in (first, second))
    pairs = list(_unequal(ours, theirs))
    hard = any(AUTH_PASSWORD in one or AUTH_PASSWORD in other for _, one, other in pairs)
    differences = []
    for number, found in enumerate(shared_out(lambda pair: Difference(*pair), pairs, hard), 1):
        if found:
            differences.append(found)
        if progress is not None:
            progress(number, len(pairs))
    return Comparison(differences, len(ours.keys() | theirs.keys()) - len(differences))


def agreement(user: UserId, first: Properties, second: Properties) -> str:
    """Return whether the secrets on both sides belong to one password: SAME, DIFFERENT, UNKNOWN, or NONE where a side has none."""
    one, other = ({name: side[name] for name in side if is_secret(name)} for side in (first, second))
    if not one or not other:
        return NONE
    if one == other:
        return SAME
    candidates = {side[USER_PASSWORD] for side in (one, other) if USER_PASSWORD in side}
    if candidates:
        return _worst(
            _fits(user, name, side[name], password) for password in candidates for side in (one, other) for name in side
        )
    return _worst(_alike(name, one.get(name), other.get(name)) for name in {**one, **other})


def _wanted(realm: bytes | None) -> tuple[frozenset[bytes] | None, frozenset[bytes]]:
    return (None, frozenset()) if realm is None else (frozenset(), frozenset([realm]))


def _unequal(ours: Held, theirs: Held) -> Iterator[Pair]:
    """Yield the users whose records are not the same, byte for byte."""
    for prefix in {**ours, **theirs}:
        first, second = ours.get(prefix, {}), theirs.get(prefix, {})
        if first != second:
            user, realm, _ = prefix.split(b"\0")
            yield UserId(user, realm), first, second


def _worst(answers: Iterable[str]) -> str:
    """Return DIFFERENT if one of the answers is, else UNKNOWN if one is, else SAME; no more answers are taken than needed."""
    result = SAME
    for answer in answers:
        if answer == DIFFERENT:
            return DIFFERENT
        if answer == UNKNOWN:
            result = UNKNOWN
    return result


def _fits(user: UserId, name: bytes, value: bytes, stored: bytes) -> str:
    """Return whether the secret `name` belongs to the password in the userPassword `stored`."""
    try:
        return SAME if check_property(name, value, user, plaintext.parse(stored)) else DIFFERENT
    except SecretUnusable:
        return UNKNOWN


def _alike(name: bytes, value: bytes | None, other: bytes | None) -> str:
    """Return whether two values of one secret belong to one password, without knowing it."""
    if value is None or other is None:
        return UNKNOWN
    if value == other:
        return SAME
    try:
        return DIFFERENT if _ground(name, value) == _ground(name, other) else UNKNOWN
    except SecretUnusable:
        return UNKNOWN


def _ground(name: bytes, value: bytes) -> object:
    """Return what a verifier is made from beside the password: two that share it and differ are of two passwords."""
    if name == AUTH_PASSWORD:
        verifier = scram.parse(value)
        return verifier.hash, verifier.iterations, verifier.salt
    if name == b"cmusaslsecretPLAIN":
        return plain_hash.parse(value)[0]
    if name == b"cmusaslsecretCRAM-MD5":
        cram_md5.parse(value)
        return None
    if name == b"cmusaslsecretDIGEST-MD5":
        digest_md5.parse(value)
        return None
    return value
