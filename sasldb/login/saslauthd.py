"""Ask saslauthd, through its socket, whether a password is right.

Source: saslauthd(8)'s protocol as observed (facts of Cyrus SASL 2.1.28): the request is user, password, service and realm, each as its
length in two bytes, high one first, and its bytes; the reply is one text in that form, which begins with OK or NO. Errors: `SasldbError`
with the system's words where the socket cannot be reached, or the request cannot be made; `BadMessage` where the reply is none.
"""

from __future__ import annotations

import os
import socket
import struct

from sasldb.errors import BadMessage, SasldbError
from sasldb.login.patience import Patience
from sasldb.model.secret import Secret

DEFAULT = "/var/run/saslauthd/mux"
_LONGEST = 0xFFFF  # bytes of a field


class Request:
    """Who logs in to what: `user`, `service` and `realm` (bytes), and the `password`."""

    __slots__ = ("password", "realm", "service", "user")

    def __init__(self, user: bytes, password: Secret, service: bytes = b"smtp", realm: bytes = b"") -> None:
        self.user = user
        self.password = password
        self.service = service
        self.realm = realm

    def encode(self) -> bytes:
        """Return the bytes to send.

        Raises:
            SasldbError: a field is too long.
        """
        fields = self.user, self.password.reveal(), self.service, self.realm
        if any(len(field) > _LONGEST for field in fields):
            raise SasldbError("saslauthd", f"a field of more than {_LONGEST} bytes")
        return b"".join(struct.pack(">H", len(field)) + field for field in fields)


def ask(path: str | bytes, request: Request, patience: Patience) -> bytes:
    """Return saslauthd's reply (bytes, not to be trusted): it accepts where that begins with `OK`.

    Raises:
        SasldbError: the socket cannot be reached, or no answer in time. BadMessage: the reply breaks off, or is too short.
    """
    name = os.fsdecode(path)
    data = request.encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(patience.left(name))
        try:
            connection.connect(path)
        except OSError as error:
            raise SasldbError(name, error.strerror or str(error)) from error  # AF_UNIX path too long: no strerror
        try:
            connection.sendall(data)
        except OSError as error:
            raise BadMessage(name, "write failed") from error
        (length,) = struct.unpack(">H", _read(connection, 2, "size read failed", name, patience))
        if length < 2:
            raise BadMessage(name, "bad response from saslauthd")
        return _read(connection, length, "read failed", name, patience)


def _read(connection: socket.socket, length: int, otherwise: str, name: str, patience: Patience) -> bytes:
    data = b""
    while len(data) < length:
        try:
            connection.settimeout(patience.left(name))
            piece = connection.recv(length - len(data))
        except socket.timeout as error:
            raise patience.exhausted(name) from error
        except OSError as error:
            raise BadMessage(name, otherwise) from error
        if not piece:
            raise BadMessage(name, otherwise)
        data += piece
    return data
