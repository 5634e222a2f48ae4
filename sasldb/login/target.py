"""What a login is tried at: `smtp://HOST[:PORT]`, `smtps://HOST[:PORT]`, or `saslauthd:PATH`.

An address never carries a user or a password: everybody can see it in the list of processes. An IPv6 address stands in brackets.
Ports where none is named: RFC 5321 (25), RFC 8314 (465). Errors: `SasldbError`, which shows nothing of a user or password.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from sasldb.errors import SasldbError

SMTP, SMTPS, SASLAUTHD = "smtp", "smtps", "saslauthd"
_PORTS = {SMTP: 25, SMTPS: 465}
_SUBJECT = "address"
_FORMS = "smtp://HOST[:PORT], smtps://HOST[:PORT] or saslauthd:PATH"


class Target:
    """A server: `scheme`, and `host` (text, ASCII) and `port` of an SMTP server or `path` (text) of saslauthd's socket."""

    __slots__ = ("host", "path", "port", "scheme")

    def __init__(self, scheme: str, host: str = "", port: int = 0, path: str = "") -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path

    @classmethod
    def parse(cls, text: str) -> Target:
        """Take an address apart.

        Raises:
            SasldbError: it is not of the forms above.
        """
        scheme, colon, rest = text.partition(":")
        scheme = scheme.lower()
        if colon and scheme == SASLAUTHD and rest and "\0" not in rest:
            return cls(scheme, path=rest)
        if scheme not in _PORTS or not rest.startswith("//"):
            raise SasldbError(_SUBJECT, f"not of the form {_FORMS}")
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise SasldbError(_SUBJECT, "a character that no name of a host has")
        return cls(scheme, *_host_and_port(text, _PORTS[scheme]))

    @property
    def name(self) -> str:
        """How messages speak of the server: `host:port`, or the path."""
        if self.scheme == SASLAUTHD:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{SASLAUTHD}:{self.path}" if self.scheme == SASLAUTHD else f"{self.scheme}://{self.name}"

    def __repr__(self) -> str:
        return f"Target({self})"


def _host_and_port(text: str, default: int) -> tuple[str, int]:
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        raise SasldbError(_SUBJECT, "no host and port in it") from None
    if "@" in parts.netloc:
        raise SasldbError(_SUBJECT, "a user or password in it, which everybody could see", "name the user behind it")
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise SasldbError(_SUBJECT, f"not of the form {_FORMS}")
    return host, _port(parts) or default


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
        text = parts.netloc.rpartition(":")[2]
        if port is not None and not (
            text.isascii() and text.isdigit()
        ):  # before Python 3.10 int() is all that looks at it
            port = 0
    except ValueError:
        port = 0
    if port == 0:
        raise SasldbError(_SUBJECT, "a port that is not a number from 1 to 65535")
    return port
