"""One login: an exchange of a mechanism, carried by SMTP's AUTH.

Source: RFC 4954 section 4: base64 with nothing else in it, `=` for an empty first message, which is held back until it is asked for
where the command would be longer than 512 bytes, `*` to give up. Errors: `BadMessage` (the server broke the rules, or accepts without
proof); `MechanismError` (it cannot be tried); `SasldbError` (the connection).
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

from sasldb.errors import BadMessage
from sasldb.login.exchange import Credentials, Declined
from sasldb.login.mechanisms import Mechanism
from sasldb.login.smtp import CHALLENGE, Reply, Session
from sasldb.login.transcript import MASKED, Transcript

_LONGEST_COMMAND = 512  # bytes with the line's end; RFC 5321 section 4.5.3.1.4
_ACCEPTED = 235
_SHOWN = 80  # bytes of a server's words that are none of SMTP's
# How a server's proof begins, in SCRAM and DIGEST-MD5: masked, for whoever sees it can try passwords on it, as on our answer.
_PROOFS = b"v=", b"rspauth="


class Answer:
    """What the server said to a login: whether it `accepted` it, and its `reply` as one line, fit to be shown."""

    __slots__ = ("accepted", "reply")

    def __init__(self, accepted: bool, reply: str) -> None:
        self.accepted = accepted
        self.reply = reply

    def __repr__(self) -> str:
        return f"Answer({self.accepted}, {self.reply!r})"


def authenticate(session: Session, mechanism: Mechanism, credentials: Credentials, transcript: Transcript) -> Answer:
    """Try one login, and return what the server answers.

    Raises:
        BadMessage, MechanismError, SasldbError: see the module. The connection is of no use then.
    """
    return _Login(session, mechanism, credentials, transcript).run()


class _Login:
    """The steps of one login."""

    def __init__(
        self, session: Session, mechanism: Mechanism, credentials: Credentials, transcript: Transcript
    ) -> None:
        self._session = session
        self._name = mechanism.name
        self._user = credentials.user
        self._exchange = mechanism.begin(credentials)
        self._transcript = transcript

    def run(self) -> Answer:
        first = next(self._exchange)
        try:
            reply = self._begin(first)
            while reply.code == CHALLENGE:
                reply = self._send(self._respond(self._challenge(reply)))
        except Declined as declined:
            reply = self._session.command(b"*")
            words = f"{self._transcript.shown(declined.reason, _SHOWN)}; {self._session.text(reply)}"
            return Answer(False, words)
        if reply.code == _ACCEPTED:
            self._session.wire.expect_silence("it accepts the login, and says more than that")
            self._finish()
        elif not 400 <= reply.code <= 599:
            raise BadMessage(self._name, f"the server answers AUTH with {self._session.text(reply)}")
        return Answer(reply.code == _ACCEPTED, self._session.text(reply))

    def _begin(self, first: bytes | None) -> Reply:
        """Send the command, with the first message where there is one and it fits."""
        command = b"AUTH " + self._name.encode("ascii")
        if first is None:
            return self._session.command(command)
        self._protect(first)
        with_first = command + b" " + (_encode(first) or b"=")
        if len(with_first) + 2 <= _LONGEST_COMMAND:
            return self._session.command(with_first, f"{command.decode()} {MASKED}")
        reply = self._session.command(command)
        if reply.code != CHALLENGE:
            return reply
        if self._challenge(reply):
            raise BadMessage(self._name, "the server begins where the client has to")
        return self._send(first)

    def _send(self, message: bytes) -> Reply:
        self._protect(message)
        return self._session.command(_encode(message), MASKED)

    def _respond(self, challenge: bytes) -> bytes:
        try:
            return self._exchange.send(challenge) or b""
        except StopIteration:
            raise BadMessage(self._name, "the server asks for more when all has been said") from None

    def _finish(self) -> None:
        """Let the mechanism say whether the server may accept now."""
        try:
            self._exchange.send(None)
        except StopIteration:
            return
        raise BadMessage(self._name, "the server accepts the login before the exchange is at its end")

    def _challenge(self, reply: Reply) -> bytes:
        """Decode a challenge, strictly, and note it."""
        text = reply.lines[0]
        try:
            challenge = a2b_base64(text)
        except Error:
            challenge = None
        line = b"334 " + text
        if challenge is None or len(reply.lines) > 1 or b2a_base64(challenge, newline=False) != text:
            self._transcript.server(line, longest=_SHOWN)
            raise BadMessage(self._name, "a challenge that is not base64")
        self._transcript.server(line, MASKED.encode() if challenge.startswith(_PROOFS) else challenge)
        return challenge

    def _protect(self, message: bytes) -> None:
        if message != self._user:  # which is all that LOGIN's first message holds
            self._transcript.protect(message)


def _encode(message: bytes) -> bytes:
    return b2a_base64(message, newline=False)
