"""Reaching an SMTP server: its addresses in turn, and what TLS demands of it.

Errors: `SasldbError` (no such host, nobody listens, no answer in time; no usable file of CAs).
"""

from __future__ import annotations

import socket
import ssl

from sasldb.errors import SasldbError
from sasldb.login.patience import Patience
from sasldb.login.wire import Wire


def dial(host: str, port: int, name: str, patience: Patience) -> Wire:
    """Return a connection to the first address of `host` that answers; `name` is what messages call it.

    Raises:
        SasldbError: none does, with the reason of the last one.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SasldbError(name, f"no address: {getattr(error, 'strerror', None) or 'not a name of a host'}") from error
    reason = "no address"
    for family, kind, protocol, _, address in found:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(patience.left(name))
            connection.connect(address)
        except OSError as error:
            connection.close()
            reason = "no answer in time" if isinstance(error, socket.timeout) else error.strerror or "cannot connect"
        except BaseException:
            connection.close()
            raise
        else:
            return Wire(connection, name, patience)
    raise SasldbError(name, f"cannot connect: {reason}")


def tls_context(ca_file: str | None, insecure: bool) -> ssl.SSLContext:
    """Return what TLS demands: a certificate of a CA of the system (or in `ca_file`, PEM) for the host, or with `insecure` any.

    Raises:
        SasldbError: `ca_file` cannot be read, or holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        words = "no certificate in it" if isinstance(error, ssl.SSLError) else getattr(error, "strerror", None)
        raise SasldbError(ca_file or "the system's CAs", words or "cannot be read") from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
