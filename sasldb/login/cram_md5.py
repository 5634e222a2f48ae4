"""CRAM-MD5: an HMAC-MD5 of the server's challenge. The server does not prove that it knows the password.

Source: RFC 2195. Errors: those of `login.exchange`.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from sasldb.errors import BadMessage, MechanismError
from sasldb.login.exchange import Credentials, Exchange, challenged

NAME = "CRAM-MD5"


def exchange(credentials: Credentials) -> Exchange:
    """Answer the one challenge.

    Raises:
        BadMessage: an empty challenge, whose answer could be used again. MechanismError: this Python has no MD5.
    """
    challenge = challenged(NAME, (yield None))
    if not challenge:
        raise BadMessage(NAME, "an empty challenge")
    yield b"%b %b" % (credentials.user, _digest(credentials.password.reveal(), challenge))


def _digest(password: bytes, challenge: bytes) -> bytes:
    try:
        return hmac.new(password, challenge, _md5).hexdigest().encode("ascii")
    except ValueError:
        raise MechanismError(NAME, "this Python has no MD5") from None


def _md5(data: bytes = b"") -> Any:
    return hashlib.md5(data, usedforsecurity=False)
