"""What it takes to bring a database to a desired state: user by user, by comparing passwords with whatever is stored.

A user is as desired when every stored secret belongs to the desired password, and the kind of storage is the desired one. So a secret
of another password, or one that nobody can check, is renewed or removed, and a second run finds nothing to do. What is no secret
is left alone, but for a user who goes.

Pure: nothing is read or written here. Errors: NoSuchUser (to stay as it is, but not there); SasldbError (a stored plaintext that cannot
be hashed); SecretUnusable, SiteConfigError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sasldb.errors import NoSuchUser, SasldbError, SecretUnusable
from sasldb.model.identity import UserId
from sasldb.model.text import to_text
from sasldb.operations.change import Deed
from sasldb.operations.cyrus import PLAIN_SECRET, Site
from sasldb.operations.hardening import Hardened
from sasldb.operations.holdings import Held, shared_out
from sasldb.operations.state.desired import Desired, Wish
from sasldb.operations.storing import Storing
from sasldb.secrets import saslprep, scram
from sasldb.secrets.check import check_property
from sasldb.secrets.properties import AUTH_PASSWORD, TABLE, USER_PASSWORD, is_secret

CREATE, UPDATE, DELETE = "create", "update", "delete"
NEW, PASSWORD, SECRET, STORAGE, ABSENT, UNLISTED = "new", "password", "secret", "storage", "absent", "not listed"

Properties = Mapping[bytes, bytes]
Progress = Callable[[int, int], None]

_RANK = {row.name: rank for rank, row in enumerate(TABLE)}
_PAST = {CREATE: "created", UPDATE: "updated", DELETE: "deleted"}


class Change(Deed):
    """What is done to one user.

    Attributes:
        user: the `UserId`. action: CREATE, UPDATE or DELETE.
        reason: NEW; PASSWORD (another is stored); SECRET (one that cannot be checked is stored); STORAGE; ABSENT; UNLISTED (pruned).
        before: the properties that it was computed from; after: those to put, None for one to remove.
    """

    __slots__ = ("action", "after", "before", "reason", "user")

    def __init__(
        self, action: str, user: UserId, reason: str, before: Properties, after: Mapping[bytes, bytes | None]
    ) -> None:
        super().__init__(action, user)
        self.user = user
        self.action = action
        self.reason = reason
        self.before = before
        self.after = {name: value for name, value in after.items() if value is not None or name in before}

    def told(self, dry_run: bool = False) -> str:
        """Return it as a phrase."""
        return f"{f'would {self.action}' if dry_run else _PAST[self.action]} {self.subject}"

    @property
    def written(self) -> list[str]:
        """The names of the properties that get a value, sorted."""
        return sorted(to_text(name) for name, value in self.after.items() if value is not None)

    @property
    def removed(self) -> list[str]:
        """The names of the properties that go, sorted."""
        return sorted(to_text(name) for name, value in self.after.items() if value is None)

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON: names alone, no secret."""
        return {
            "user": to_text(self.user.user),
            "realm": to_text(self.user.realm),
            "action": self.action,
            "reason": self.reason,
            "written": self.written,
            "removed": self.removed,
        }


class Plan:
    """The changes from what is held to what is desired: deletions of pruned users first, then in the order of the state."""

    __slots__ = ("_held", "_of", "changes")

    def __init__(
        self, desired: Desired, held: Held, site: Site, progress: Progress | None = None, earlier: Plan | None = None
    ) -> None:
        """Compare.

        Args:
            held: what the database has (see `holdings`), of users outside the state too, where it prunes.
            site: what libsasl's plug-ins here add to a new plaintext.
            progress: called with how many users have been looked at and how many there are.
            earlier: a plan of the same state, which still holds for users whose records are the same.

        Raises:
            NoSuchUser, SasldbError: see the module.
        """
        self._held = held
        self._of: dict[bytes, Change] = {}

        def judge(wish: Wish) -> Change | None:
            prefix = wish.user.prefix
            properties = held.get(prefix, {})
            if earlier is not None and earlier._held.get(prefix, {}) == properties:
                return earlier._of.get(prefix)
            return judged(wish, properties, site)

        wishes = desired.wishes.values()
        for number, change in enumerate(shared_out(judge, wishes, earlier is None and _hard(desired, held)), 1):
            if change is not None:
                self._of[change.user.prefix] = change
            if progress is not None:
                progress(number, len(desired))
        self.changes = [*_pruned(desired, held), *self._of.values()]


def judged(wish: Wish, properties: Properties, site: Site) -> Change | None:
    """Return what makes a user with `properties` (name -> value) what `wish` says; None where it is.

    Raises:
        NoSuchUser, SasldbError: see the module.
    """
    user = wish.user
    if not wish.present:
        return Change(DELETE, user, ABSENT, properties, dict.fromkeys(properties)) if properties else None
    secrets = [name for name in properties if is_secret(name)]
    if wish.password is None or (secrets and not wish.always):
        return _with_its_own_password(wish, properties, secrets)
    password = wish.password.reveal()
    if not secrets:
        return Change(CREATE, user, NEW, properties, wish.storing.first(user, password, site))
    reason = _misfit(user, properties, sorted(secrets, key=_rank), password)
    if not reason and _stored_so(wish.storing, properties):
        return None
    after = wish.storing.renewed(user, properties, password, site)
    return Change(UPDATE, user, reason or STORAGE, properties, after)


def doubtful(wish: Wish) -> bool:
    """Return whether some clients will send other bytes than the password of `wish`."""
    return wish.password is not None and saslprep.changes(wish.password.reveal())


def _hard(desired: Desired, held: Held) -> bool:
    """Return whether SCRAM verifiers are to be checked or made."""
    return any(AUTH_PASSWORD in properties for properties in held.values()) or any(
        wish.storing.plaintext is False for wish in desired.wishes.values()
    )


def _pruned(desired: Desired, held: Held) -> Iterator[Change]:
    """Yield the deletion of every user of a pruned realm who is not in the state."""
    for prefix, properties in held.items():
        if desired.prune and prefix not in desired.wishes:
            user, realm, _ = prefix.split(b"\0")
            if realm in desired.prune:
                yield Change(DELETE, UserId(user, realm), UNLISTED, properties, dict.fromkeys(properties))


def _with_its_own_password(wish: Wish, properties: Properties, secrets: list[bytes]) -> Change | None:
    """Return what is to be done for a user who keeps the stored password: plaintext that is not wanted is hashed."""
    if not secrets:
        raise NoSuchUser(str(wish.user), "not there, and the desired state has no password to make it with")
    if wish.storing.plaintext is not False or USER_PASSWORD not in properties:
        return None
    hardened = Hardened(properties, wish.storing)
    if hardened.reason:
        raise SasldbError(str(wish.user), hardened.reason)
    return Change(UPDATE, wish.user, STORAGE, properties, hardened.changes)


def _misfit(user: UserId, properties: Properties, secrets: list[bytes], password: bytes) -> str:
    """Return why the first of `secrets` that does not belong to `password` does not; "" when all do."""
    for name in secrets:
        try:
            if not check_property(name, properties[name], user, password):
                return PASSWORD
        except SecretUnusable:
            return SECRET
    return ""


def _stored_so(storing: Storing, properties: Properties) -> bool:
    """Return whether the kind of storage is the chosen one."""
    if storing.plaintext is None:
        return True
    if storing.plaintext:
        return USER_PASSWORD in properties
    if USER_PASSWORD in properties or PLAIN_SECRET not in properties or AUTH_PASSWORD not in properties:
        return False
    verifier = scram.parse(properties[AUTH_PASSWORD])
    return storing.hash in (None, verifier.hash) and storing.iterations in (None, verifier.iterations)


def _rank(name: bytes) -> int:
    """Order secrets so that the quick ones to check come first."""
    return _RANK.get(name, len(_RANK))
