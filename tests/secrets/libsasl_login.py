"""Log in through the installed libsasl2, its own client against its own server, in this one process.

Run as a script with SASL_CONF_PATH naming a directory that holds `secretstest.conf`. Standard input is JSON: `fqdn`, `realm`, `user` and
`attempts`, a list of `[mechanism, password in hex]`; the mechanism `checkpass` stands for sasl_checkpass. Standard output is
the list of libsasl's result codes, 0 for a login that both sides call a success.

Source: sasl.h and saslplug.h of Cyrus SASL 2.1.28 (constants and structures).
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

LIBRARY = "libsasl2.so.2"
APPLICATION = b"secretstest"
OK, CONTINUE, FAIL = 0, 1, -1
CB_LIST_END, CB_USER, CB_AUTHNAME, CB_PASS, CB_GETREALM = 0, 0x4001, 0x4002, 0x4004, 0x4008
SECURITY_PROPERTIES = 101
ROUNDS = 10  # no mechanism takes more messages

Simple = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_uint)
)
Pass = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_void_p))
Realm = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_char_p)
)


class Callback(ctypes.Structure):
    """sasl_callback_t."""

    _fields_ = [("id", ctypes.c_ulong), ("procedure", ctypes.c_void_p), ("context", ctypes.c_void_p)]


class Security(ctypes.Structure):
    """sasl_security_properties_t: all zero, so no security layer is negotiated and no mechanism is too weak."""

    _fields_ = [(name, ctypes.c_uint) for name in ("minimum", "maximum", "buffer", "flags")] + [
        ("names", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
    ]


class Client:
    """The callbacks of one login; keeps alive what libsasl only points to."""

    def __init__(self, user: bytes, realm: bytes, password: bytes) -> None:
        self._user = user
        self._realm = realm
        self._length = len(password)
        size = ctypes.sizeof(ctypes.c_ulong)
        self._secret = ctypes.create_string_buffer(len(password).to_bytes(size, sys.byteorder) + password)
        self._procedures = (Simple(self.give_user), Pass(self.give_password), Realm(self.give_realm))
        user_address, pass_address, realm_address = (
            ctypes.cast(procedure, ctypes.c_void_p).value for procedure in self._procedures
        )
        self.callbacks = (Callback * 5)(
            Callback(CB_USER, user_address),
            Callback(CB_AUTHNAME, user_address),
            Callback(CB_PASS, pass_address),
            Callback(CB_GETREALM, realm_address),
            Callback(CB_LIST_END),
        )

    def give_user(self, _context: Any, _id: int, result: Any, length: Any) -> int:
        """Answer both names with the user's."""
        result[0] = self._user
        if length:
            length[0] = len(self._user)
        return OK

    def give_password(self, _connection: Any, _context: Any, _id: int, secret: Any) -> int:
        """Answer with the password as a sasl_secret_t."""
        secret[0] = ctypes.addressof(self._secret)
        return OK

    def give_realm(self, _context: Any, _id: int, _available: Any, result: Any) -> int:
        """Answer DIGEST-MD5's question."""
        result[0] = self._realm
        return OK


class Libsasl:
    """The library, set up once for both sides."""

    def __init__(self, fqdn: bytes, realm: bytes, user: bytes) -> None:
        self.library = ctypes.CDLL(LIBRARY)
        self.library.sasl_dispose.restype = None
        self.fqdn, self.realm, self.user = fqdn, realm, user
        for result in (self.library.sasl_server_init(None, APPLICATION), self.library.sasl_client_init(None)):
            if result != OK:
                raise SystemExit(f"libsasl2 does not start: {result}")

    def connection(self, server: bool, callbacks: Any = None) -> ctypes.c_void_p:
        """Return a new connection of either side, without a security layer."""
        connection = ctypes.c_void_p()
        if server:
            arguments = (b"smtp", self.fqdn, self.realm, None, None, None, 0)
            result = self.library.sasl_server_new(*arguments, ctypes.byref(connection))
        else:
            result = self.library.sasl_client_new(
                b"smtp", self.fqdn, None, None, callbacks, 0, ctypes.byref(connection)
            )
        if result != OK:
            raise SystemExit(f"libsasl2 gives no connection: {result}")
        self.library.sasl_setprop(connection, SECURITY_PROPERTIES, ctypes.byref(Security()))
        return connection

    def check_password(self, password: bytes) -> int:
        """Return the result of sasl_checkpass."""
        server = self.connection(server=True)
        result: int = self.library.sasl_checkpass(server, self.user, len(self.user), password, len(password))
        self.library.sasl_dispose(ctypes.byref(server))
        return result

    def log_in(self, mechanism: bytes, password: bytes) -> int:
        """Return the result of a whole exchange with `mechanism`: 0, or the first code that is neither OK nor CONTINUE."""
        client = Client(self.user, self.realm, password)
        sides = self.connection(server=False, callbacks=client.callbacks), self.connection(server=True)
        try:
            return self._exchange(*sides, mechanism)
        finally:
            for side in sides:
                self.library.sasl_dispose(ctypes.byref(side))

    def _exchange(self, client: ctypes.c_void_p, server: ctypes.c_void_p, mechanism: bytes) -> int:
        out, size, chosen = ctypes.c_void_p(), ctypes.c_uint(), ctypes.c_char_p()
        answer = ctypes.byref(out), ctypes.byref(size)
        sent: int = self.library.sasl_client_start(client, mechanism, None, *answer, ctypes.byref(chosen))
        if sent not in (OK, CONTINUE):
            return sent
        received: int = self.library.sasl_server_start(server, mechanism, out, size, *answer)
        for _ in range(ROUNDS):
            if received not in (OK, CONTINUE):
                return received
            if received == OK and not (out.value and size.value):
                return OK
            sent = self.library.sasl_client_step(client, out, size, None, *answer)
            if sent not in (OK, CONTINUE) or received == OK:
                return sent
            received = self.library.sasl_server_step(server, out, size, *answer)
        return FAIL


def main() -> None:
    """Carry out the attempts on standard input."""
    order = json.load(sys.stdin)
    libsasl = Libsasl(*(order[name].encode() for name in ("fqdn", "realm", "user")))
    results = []
    for mechanism, digits in order["attempts"]:
        password = bytes.fromhex(digits)
        plain = mechanism == "checkpass"
        results.append(libsasl.check_password(password) if plain else libsasl.log_in(mechanism.encode(), password))
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
