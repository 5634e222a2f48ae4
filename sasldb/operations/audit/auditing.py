"""The audit of a database: everything that is stored is read once and looked at by rules, and what is of no use can be removed.

Removed is only what lets nobody in who would not get in without it, each with the finding that proposes it:
- records with a malformed key, which no program can read;
- verifiers that libsasl ignores beside a plaintext that it can read and that is not empty, and a cmusaslsecretPLAIN of the same password;
- the state of one-time passwords that are used up, and a derived secret longer than libsasl reads, if something else lets the user in.
All else needs somebody who knows what was meant: an empty password, two passwords for one user, a secret that may be a deleted user's.

Passwords are compared with each other through a digest under a key that is made for this one audit and never leaves it.
Errors: those of reading the file, and of `operations.change`.
"""

from __future__ import annotations

import os

from sasldb.model.identity import UserId
from sasldb.model.record import split_key
from sasldb.model.text import to_text
from sasldb.operations.audit import naming, stored
from sasldb.operations.audit.naming import Place
from sasldb.operations.audit.rules import Finding
from sasldb.operations.change import Deed, Report, Target, change
from sasldb.secrets.plaintext import LONGEST
from sasldb.secrets.properties import AUTH_PASSWORD, USER_PASSWORD, is_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from sasldb.store.editing import Editor

    Name = tuple[bytes, bytes]
    Record = tuple[bytes, bytes]

# Derived secrets that depend on nothing but the password and a salt: where two users have the same one, they have the same password.
_COMPARABLE = (AUTH_PASSWORD, b"cmusaslsecretPLAIN", b"cmusaslsecretCRAM-MD5", b"cmusaslsecretOTP")


class Rules:
    """Which rules count: `ignored`, names of those that do not; `deep`, whether to compare one-time passwords with plaintexts."""

    __slots__ = ("deep", "ignored")

    def __init__(self, ignored: Collection[str] = (), deep: bool = False) -> None:
        self.ignored = frozenset(ignored)
        self.deep = deep


class Audit:
    """What came of it: `findings`, the worst first, and the number of `users`."""

    __slots__ = ("findings", "users")

    def __init__(self, findings: Iterable[Finding], users: int) -> None:
        self.findings = sorted(findings, key=lambda finding: finding.rank)
        self.users = users

    @property
    def removes(self) -> list[bytes]:
        """The keys of all records that may go, each once."""
        return list(dict.fromkeys(key for finding in self.findings for key in finding.removes))


def audit(records: Iterable[Record], place: Place, rules: Rules) -> Audit:
    """Look at all `records` (key, value) of a database, in whatever order they come."""
    holdings = _Holdings(records)
    found = (finding for finding in _all(holdings, place, rules.deep) if finding.rule.name not in rules.ignored)
    return Audit(found, len(holdings.names()))


def fix(target: Target, place: Place, rules: Rules) -> tuple[Audit, Report]:
    """Audit the locked database of `target`, remove what may go, and return what was found before, and what was done.

    Raises:
        DatabaseError: nothing was changed.
    """
    audits: list[Audit] = []

    def work(editor: Editor) -> list[Deed]:
        audits.append(audit(editor.records(), place, rules))
        for key in audits[-1].removes:
            editor.remove(key)
        return [_Removal(key) for key in audits[-1].removes]

    report = change(target, "audit and fix", work)
    return audits[-1], report


class _Removal(Deed):
    """The removal of one record."""

    __slots__ = ()

    def __init__(self, key: bytes) -> None:
        names = split_key(key)
        if names is None:
            super().__init__("remove", f"key {naming.shown(key)}")
        else:
            super().__init__("remove", f"{to_text(names[2])} of {UserId(*names[:2])}")

    def told(self, dry_run: bool = False) -> str:
        """Return it as a phrase."""
        return f"{'would remove' if dry_run else 'removed'} {self.subject}"


class _Holdings:
    """Everything that the rules look at, by user. Of several values under one key the first counts, as for libsasl."""

    __slots__ = ("malformed", "others", "oversized", "plain")

    def __init__(self, records: Iterable[Record]) -> None:
        self.plain: dict[bytes, bytes] = {}  # user NUL realm -> userPassword
        self.others: dict[bytes, dict[bytes, bytes]] = {}  # user NUL realm -> the other properties
        self.malformed: dict[bytes, None] = {}
        self.oversized: list[Finding] = []
        for key, value in records:
            if key.count(0) != 2:
                self.malformed[key] = None
                continue
            user, _, name = key.rpartition(b"\0")
            if name == USER_PASSWORD:
                self.plain.setdefault(user, value)
            else:
                kept = value if is_secret(name) or len(value) > LONGEST else b""
                self.others.setdefault(user, {}).setdefault(name, kept)
            too_long = naming.of_key(key)
            if too_long:
                self.oversized.append(too_long)

    def names(self) -> Collection[bytes]:
        """Return every user once, as user NUL realm."""
        return self.plain.keys() | self.others.keys()


def _all(holdings: _Holdings, place: Place, deep: bool) -> Iterator[Finding]:
    yield from naming.of_malformed(holdings.malformed)
    yield from holdings.oversized
    yield from naming.of_users((_split(name) for name in holdings.names()), place)
    for name, value in holdings.plain.items():
        if len(value) > LONGEST or 0 in value or not value:
            yield from stored.of_plaintext(UserId(*_split(name)), value)
    for name, properties in holdings.others.items():
        if name in holdings.plain:
            properties = {USER_PASSWORD: holdings.plain[name], **properties}
        yield from stored.of_others(UserId(*_split(name)), properties, deep)
    yield from _shared(holdings)


def _shared(holdings: _Holdings) -> Iterator[Finding]:
    """Yield a finding for each password that several users have."""
    together: dict[frozenset[bytes], list[str]] = {}
    for what, names in _groups(holdings):
        together.setdefault(frozenset(names), []).append(what)
    for group, whats in together.items():
        users = [UserId(*_split(name)) for name in group]
        rule = "reused-password" if len({user.user for user in users}) == 1 else "shared-password"
        yield Finding(rule, tuple(users), f"{len(users)} users with the same {', '.join(sorted(whats))}")


def _groups(holdings: _Holdings) -> Iterator[tuple[str, list[bytes]]]:
    """Yield (property, users) for each value that several users have: plaintext first, then what is stored where there is none."""
    digest = _keyed()
    first: dict[bytes, bytes] = {}
    groups: dict[bytes, tuple[str, list[bytes]]] = {}

    def note(mark: bytes, what: bytes, name: bytes) -> None:
        other = first.setdefault(mark, name)
        if other != name:
            groups.setdefault(mark, (to_text(what), [other]))[1].append(name)

    for name, value in holdings.plain.items():
        if value and value[0] and len(value) <= LONGEST:
            note(digest(value.partition(b"\0")[0]), USER_PASSWORD, name)
    for name, properties in holdings.others.items():
        for secret in _COMPARABLE:
            if secret in properties and name not in holdings.plain and properties[secret]:
                note(digest(secret + b"\0" + properties[secret]), secret, name)
    yield from groups.values()


def _keyed() -> Callable[[bytes], bytes]:
    """Return a digest function under a key of its own."""
    from hashlib import blake2b

    key = os.urandom(32)
    return lambda data: blake2b(data, digest_size=16, key=key).digest()


def _split(name: bytes) -> Name:
    user, _, realm = name.partition(b"\0")
    return user, realm
