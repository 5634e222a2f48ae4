"""An SMTP client as far as AUTH: the greeting, EHLO, STARTTLS, and one command and its reply at a time.

What a server offered before TLS is forgotten when TLS begins. Lines and replies are bounded; nothing is sent before the reply to what
was sent before.

Source: RFC 5321 sections 4.2 (replies) and 4.1.1.1 (EHLO), RFC 3207 (STARTTLS), RFC 4954 sections 3 and 4 (AUTH; a challenge of
12288 bytes at most). Errors: `BadMessage`; `SasldbError` where the server does not serve.
"""

from __future__ import annotations

import ssl

from sasldb.errors import BadMessage, SasldbError
from sasldb.login.transcript import Transcript
from sasldb.login.wire import Wire

LONGEST_REPLY = 2048  # bytes of a line; RFC 5321 demands 512 at most, Postfix takes 2048
LONGEST_CHALLENGE = 12288 + 6  # bytes of a line
MOST_LINES = 100  # of one reply
CHALLENGE = 334
MOST_MECHANISMS = 64
_NAME = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")  # of a mechanism: RFC 4422 section 3.1
_LONGEST_NAME = 20
_CLOSING = 421
_FAREWELL = 2.0  # seconds


class Reply:
    """A reply: its `code` and the text of its `lines` (bytes), which are not to be trusted."""

    __slots__ = ("code", "lines")

    def __init__(self, code: int, lines: list[bytes]) -> None:
        self.code = code
        self.lines = lines


class Session:
    """One connection to an SMTP server.

    Attributes:
        wire: the connection. mechanisms: those that the last EHLO offered, in capitals, in their order.
        starttls: whether it offered that.
    """

    __slots__ = ("_transcript", "mechanisms", "starttls", "wire")

    def __init__(self, wire: Wire, transcript: Transcript) -> None:
        self.wire = wire
        self._transcript = transcript
        self.mechanisms: list[str] = []
        self.starttls = False

    def greet(self) -> None:
        """Wait for the greeting.

        Raises:
            SasldbError: the server does not want to talk. BadMessage: it is no SMTP.
        """
        self._demand(self._reply(LONGEST_REPLY), 220, "it does not serve")

    def hello(self) -> None:
        """Say who we are, and learn what the server offers now.

        Raises:
            SasldbError: it refuses. BadMessage: see the module.
        """
        self.mechanisms, self.starttls = [], False
        ours, _ = self.wire.addresses()
        literal = f"[IPv6:{ours}]" if ":" in ours else f"[{ours or '127.0.0.1'}]"
        reply = self.command(b"EHLO " + literal.partition("%")[0].encode("ascii"))
        self._demand(reply, 250, "it refuses EHLO")
        for line in reply.lines[1:]:
            self._learn(line.upper().replace(b"=", b" ").split())

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Go on under TLS, and forget what was offered before.

        Raises:
            SasldbError: the server refuses, or its certificate is not trusted. BadMessage: it said more than that.
        """
        self._demand(self.command(b"STARTTLS"), 220, "it refuses STARTTLS")
        self.secure(context, host)

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Begin TLS. Errors: as in `start_tls`."""
        self.mechanisms, self.starttls = [], False
        self.wire.secure(context, host)
        self._transcript.remark(f"from here on {self.wire.tls}")

    def command(self, line: bytes, shown: str = "") -> Reply:
        """Send `line` and return the reply; `shown` stands for it in the transcript where it holds a secret.

        Raises:
            SasldbError: the server closes. BadMessage: see the module.
        """
        self._transcript.client(shown or line.decode("ascii", "backslashreplace"))
        self.wire.send_line(line)
        reply = self._reply(LONGEST_CHALLENGE)
        if reply.code == _CLOSING:
            self._demand(reply, 0, "it closes the connection")
        return reply

    def quit(self) -> None:
        """Say goodbye, whatever comes of it, and without waiting for long."""
        self.wire.hurry(_FAREWELL)
        try:
            self.command(b"QUIT")
        except SasldbError:
            pass  # all that was wanted is done
        self.wire.close()

    def text(self, reply: Reply) -> str:
        """Return a reply as one line, fit to be shown."""
        return " ".join([str(reply.code), *(self._transcript.shown(line) for line in reply.lines if line)])

    def _demand(self, reply: Reply, code: int, otherwise: str) -> None:
        if reply.code != code:
            raise SasldbError(self.wire.name, f"{otherwise}: {self.text(reply)}")

    def _learn(self, words: list[bytes]) -> None:
        """Take one line of what is offered; old servers write `AUTH=`."""
        if words[:1] == [b"STARTTLS"]:
            self.starttls = True
        elif words[:1] == [b"AUTH"]:
            for word in words[1:]:
                name = word.decode("ascii", "replace")
                if len(word) <= _LONGEST_NAME and _NAME.issuperset(word) and name not in self.mechanisms:
                    self.mechanisms.append(name)
                    if len(self.mechanisms) > MOST_MECHANISMS:
                        raise BadMessage(self.wire.name, f"it offers more than {MOST_MECHANISMS} mechanisms")

    def _reply(self, longest: int) -> Reply:
        """Read one reply, of several lines where the code is followed by `-`."""
        lines: list[bytes] = []
        code = 0
        while len(lines) < MOST_LINES:
            line = self.wire.read_line(longest if not lines else LONGEST_REPLY)
            digits, mark, text = line[:3], line[3:4], line[4:]
            if not (len(digits) == 3 and digits.isdigit() and b"2" <= digits[:1] <= b"5" and mark in (b"", b" ", b"-")):
                raise BadMessage(self.wire.name, f"not a reply of SMTP: {self._transcript.shown(line, 80)}")
            if lines and int(digits) != code:
                raise BadMessage(self.wire.name, f"one reply with two codes, {code} and {int(digits)}")
            code = int(digits)
            lines.append(text)
            if code != CHALLENGE:  # a challenge is noted by `login.auth`, which decodes it
                self._transcript.server(line)
                if len(line) > LONGEST_REPLY:
                    raise BadMessage(self.wire.name, f"a line of more than {LONGEST_REPLY} bytes")
            if mark != b"-":
                return Reply(code, lines)
        raise BadMessage(self.wire.name, f"a reply of more than {MOST_LINES} lines")
