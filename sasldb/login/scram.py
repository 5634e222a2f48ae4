"""SCRAM-SHA-1, -256 and -512 through scramp: both sides prove that they know the password, and it never travels.

User and password are prepared with SASLprep, as clients that follow the RFC do (Cyrus SASL does not: for a password that SASLprep
changes, the two disagree). No channel binding. A server that demands few iterations would make guessing the password cheap, and
one that demands very many would keep us busy: both are refused before anything is computed. Releases of scramp for older Pythons (1.4) neither
escape the user nor look at nonce and salt closely, so that is done here.

Source: RFC 5802 sections 5 and 7, RFC 7677 (4096 iterations at least). Errors: those of `login.exchange`.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Callable
from typing import Any, Optional

from sasldb.errors import BadMessage, MechanismError
from sasldb.login.exchange import Credentials, Declined, Exchange, challenged

FEWEST, MOST = 4096, 1_000_000  # iterations; a million takes about a second
_DIGITS = 7


def exchange(mechanism: str, credentials: Credentials, client_nonce: Optional[str] = None) -> Exchange:
    """Say who we are, answer the challenge, then check the server's signature. `client_nonce` is random where none is given.

    Raises:
        BadMessage: a challenge that cannot be, or a server that does not know the password.
        MechanismError: user or password do not survive SASLprep; scramp is not installed.
    """
    client = _client(mechanism, credentials, client_nonce)
    sent: str = client.get_client_first()
    first = _text(mechanism, (yield sent.encode("utf-8")))
    _check_nonce_and_salt(mechanism, first, sent.rpartition(",r=")[2])
    _check_iterations(mechanism, first)
    _take(mechanism, client.set_server_first, first)
    final = _text(mechanism, (yield client.get_client_final().encode("utf-8")))
    _take(mechanism, client.set_server_final, final)
    yield b""


def _client(mechanism: str, credentials: Credentials, client_nonce: str | None) -> Any:
    from scramp import ScramClient, ScramException

    user, password = credentials.text(mechanism)
    try:
        if ScramClient([mechanism], "=", password).get_client_first().startswith("n,,n==,"):
            user = user.replace("=", "=3D").replace(",", "=2C")
        return ScramClient([mechanism], user, password, c_nonce=client_nonce)
    except ScramException as error:
        raise MechanismError(mechanism, f"user or password: {_reason(error)}") from None


def _text(mechanism: str, challenge: bytes | None) -> str:
    message = challenged(mechanism, challenge)
    if message.startswith(b"e="):
        raise Declined(message[2:])
    try:
        return message.decode("ascii")
    except UnicodeDecodeError:
        raise BadMessage(mechanism, "a message that is not ASCII") from None


def _check_nonce_and_salt(mechanism: str, first: str, nonce: str) -> None:
    attributes = dict(part.split("=", 1) for part in first.split(",") if "=" in part)
    if not attributes.get("r", "").startswith(nonce) or attributes["r"] == nonce:
        raise BadMessage(mechanism, "a nonce that does not begin with ours, or ends with it")
    try:
        salt = a2b_base64(attributes.get("s", ""))
    except (Error, ValueError):
        salt = b""
    if not salt or b2a_base64(salt, newline=False).decode() != attributes["s"]:
        raise BadMessage(mechanism, "no salt, or one that is not base64")


def _check_iterations(mechanism: str, first: str) -> None:
    counts = [part[2:] for part in first.split(",") if part.startswith("i=")]
    if len(counts) != 1 or not counts[0].isdigit():
        raise BadMessage(mechanism, "no number of iterations")
    if len(counts[0]) > _DIGITS or not FEWEST <= int(counts[0]) <= MOST:
        raise BadMessage(mechanism, f"{counts[0][:20]} iterations, which is not between {FEWEST} and {MOST}")


def _take(mechanism: str, step: Callable[[str], None], message: str) -> None:
    from scramp import ScramException

    try:
        step(message)
    except ScramException as error:
        raise BadMessage(mechanism, _reason(error)) from None
    except Exception as error:  # whatever a strange message does to scramp is the message's fault
        raise BadMessage(mechanism, f"a message that makes no sense ({type(error).__name__})") from None


def _reason(error: Exception) -> str:
    """Return scramp's sentence, which holds nothing of the credentials."""
    return str(error.args[0]).rstrip(".") if error.args else "it is refused"
