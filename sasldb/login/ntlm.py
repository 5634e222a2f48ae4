"""NTLM through pyspnego: NTLMv2 in three messages. The server does not prove that it knows the password.

Source: MS-NLMP; libsasl's plug-in takes the whole user@realm as the user's name. Errors: those of `login.exchange`.
"""

from __future__ import annotations

from typing import Any

from sasldb.errors import BadMessage, MechanismError
from sasldb.login.exchange import Credentials, Exchange, challenged

NAME = "NTLM"


def exchange(credentials: Credentials) -> Exchange:
    """Send the negotiate message, and answer the challenge.

    Raises:
        BadMessage: a challenge that cannot be. MechanismError: pyspnego cannot do it with these credentials, or is not installed.
    """
    context = _context(credentials)
    challenge = challenged(NAME, (yield context.step()))
    try:
        answer = context.step(challenge)
    except Exception as error:  # pyspnego has no one error for a bad message; none of them may show what it held
        raise BadMessage(NAME, f"a challenge that makes no sense ({type(error).__name__})") from None
    yield answer or b""


def _context(credentials: Credentials) -> Any:
    import spnego

    user, password = credentials.text(NAME)
    try:
        return spnego.client(user, password, protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
    except Exception as error:  # as above
        raise MechanismError(NAME, f"pyspnego refuses the user or the password ({type(error).__name__})") from None
