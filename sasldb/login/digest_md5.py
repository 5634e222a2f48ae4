"""DIGEST-MD5 with qop=auth: client and server both prove that they know the password, over a nonce of each.

Source: RFC 2831 sections 2.1.1 (the challenge), 2.1.2 (the response, with its hashes) and 2.1.3 (response-auth). User and password in
UTF-8 are turned into ISO 8859-1 for the hash where every character fits, as section 2.1.2.1 says. No authorization
identity is sent. Errors: those of `login.exchange`.
"""

from __future__ import annotations

import hashlib
from binascii import hexlify
from hmac import compare_digest

from sasldb.errors import BadMessage, MechanismError
from sasldb.login.directives import parse, quoted
from sasldb.login.exchange import Credentials, Exchange, challenged

NAME = "DIGEST-MD5"
LONGEST = 2047  # bytes of a challenge
_COUNT = b"00000001"  # of the uses of the nonce


class _Challenge:
    """What the server demands: its `nonce`, the `realm` to answer in (b"" where it names none), `utf8`."""

    __slots__ = ("nonce", "realm", "utf8")

    def __init__(self, message: bytes, user: bytes) -> None:
        if len(message) > LONGEST:
            raise BadMessage(NAME, f"a challenge of more than {LONGEST} bytes")
        found = parse(message, NAME)
        for name in (b"nonce", b"algorithm", b"qop", b"charset"):
            if len(found.get(name, [])) > 1:
                raise BadMessage(NAME, f"more than one {name.decode()}")
        if not found.get(b"nonce", [b""])[0]:
            raise BadMessage(NAME, "no nonce")
        if found.get(b"algorithm") != [b"md5-sess"]:
            raise BadMessage(NAME, "an algorithm other than md5-sess")
        if b"auth" not in [word.strip() for word in found.get(b"qop", [b"auth"])[0].lower().split(b",")]:
            raise MechanismError(NAME, "the server demands more than authentication (qop)")
        self.nonce = found[b"nonce"][0]
        self.utf8 = found.get(b"charset", [b""])[0].lower() == b"utf-8"
        realms = found.get(b"realm", [b""])
        domain = user.partition(b"@")[2]
        self.realm = domain if domain in realms else realms[0]


def exchange(credentials: Credentials, client_nonce: bytes = b"") -> Exchange:
    """Answer the challenge, then check the server's answer. `client_nonce` is random where none is given.

    Raises:
        BadMessage: a challenge that cannot be, or a server that does not know the password.
        MechanismError: the server demands integrity or encryption; this Python has no MD5.
    """
    challenge = _Challenge(challenged(NAME, (yield None)), credentials.user)
    client_nonce = client_nonce or _random()
    uri = f"{credentials.service}/{credentials.host}".encode("ascii", "replace")
    ours, theirs = _responses(credentials, challenge, client_nonce, uri)
    proof = challenged(NAME, (yield _answer(credentials.user, challenge, client_nonce, uri, ours)))
    if not compare_digest(parse(proof, NAME).get(b"rspauth", [b""])[0], theirs):
        raise BadMessage(NAME, "the server does not prove that it knows the password (rspauth)")
    yield b""


def _answer(user: bytes, challenge: _Challenge, client_nonce: bytes, uri: bytes, response: bytes) -> bytes:
    parts = [b"charset=utf-8"] if challenge.utf8 else []
    parts.append(b"username=" + quoted(user))
    if challenge.realm:
        parts.append(b"realm=" + quoted(challenge.realm))
    parts += [b"nonce=" + quoted(challenge.nonce), b"nc=" + _COUNT, b"cnonce=" + quoted(client_nonce)]
    parts += [b"digest-uri=" + quoted(uri), b"response=" + response, b"qop=auth"]
    return b",".join(parts)


def _responses(credentials: Credentials, challenge: _Challenge, client_nonce: bytes, uri: bytes) -> tuple[bytes, bytes]:
    """Return our response and the one that the server has to give, both 32 hexadecimal digits."""
    names = _narrow(credentials.user), challenge.realm, _narrow(credentials.password.reveal())
    session = b"%b:%b:%b" % (_md5(b"%b:%b:%b" % names), challenge.nonce, client_nonce)
    middle = b":".join((challenge.nonce, _COUNT, client_nonce, b"auth"))

    def response(method: bytes) -> bytes:
        return _hex(b"%b:%b:%b" % (_hex(session), middle, _hex(b"%b:%b" % (method, uri))))

    return response(b"AUTHENTICATE"), response(b"")


def _narrow(text: bytes) -> bytes:
    try:
        return text.decode("utf-8").encode("latin-1")
    except UnicodeError:
        return text


def _hex(data: bytes) -> bytes:
    return hexlify(_md5(data))


def _md5(data: bytes) -> bytes:
    try:
        return hashlib.md5(data, usedforsecurity=False).digest()
    except ValueError:
        raise MechanismError(NAME, "this Python has no MD5") from None


def _random() -> bytes:
    from secrets import token_hex

    return token_hex(16).encode("ascii")
