"""Prove passwords: check them offline against all that is stored, and tell which mechanisms each of them lets in.

The verdict is that of `Database.verify`. What a proof adds is for people: the mechanisms that accept this very password (two secrets of
one user may belong to two passwords), and which secrets refused it.

Errors: those of reading the database; BadName; ExchangeError for a batch that cannot be read, which shows no password.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sasldb.errors import BadName, ExchangeError
from sasldb.model.identity import UserId
from sasldb.model.secret import Secret
from sasldb.model.text import to_bytes, to_text
from sasldb.model.verdict import Verdict
from sasldb.operations.holdings import gather, shared_out
from sasldb.secrets.check import check_password
from sasldb.secrets.mechanisms import mechanisms_of
from sasldb.secrets.properties import AUTH_PASSWORD, is_secret
from sasldb.store.accounts import identify
from sasldb.store.reading import Database

Attempt = tuple[UserId, Secret]


class Proof:
    """What became of one password.

    Attributes:
        user: the `UserId`. verdict: the `Verdict`.
        mechanisms: the SASL mechanisms (text) that let the user in with this password.
        refused: names (text) of the secrets that belong to another password.
    """

    __slots__ = ("mechanisms", "refused", "user", "verdict")

    def __init__(self, user: UserId, verdict: Verdict, mechanisms: tuple[str, ...], refused: tuple[str, ...]) -> None:
        self.user = user
        self.verdict = verdict
        self.mechanisms = mechanisms
        self.refused = refused

    def __bool__(self) -> bool:
        return bool(self.verdict)

    def __repr__(self) -> str:
        return f"Proof({self.user}, {self.verdict!r})"


def prove(database: Database, login: str | bytes | UserId, password: bytes | Secret) -> Proof:
    """Check one password of `login` (see `Database.verify`); BadName for a NUL in it."""
    offered = password if isinstance(password, Secret) else Secret(password)
    return next(prove_all(database, [(identify(login, database.realm), offered)]))


def prove_all(
    database: Database, attempts: Sequence[Attempt], progress: Callable[[int, int], None] | None = None
) -> Iterator[Proof]:
    """Yield a proof for each attempt, in their order, after one pass through the database; a user may be there more than once.

    `progress` is called with how many are checked and how many there are.
    """
    held = gather(database.records(), {user.prefix for user, _ in attempts})

    def proof(attempt: Attempt) -> Proof:
        user, password = attempt
        return _proof(user, held.get(user.prefix, {}), password.reveal())

    hard = len(attempts) > 1 and any(AUTH_PASSWORD in properties for properties in held.values())
    for number, proved in enumerate(shared_out(proof, attempts, hard), 1):
        if progress is not None:
            progress(number, len(attempts))
        yield proved


def _proof(user: UserId, properties: dict[bytes, bytes], password: bytes) -> Proof:
    verdict = check_password(user, properties, password)
    accepted = {name: value for name, value in properties.items() if to_text(name) in verdict.accepted_by}
    secrets = [to_text(name) for name in properties if is_secret(name)]
    refused = tuple(name for name in secrets if name not in verdict.accepted_by and name not in verdict.unusable)
    return Proof(user, verdict, mechanisms_of(accepted), refused)


def read_batch(content: bytes, source: str, realm: str | bytes | None = None, raw: bool = False) -> list[Attempt]:
    """Return the attempts of a batch: lines of user, tab and password (bytes), where a further tab belongs to the password.

    Args:
        content: all lines. source: their file, for messages. realm: of bare user names; None is the host's name in lower case.
        raw: take a carriage return and a NUL in a line as part of the password.

    Raises:
        ExchangeError: a line without a tab or user, or with a carriage return or NUL; nothing is checked then.
    """
    default = None if realm is None else to_bytes(realm)
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()  # the end of the last line
    attempts = []
    for number, line in enumerate(lines, 1):
        login, tab, password = line.partition(b"\t")
        if not tab:
            raise ExchangeError(source, "no tab between user and password", number)
        if not raw and (b"\r" in line or 0 in line):
            raise ExchangeError(source, "a carriage return or a NUL, refused without --raw", number)
        try:
            user = identify(login, default)
        except BadName:
            raise ExchangeError(source, "a NUL in the user", number) from None
        if not user.user:
            raise ExchangeError(source, "an empty user", number)
        attempts.append((user, Secret(password)))
    return attempts
