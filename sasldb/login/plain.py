"""PLAIN and LOGIN: the password itself. Only for an encrypted connection, or one that leaves no host.

Source: RFC 4616; draft-murchison-sasl-login-00 (two challenges, whose text does not matter). Errors: those of `login.exchange`.
"""

from __future__ import annotations

from sasldb.errors import MechanismError
from sasldb.login.exchange import Credentials, Exchange, challenged


def plain(credentials: Credentials) -> Exchange:
    """Send user and password in one message; a challenge is the server's fault.

    Raises:
        MechanismError: a NUL in the password, which PLAIN cannot carry.
    """
    password = credentials.password.reveal()
    if 0 in password:
        raise MechanismError("PLAIN", "cannot carry a password with a NUL")
    yield b"\0%b\0%b" % (credentials.user, password)


def login(credentials: Credentials) -> Exchange:
    """Answer the first challenge with the user and the second with the password; a third is the server's fault."""
    challenged("LOGIN", (yield None))
    challenged("LOGIN", (yield credentials.user))
    yield credentials.password.reveal()
