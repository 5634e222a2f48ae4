"""A connection to a server as lines of bounded length, with time limits, in the clear and then under TLS.

It trusts nothing of the other side: a line that is too long, breaks off, or holds a NUL or a lone CR is an error, and so is whatever comes
unasked: a man in the middle puts it there before TLS begins, for the client to take it for the server's afterwards (CVE-2011-0411).

Source: RFC 5321 sections 2.3.8 (line ends; a lone LF is taken for one), RFC 3207 section 4.2 (what was known before TLS is
forgotten). Errors: `BadMessage` (the peer broke the protocol); `SasldbError` (no connection, no time, no trust).
"""

from __future__ import annotations

import socket
import ssl

from sasldb.errors import BadMessage, SasldbError
from sasldb.login.patience import Patience

_PIECE = 4096  # bytes
_NO_CA = {2, 18, 19, 20, 21}  # X509_V_ERR_: no issuer, self-signed, or one of these in the chain; openssl-verify(1)
_AT_ONCE = "if it begins with TLS there, name it smtps://"
_LATER = "if it begins without TLS there, name it smtp://"
INSECURE = "to go on without knowing who it is, add --insecure"


class Wire:
    """One connection. `name` is the server's, for messages; `tls` is the version and cipher once it is encrypted, else ""."""

    __slots__ = ("_buffer", "_heard", "_patience", "_socket", "name", "tls")

    def __init__(self, connection: socket.socket, name: str, patience: Patience) -> None:
        self._socket = connection
        self._patience = patience
        self._buffer = bytearray()
        self._heard = False  # whether anything has come
        self.name = name
        self.tls = ""

    def read_line(self, longest: int) -> bytes:
        """Return the next line without its end; `longest` is in bytes, with the end.

        Raises:
            BadMessage: too long, broken off, with a NUL or a CR inside, or the connection was closed. SasldbError: no answer.
        """
        while (end := self._buffer.find(b"\n")) < 0 and len(self._buffer) < longest:
            self._fill()
        if not 0 <= end < longest:
            raise BadMessage(self.name, f"a line of more than {longest} bytes")
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        if b"\0" in line or b"\r" in line:
            raise BadMessage(self.name, "a NUL or a lone carriage return in its answer")
        return line

    def send_line(self, line: bytes) -> None:
        """Send `line` (without its end), for which the server has to wait.

        Raises:
            BadMessage: something has come unasked. SasldbError: it cannot be sent.
            ValueError: a CR, LF or NUL in `line`, which is a mistake of ours.
        """
        if any(byte in line for byte in b"\r\n\0"):
            raise ValueError("a line within a line")
        self.expect_silence("it answered before it was asked")
        try:
            self._socket.settimeout(self._patience.left(self.name))
            self._socket.sendall(line + b"\r\n")
        except OSError as error:
            raise self._failure(error) from error

    def expect_silence(self, reason: str) -> None:
        """Make sure that nothing has come that nobody has read.

        Raises:
            BadMessage: something has, with `reason`.
        """
        if self._buffer:
            raise BadMessage(self.name, reason)

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Go on under TLS, with the certificate checked for `host` as `context` says.

        Raises:
            BadMessage: something has come in the clear already. SasldbError: no TLS, or no trust.
        """
        self.expect_silence("plain text behind its answer to STARTTLS, as an attacker puts it there (CVE-2011-0411)")
        try:
            self._socket.settimeout(self._patience.left(self.name))
            encrypted = context.wrap_socket(self._socket, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            reason = f"its certificate is not trusted: {error.verify_message}"
            remedy = f"name its CA with --ca-file, or {INSECURE}" if error.verify_code in _NO_CA else INSECURE
            raise SasldbError(self.name, reason, remedy) from error
        except (OSError, ValueError) as error:
            raise SasldbError(self.name, f"TLS failed: {_words(error)}", "" if self._heard else _LATER) from error
        cipher = encrypted.cipher()
        self.tls = " ".join((encrypted.version() or "TLS", cipher[0] if cipher else "")).strip()
        self._socket = encrypted

    def addresses(self) -> tuple[str, str]:
        """Return the IP address of this end and of the other (text); "" where the connection is broken."""
        try:
            ours, theirs = self._socket.getsockname(), self._socket.getpeername()
        except OSError:
            return "", ""
        return str(ours[0]), str(theirs[0])

    def hurry(self, seconds: float) -> None:
        """Allow no more than `seconds` for all that is still to come."""
        self._patience = Patience(seconds, seconds)

    def close(self) -> None:
        """Let the connection go."""
        self._socket.close()

    def _fill(self) -> None:
        try:
            self._socket.settimeout(self._patience.left(self.name))
            piece = self._socket.recv(_PIECE)
        except OSError as error:
            raise self._failure(error) from error
        if not piece:
            raise BadMessage(self.name, "it broke off within a line" if self._buffer else "it closed the connection")
        self._heard = True
        self._buffer += piece

    def _failure(self, error: OSError) -> SasldbError:
        """Return what an error of the connection means; it holds nothing of what was sent."""
        if isinstance(error, socket.timeout):
            late = self._patience.exhausted(self.name)
            return late if self._heard or self.tls else SasldbError(late.subject, late.reason, _AT_ONCE)
        if isinstance(error, ssl.SSLError):
            return BadMessage(self.name, f"TLS failed: {_words(error)}")
        return SasldbError(self.name, f"the connection broke: {_words(error)}")


def _words(error: Exception) -> str:
    if isinstance(error, socket.timeout):
        return "no answer in time"
    if isinstance(
        error, ssl.SSLError
    ):  # an end has no reason, or one of its own, depending on how Python and OpenSSL were built
        ended = isinstance(error, ssl.SSLEOFError) or error.reason in (None, "", "UNEXPECTED_EOF_WHILE_READING")
        return "the connection ended" if ended else error.reason.replace("_", " ").lower()
    return getattr(error, "strerror", None) or "the connection ended"
