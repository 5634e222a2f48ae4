"""User ids: a user and the realm it belongs to, as libsasl pairs them.

Source: Cyrus SASL 2.1.28, observed: a login name is split at its FIRST `@`; without one the realm is the given default.
Names are bytes, compared exactly; case matters.
"""

from __future__ import annotations

from sasldb.errors import BadName
from sasldb.model.record import join_key
from sasldb.model.text import to_bytes, to_text


class UserId:
    """A user in a realm. Immutable, hashable, ordered by `(user, realm)`; both are bytes and may be empty."""

    __slots__ = ("realm", "user")

    user: bytes
    realm: bytes

    def __init__(self, user: bytes, realm: bytes) -> None:
        """Take both names as bytes.

        Raises:
            BadName: a NUL in one of them.
        """
        if 0 in user or 0 in realm:
            raise BadName(to_text(user + b"@" + realm).replace("\0", "\\0"), "a NUL in a user or realm name")
        object.__setattr__(self, "user", user)
        object.__setattr__(self, "realm", realm)

    @classmethod
    def parse(cls, login: str | bytes, default_realm: str | bytes = b"") -> UserId:
        """Split `login` at its first `@`; without one the realm is `default_realm`, unsplit.

        Raises:
            BadName: a NUL in a name, or a str that stands for no bytes.
        """
        user, at, realm = to_bytes(login).partition(b"@")
        return cls(user, realm if at else to_bytes(default_realm))

    def key(self, name: bytes) -> bytes:
        """Return the record key (bytes) of this user's property `name`.

        Raises:
            BadName: a NUL in `name`.
        """
        return join_key(self.user, self.realm, name)

    @property
    def prefix(self) -> bytes:
        """What every record key of this user begins with: `user NUL realm NUL`."""
        return b"%b\0%b\0" % (self.user, self.realm)

    def __reduce__(self) -> tuple[object, ...]:
        """Let copy and pickle make it anew, for no attribute of it can be set."""
        return UserId, (self.user, self.realm)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"UserId is immutable: {name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UserId) and (self.user, self.realm) == (other.user, other.realm)

    def __lt__(self, other: UserId) -> bool:
        return (self.user, self.realm) < (other.user, other.realm)

    def __hash__(self) -> int:
        return hash((self.user, self.realm))

    def __str__(self) -> str:
        """Return `user@realm` as text (see `model.text`)."""
        return f"{to_text(self.user)}@{to_text(self.realm)}"

    def __repr__(self) -> str:
        return f"UserId({self.user!r}, {self.realm!r})"
