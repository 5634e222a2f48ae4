"""Reaching an SMTP server: its addresses in turn, and what TLS demands of it.

Errors: `SasldbError` (no such host, nobody listens, no answer in time; no usable file of CAs).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from sasldb.errors import SasldbError
from sasldb.login.patience import Patience
from sasldb.login.wire import Wire

Address = tuple[socket.AddressFamily, Any]  # as socket(7) takes it


def resolve(host: str, port: int, name: str) -> list[Address]:
    """Return the addresses of `host`, at least one; `name` is what messages call it.

    Raises:
        SasldbError: there is none.
    """
    try:
        return [(kind, address) for kind, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise SasldbError(name, f"no address: {getattr(error, 'strerror', None) or 'not a name of a host'}") from error


def hosts(addresses: Iterable[Address]) -> set[str]:
    """Return each IP address as text, once; all those by which a host reaches itself are one, `loopback`."""
    return {_host(str(address[0])) for _, address in addresses}


def _host(text: str) -> str:
    address = ip_address(text.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return "loopback" if address.is_loopback or address.is_unspecified else text


def dial(addresses: Iterable[Address], name: str, patience: Patience) -> Wire:
    """Return a connection to the first of `addresses` that answers; `name` is what messages call the server.

    Raises:
        SasldbError: none does, with the reason of the last one.
    """
    reason = "no address"
    for family, address in addresses:
        connection = socket.socket(family, socket.SOCK_STREAM)
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
