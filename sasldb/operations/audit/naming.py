"""The part of the audit that looks at names: keys that no program can use, users whom no login reaches, names that look alike, and realms
in which nobody here would look.

A realm is out of the way if it looks like the host name of a container; or, where it is known which realm this server adds to a bare login,
if it is another one and no domain (no dot), or differs from the server's in case alone, or is the name of this machine: that is what
saslpasswd2 takes where it is told no realm. Other domains are left alone, for their users log in with their whole address.

Source: Cyrus SASL 2.1.28, observed: sasldblistusers2 loops on a name of 16384 bytes or more, and ends at a key of more than 32768.
Raises nothing.
"""

from __future__ import annotations

from sasldb.errors import SiteConfigError
from sasldb.model.identity import UserId
from sasldb.model.text import to_text
from sasldb.operations.audit.rules import Finding
from sasldb.operations.logins.near_misses import is_container
from sasldb.operations.logins.resolving import BLANKS, has_postfix, own_name, unreachable
from sasldb.store.accounts import host_realm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sasldb.operations.logins.resolving import BareRealm, Server

    Name = tuple[bytes, bytes]  # user and realm

NAME, KEY = 16383, 32768  # bytes: the longest that sasldblistusers2 lists
_SHOWN = 60  # characters of a key


class Place:
    """What is known of the server: `bare`, the realm of logins that name none (None: unknown); `hosts`, this machine's names (bytes)."""

    __slots__ = ("bare", "hosts")

    def __init__(self, bare: BareRealm | None = None, hosts: Iterable[bytes] = ()) -> None:
        self.bare = bare
        self.hosts = frozenset(hosts)

    @classmethod
    def of(cls, server: Server) -> tuple[Place, list[str]]:
        """Return the place where `server` is, and why its realm is not known, where it should be: where there is a Postfix to ask."""
        hosts = own_name(), host_realm()
        try:
            return cls(server.bare, hosts), []
        except SiteConfigError as error:
            return cls(None, hosts), [f"realms are not looked at: {error}"] if has_postfix() else []


def of_malformed(keys: Iterable[bytes]) -> Iterator[Finding]:
    """Yield a finding for each of `keys`, none of which is user, realm and property."""
    for key in keys:
        yield Finding("malformed-key", (), f"key {shown(key)}", (key,))


def of_key(key: bytes) -> Finding | None:
    """Return the finding about a key, of user, realm and property, that is too long."""
    if len(key) <= NAME:
        return None
    user, realm, name = key.split(b"\0")
    if len(key) <= KEY and max(map(len, (user, realm, name))) <= NAME:
        return None
    return Finding("oversized-key", (), f"key {shown(key)} of {len(key)} bytes")


def of_users(names: Iterable[Name], place: Place) -> Iterator[Finding]:
    """Yield what there is to say of the users `names`, each given once: singly, in pairs, and by realm."""
    alike: dict[str, list[Name]] = {}
    realms: dict[bytes, tuple[str, str]] = {}
    astray: dict[bytes, list[UserId]] = {}
    for user, realm in names:
        if realm not in realms:
            realms[realm] = of_realm(realm, place)
        if realms[realm][0]:
            astray.setdefault(realm, []).append(UserId(user, realm))
        reason = unreachable(UserId(user, realm), place.bare)
        if reason:
            yield Finding("unreachable-name", (UserId(user, realm),), reason)
        alike.setdefault(_folded(user, realm), []).append((user, realm))
    for group in alike.values():
        if len(group) > 1:
            yield from _of_alike([UserId(*name) for name in group])
    for realm, users in astray.items():
        rule, seen = realms[realm]
        yield Finding(rule, tuple(users), f'realm "{to_text(realm)}"{seen}')


def of_realm(realm: bytes, place: Place) -> tuple[str, str]:
    """Return the rule that `realm` breaks, and what else is to be said of it; ("", "") where it breaks none."""
    if is_container(realm):
        return "container-realm", ""
    if place.bare is None or realm == place.bare.name:
        return "", ""
    here = f'; a bare login is looked up in "{to_text(place.bare.name)}"'
    if realm in place.hosts:
        return "stray-realm", ", the name of this machine" + here
    if realm.lower() == place.bare.name.lower():
        return "stray-realm", ", another case" + here
    return ("stray-realm", ", no domain" + here) if b"." not in realm else ("", "")


def shown(key: bytes) -> str:
    """Return a key as text on one line, cut where it is long."""
    text = to_text(key.replace(b"\0", b"\\0"))
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}..."'


def _of_alike(users: list[UserId]) -> Iterator[Finding]:
    """Yield what makes `users` alike, who are the same but for case and blanks."""
    trimmed = {(user.user.strip(BLANKS), user.realm.strip(BLANKS)) for user in users}
    folded = {(to_text(user.user).casefold(), to_text(user.realm).casefold()) for user in users}
    if len(trimmed) > 1:
        yield Finding("names-differ-in-case", tuple(users), f"{len(trimmed)} spellings of one name")
    if len(folded) > 1:
        yield Finding("names-differ-in-blanks", tuple(users), "the same but for blanks at the ends of user or realm")


def _folded(user: bytes, realm: bytes) -> str:
    """Return what users have in common whose names differ in case or blanks alone."""
    return f"{to_text(user.strip(BLANKS))}\0{to_text(realm.strip(BLANKS))}".casefold()
