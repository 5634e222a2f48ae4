"""What every mechanism is made of: credentials, and an exchange of messages, written as a generator.

An exchange yields what the client sends (bytes; None at its start, where the server begins) and is sent the server's challenge
(bytes), or None for "the login was accepted". It ends, and not before, when an acceptance may be believed: a mechanism in
which the server has to prove itself does not end without that. A challenge to an exchange that has ended, and an acceptance of
one that has not, are the server's faults.

Errors: `BadMessage` (the server breaks the mechanism's rules); `MechanismError` (it cannot be tried with these credentials, or here).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Optional

from sasldb.errors import BadMessage, BadName, MechanismError
from sasldb.model.secret import Secret
from sasldb.model.text import to_text

Exchange = Generator[Optional[bytes], Optional[bytes], None]


class Declined(Exception):
    """The server has refused within the mechanism's own messages; `reason` is in its words (bytes). Never leaves this room."""

    def __init__(self, reason: bytes) -> None:
        self.reason = reason
        super().__init__()


class Credentials:
    """Who logs in where: `user` (bytes), `password`, and of the server the `service` as in `smtp` and the `host` (text)."""

    __slots__ = ("host", "password", "service", "user")

    def __init__(self, user: bytes, password: Secret, service: str = "smtp", host: str = "localhost") -> None:
        """Take them.

        Raises:
            BadName: a NUL in the user's name, or no name.
        """
        if not user or 0 in user:
            raise BadName(to_text(user).replace("\0", "\\0") or "user", "no name of a user, or a NUL in it")
        self.user = user
        self.password = password
        self.service = service
        self.host = host

    def text(self, mechanism: str) -> tuple[str, str]:
        """Return user and password as text.

        Raises:
            MechanismError: one of them is not UTF-8, which `mechanism` demands.
        """
        try:
            return self.user.decode("utf-8"), self.password.reveal().decode("utf-8")
        except UnicodeDecodeError:
            raise MechanismError(mechanism, "the user or the password is not UTF-8, as it must be here") from None

    def __repr__(self) -> str:
        return f"Credentials({to_text(self.user)!r}, Secret(...), {self.service}, {self.host})"


def challenged(mechanism: str, challenge: bytes | None) -> bytes:
    """Return `challenge`, where there must be one.

    Raises:
        BadMessage: the server accepted the login instead.
    """
    if challenge is None:
        raise BadMessage(mechanism, "the server accepts the login before the exchange is at its end")
    return challenge
