"""Servers that say what a test has written for them: one connection after the other, each a function that talks to its `Peer`."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from types import TracebackType

EHLO = b"250-here.example.com\r\n250-AUTH %b\r\n250 8BITMIME\r\n"
PATIENCE = 10.0  # seconds that a server of ours waits before it lets a test fail


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        self._socket = connection
        self._buffer = b""
        self.heard: list[bytes] = []

    def say(self, data: bytes) -> None:
        """Send `data` as it is."""
        self._socket.sendall(data)

    def hear(self) -> bytes:
        """Return the next line, without its end; b"" when the client has gone."""
        while b"\n" not in self._buffer:
            piece = self._socket.recv(4096)
            if not piece:
                return b""
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        self.heard.append(line.rstrip(b"\r"))
        return self.heard[-1]

    def take(self, length: int) -> bytes:
        """Return the next `length` bytes, fewer when the client has gone."""
        while len(self._buffer) < length and (piece := self._socket.recv(4096)):
            self._buffer += piece
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        return taken

    def secure(self, context: ssl.SSLContext) -> None:
        """Go on under TLS."""
        self._socket = context.wrap_socket(self._socket, server_side=True)

    def greet(self, mechanisms: bytes) -> None:
        """Greet, and answer EHLO with `mechanisms`."""
        self.say(b"220 here.example.com ESMTP\r\n")
        self.hear()
        self.say(EHLO % mechanisms)

    def challenge(self, message: bytes) -> bytes:
        """Send `message` as a challenge and return the decoded answer."""
        self.say(b"334 " + b64encode(message) + b"\r\n")
        return b64decode(self.hear())

    def end(self) -> None:
        """Wait for the client to go."""
        while self.hear():
            self.say(b"221 bye\r\n")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


Talk = Callable[[Peer], None]


class Server:
    """A context manager: on 127.0.0.1:`port` (or on `path`, a local socket) each connection is talked to by the next of `talks`.

    Attributes:
        heard: the lines that each connection has sent. times: when each began (seconds of a clock that only runs forward).
    """

    def __init__(self, *talks: Talk, path: str = "") -> None:
        self._talks = talks
        self._listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self._listener.bind(path or ("127.0.0.1", 0))
        self._listener.listen()
        self._listener.settimeout(PATIENCE)
        self.port = 0 if path else int(self._listener.getsockname()[1])
        self.heard: list[list[bytes]] = []
        self.times: list[float] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        for talk in self._talks:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.times.append(time.monotonic())
            peer = Peer(connection)
            self.heard.append(peer.heard)
            try:
                talk(peer)
            except OSError:
                pass  # the client has gone, which is what most tests want of it
            finally:
                peer.close()

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if len(self.heard) < len(self._talks):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._listener.close()
