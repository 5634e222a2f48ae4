"""What is stored for one user, property by property, without showing a secret.

Errors: NoSuchUser; those of reading the file.
"""

from __future__ import annotations

from sasldb.errors import NoSuchUser, SecretUnusable
from sasldb.model.identity import UserId
from sasldb.model.text import to_bytes, to_text
from sasldb.secrets import otp, scram
from sasldb.secrets.check import ignored
from sasldb.secrets.mechanisms import mechanisms_of, serves
from sasldb.secrets.properties import AUTH_PASSWORD, PROPERTIES, USER_PASSWORD, is_derived
from sasldb.store.reading import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_OTP = b"cmusaslsecretOTP"


class Item:
    """One property of a user.

    Attributes:
        name: its name (text). size: of its value, in bytes. kind: what it is, with its parameters, as a phrase.
        mechanisms: those that it lets in, in the company that it has. flaw: why it lets nobody in, or "".
    """

    __slots__ = ("flaw", "kind", "mechanisms", "name", "size")

    def __init__(self, name: bytes, properties: Mapping[bytes, bytes]) -> None:
        """Look at property `name` among `properties`."""
        value = properties[name]
        self.name = to_text(name)
        self.size = len(value)
        self.kind = kind(name, value)
        self.mechanisms: tuple[str, ...] = ()
        self.flaw = ""
        try:
            if name in PROPERTIES:
                self.mechanisms = serves(name, value)
            if ignored(name, properties):
                self.mechanisms, self.flaw = (), "libsasl ignores it beside userPassword"
        except SecretUnusable as error:
            self.flaw = error.reason


class Inspection:
    """One user: its `id`, its `items` by name, the `mechanisms` that it can use, its `password` (bytes) or None for no plaintext."""

    __slots__ = ("id", "items", "mechanisms", "password")

    def __init__(self, user_id: UserId, properties: Mapping[bytes, bytes]) -> None:
        self.id = user_id
        self.items = [Item(name, properties) for name in sorted(properties, key=_rank)]
        self.mechanisms = mechanisms_of(properties)
        self.password = properties.get(USER_PASSWORD)


def inspect(path: str, user: UserId) -> Inspection:
    """Return what the database `path` holds for `user`.

    Raises:
        NoSuchUser: there is no record of that user. DatabaseError: the file cannot be read.
    """
    with Database(path, checked=False) as database:
        account = database.get(user)
    if account is None:
        raise NoSuchUser(str(user), f"no such user in {path}")
    return Inspection(user, {to_bytes(name): value for name, value in account.properties.items()})


def kind(name: bytes, value: bytes) -> str:
    """Return what a property is, with the parameters that are no secret; never anything of the password."""
    if name not in PROPERTIES:
        return "a secret of a mechanism unknown here" if is_derived(name) else "not known here"
    try:
        if name == AUTH_PASSWORD:
            verifier = scram.parse(value)
            return f"a verifier for {verifier.mechanism}, {verifier.iterations} iterations"
        if name == _OTP:
            state = otp.parse(value)
            return f"one-time passwords, {state.algorithm}, number {state.sequence}"
    except SecretUnusable:
        pass
    return PROPERTIES[name].description


def _rank(name: bytes) -> tuple[int, bytes]:
    """Order the properties as the table of `secrets.properties` does, those that it does not have behind, by name."""
    known = list(PROPERTIES)
    return (known.index(name) if name in PROPERTIES else len(known), name)
