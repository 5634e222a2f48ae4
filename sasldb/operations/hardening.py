"""Hardening: a stored plaintext makes way for authPassword and cmusaslsecretPLAIN, made of that same password.

PLAIN, LOGIN and one SCRAM mechanism go on working, all others that compute from the password stop. Secrets that libsasl did not look at
beside the plaintext, and would look at afterwards, are removed; the state of one-time passwords stays.

Verifiers take their time (some milliseconds each), so they are made before the database is locked, and again under the lock only for
users whose records have changed meanwhile.
Errors: NoSuchUser; SecretUnusable; those of `operations.change`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sasldb.errors import NoSuchUser, SecretUnusable
from sasldb.model.identity import UserId
from sasldb.model.text import to_bytes
from sasldb.operations.change import Deed, Report, Target, change, write
from sasldb.operations.storing import Storing
from sasldb.operations.users import found
from sasldb.secrets import plain_hash, plaintext
from sasldb.secrets.check import ignored
from sasldb.secrets.mechanisms import folded, mechanisms_of
from sasldb.secrets.properties import USER_PASSWORD
from sasldb.store.editing import Editor
from sasldb.store.reading import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Progress = Callable[[int, int], None]

_PLAIN = b"cmusaslsecretPLAIN"


class Hardened:
    """What hardening comes to for one user.

    Attributes:
        before: the properties (name -> value) that it was computed from. changes: what to store and remove (None).
        left, lost: the mechanisms that the user has afterwards, and those that stop working.
        remark: what else to say, or "". reason: why it cannot be done, or "".
    """

    __slots__ = ("before", "changes", "left", "lost", "reason", "remark")

    def __init__(self, before: Mapping[bytes, bytes], storing: Storing) -> None:
        """Compute it for a user with the properties `before`, userPassword among them."""
        self.before = dict(before)
        self.changes: dict[bytes, bytes | None] = {}
        self.left: tuple[str, ...] = ()
        self.lost: tuple[str, ...] = ()
        self.remark = self.reason = ""
        try:
            password = plaintext.parse(before[USER_PASSWORD])
            if not password:
                raise SecretUnusable(plaintext.NAME, "an empty password")
        except SecretUnusable as error:
            self.reason = f"not hardened: {error.reason}"
            return
        self.changes = {
            **dict.fromkeys(name for name in before if ignored(name, before)),
            **storing.verifiers(password),
        }
        after = {**before, **self.changes}
        self.left = mechanisms_of({name: value for name, value in after.items() if value is not None})
        self.lost = tuple(name for name in mechanisms_of(before) if name not in self.left)
        self.remark = _other_password(before, password)

    def detail(self) -> str:
        """Return what the person at the terminal is told of the mechanisms."""
        lost = f"; no longer {folded(self.lost)}" if self.lost else ""
        return f": {folded(self.left)}{lost}"


def harden(
    target: Target, users: Sequence[UserId] | None, realm: str | bytes | None, storing: Storing, progress: Progress
) -> Report:
    """Harden `users`; None is everybody, or everybody of `realm` where that is not None.

    Who has no plaintext is left alone. Who cannot be hardened is left alone too and is among the report's findings.

    Args:
        progress: called with how many verifiers are made and how many there are to be.

    Raises:
        NoSuchUser: one of `users` has no record. Else see the module.
    """
    plans = _plans(target.path, users, None if realm is None else to_bytes(realm), storing, progress)

    def work(editor: Editor) -> list[Deed]:
        for user, properties in found(editor, plans, missing_ok=True).items():
            if USER_PASSWORD not in properties:
                del plans[user]
                continue
            if properties != plans[user].before:
                plans[user] = Hardened(properties, storing)
            write(editor, user, plans[user].changes)
        return [Deed("harden", user, plan.detail()) for user, plan in plans.items() if plan.changes]

    if not any(plan.changes for plan in plans.values()):
        report = Report([], [], target.dry_run)
    else:
        report = change(target, "harden users", work)
    report.sentences += [f"{user}: {plan.remark}" for user, plan in plans.items() if plan.remark]
    report.sentences += [f"{user}: no plaintext is stored" for user in users or () if user not in plans]
    if users is None and not plans:
        report.sentences.append(f"{target.path}: no plaintext is stored")
    report.findings += [f"{user}: {plan.reason}" for user, plan in plans.items() if plan.reason]
    return report


def _plans(
    path: str, users: Sequence[UserId] | None, realm: bytes | None, storing: Storing, progress: Progress
) -> dict[UserId, Hardened]:
    """Compute, from a snapshot, what to do for each user who has a plaintext."""
    with Database(path) as database:
        present = dict(_accounts(database, users, realm))
    missing = [str(user) for user in users or () if user not in present]
    if missing:
        raise NoSuchUser(", ".join(missing), f"no such user in {path}")
    candidates = {user: properties for user, properties in present.items() if USER_PASSWORD in properties}
    plans: dict[UserId, Hardened] = {}
    for user, properties in candidates.items():
        progress(len(plans), len(candidates))
        plans[user] = Hardened(properties, storing)
    return plans


def _accounts(
    database: Database, users: Sequence[UserId] | None, realm: bytes | None
) -> Iterator[tuple[UserId, dict[bytes, bytes]]]:
    wanted = None if users is None else frozenset(users)
    for account in database:
        if account.id in wanted if wanted is not None else realm is None or account.id.realm == realm:
            yield account.id, {to_bytes(name): value for name, value in account.properties.items()}


def _other_password(before: Mapping[bytes, bytes], password: bytes) -> str:
    """Return the sentence that a second password, accepted until now, stops working."""
    try:
        if _PLAIN not in before or plain_hash.check(before[_PLAIN], password):
            return ""
    except SecretUnusable:
        return ""
    return "another password, in cmusaslsecretPLAIN, was accepted as well; it no longer is"
