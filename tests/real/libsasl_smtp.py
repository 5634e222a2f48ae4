"""The installed libsasl2 as an SMTP client: it speaks every mechanism of its plug-ins, those too that no client program here knows.

Run as a script (`python -m tests.real.libsasl_smtp`). Standard input is JSON: `port`, of 127.0.0.1, and `attempts`, a list of
`[mechanism, user, realm, password in hex]`. Standard output is the list of the server's reply codes to AUTH; NO_START stands where
the client's plug-in does not start, or gives up midway.

Source: RFC 4954 (AUTH over SMTP), sasl.h of Cyrus SASL 2.1.28.
"""

from __future__ import annotations

import base64
import ctypes
import json
import smtplib
import subprocess
import sys
from collections.abc import Sequence

from tests.conftest import ROOT
from tests.secrets.libsasl_login import CONTINUE, LIBRARY, OK, SECURITY_PROPERTIES, Client, Security

NO_START = 0
GOING_ON = 334

Attempt = tuple[str, str, str, str]  # mechanism, user, realm, password


def logins(port: int, attempts: Sequence[Attempt]) -> list[int]:
    """Make every attempt, each on a connection of its own, in a process of its own; return the reply codes to AUTH."""
    order = {"port": port, "attempts": [(*names, password.encode().hex()) for *names, password in attempts]}
    done = subprocess.run(
        [sys.executable, "-m", "tests.real.libsasl_smtp"],
        input=json.dumps(order).encode(),
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode(errors="replace"))
    return [int(code) for code in json.loads(done.stdout)]


class Libsasl:
    """The library, set up as a client."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(LIBRARY)
        self.library.sasl_dispose.restype = None
        if self.library.sasl_client_init(None) != OK:
            raise SystemExit("libsasl2 does not start")

    def log_in(self, server: smtplib.SMTP, mechanism: bytes, client: Client) -> int:
        """Return the reply code to AUTH, or NO_START."""
        connection = ctypes.c_void_p()
        arguments = (b"smtp", b"mail.example.com", None, None, client.callbacks, 0)
        if self.library.sasl_client_new(*arguments, ctypes.byref(connection)) != OK:
            raise SystemExit("libsasl2 gives no connection")
        self.library.sasl_setprop(connection, SECURITY_PROPERTIES, ctypes.byref(Security()))
        try:
            return self._exchange(server, mechanism, connection)
        finally:
            self.library.sasl_dispose(ctypes.byref(connection))

    def _exchange(self, server: smtplib.SMTP, mechanism: bytes, connection: ctypes.c_void_p) -> int:
        out, size, chosen = ctypes.c_void_p(), ctypes.c_uint(), ctypes.c_char_p()
        answer = ctypes.byref(out), ctypes.byref(size)
        if self.library.sasl_client_start(connection, mechanism, None, *answer, ctypes.byref(chosen)) not in (
            OK,
            CONTINUE,
        ):
            return NO_START
        command = f"AUTH {mechanism.decode()}"
        if out.value is not None:  # an initial response, which may be empty
            command += f" {_coded(ctypes.string_at(out, size.value)) or '='}"
        code, words = server.docmd(command)
        while code == GOING_ON:
            challenge = base64.b64decode(words)
            if self.library.sasl_client_step(connection, challenge, len(challenge), None, *answer) not in (
                OK,
                CONTINUE,
            ):
                server.docmd("*")
                return NO_START
            code, words = server.docmd(_coded(ctypes.string_at(out, size.value) if out.value else b""))
        return code


def _coded(message: bytes) -> str:
    return base64.b64encode(message).decode()


def main() -> None:
    """Carry out the attempts on standard input."""
    order = json.load(sys.stdin)
    libsasl = Libsasl()
    codes = []
    for mechanism, user, realm, digits in order["attempts"]:
        with smtplib.SMTP("127.0.0.1", order["port"], timeout=30) as server:
            server.ehlo("client.example.com")
            client = Client(user.encode(), realm.encode(), bytes.fromhex(digits))
            codes.append(libsasl.log_in(server, mechanism.encode(), client))
    json.dump(codes, sys.stdout)


if __name__ == "__main__":
    main()
