"""Prove logins from outside: each mechanism asked for is tried once, over a connection of its own, in a turn of its own (`login.pace`).

The mechanisms in which the server proves itself are tried first, and after a server has broken a protocol nothing more is tried, so that
one that lies gets no password. Errors: those of the first connection (`SasldbError`, `BadMessage`); of what comes later each is told in its
`Attempt`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Optional

from sasldb.errors import BadMessage, BadName, MechanismError, SasldbError
from sasldb.login import saslauthd
from sasldb.login.auth import authenticate
from sasldb.login.dial import hosts, resolve
from sasldb.login.exchange import Credentials
from sasldb.login.mechanisms import TABLE, Mechanism, named
from sasldb.login.pace import Pace
from sasldb.login.patience import TOTAL, Patience
from sasldb.login.target import SASLAUTHD, Target
from sasldb.login.transcript import MASKED, Transcript
from sasldb.login.visit import Security, Visit, visit
from sasldb.model.identity import UserId
from sasldb.model.secret import Secret

PACE = 1.0  # seconds between two tries
_AFTERWARDS = "not tried after that"

Watch = Optional[Callable[[str], None]]


class Result(Enum):
    """What one try came to; the value is the word shown to people."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNTRIED = "not tried"
    BROKEN = "failed"  # begun, and then the connection or the protocol broke


class NothingOffered(SasldbError):
    """The server offers no AUTH. `here`: whether it runs on this host, whose configuration then may tell why."""

    def __init__(self, arrived: Visit, name: str) -> None:
        self.here = arrived.here
        if arrived.session.starttls and not arrived.session.wire.tls:
            self.here = False  # nothing is wrong with it
            super().__init__(name, "offers no AUTH in the clear, but STARTTLS", "leave --no-starttls away")
        else:
            super().__init__(name, "offers no AUTH")


class Attempt:
    """One try: the `mechanism` (text), the `result`, and the server's reply or the reason as one line of printable `words`."""

    __slots__ = ("mechanism", "result", "words")

    def __init__(self, mechanism: str, result: Result, words: str) -> None:
        self.mechanism = mechanism
        self.result = result
        self.words = words

    def __repr__(self) -> str:
        return f"Attempt({self.mechanism}, {self.result.name}, {self.words!r})"


class Plan:
    """What is to be tried.

    Attributes:
        target: where. user (bytes), password: who.
        mechanisms: names to try, in this order; None for every one that is offered and spoken here, () for the best of them.
        security: what the connection must be. total: seconds that one try may take.
        pace: seconds between two tries at the host, whichever process of this user makes them.
        service: what saslauthd is told that the login is for (text).
    """

    __slots__ = ("mechanisms", "pace", "password", "security", "service", "target", "total", "user")

    def __init__(self, target: Target, user: bytes, password: Secret, mechanisms: Sequence[str] | None = ()) -> None:
        self.target = target
        self.user = user
        self.password = password
        self.mechanisms = mechanisms
        self.security = Security()
        self.pace = PACE
        self.total = TOTAL
        self.service = "smtp"


class Report:
    """What came of a plan.

    Attributes:
        before, after: the mechanisms offered in the clear and under TLS, None where there was no such part. tls: its version and cipher.
        here: whether the server runs on this host. attempts: the tries, in their order. transcript: its lines, without secrets.
    """

    __slots__ = ("after", "attempts", "before", "here", "tls", "transcript")

    def __init__(self, transcript: Transcript, arrived: Visit | None = None) -> None:
        self.before = arrived.before if arrived else None
        self.after = arrived.after if arrived else None
        self.tls = arrived.session.wire.tls if arrived else ""
        self.here = arrived.here if arrived else True
        self.attempts: list[Attempt] = []
        self.transcript = transcript.lines

    def of(self, result: Result) -> list[str]:
        """Return the names of the mechanisms with this `result`."""
        return [attempt.mechanism for attempt in self.attempts if attempt.result is result]


def prove(plan: Plan, watch: Watch = None) -> Report:
    """Try what `plan` says; `watch` gets each line of the transcript as it comes.

    Raises:
        SasldbError: no connection, no trust, or nothing that could be tried (`NothingOffered`). BadMessage: the server broke the protocol at once.
        MechanismError: the plan names a mechanism that is not spoken here. BadName: no name of a user.
    """
    transcript = Transcript(plan.password, watch)
    return _ask_saslauthd(plan, transcript) if plan.target.scheme == SASLAUTHD else _Tries(plan, transcript).run()


class _Tries:
    """The tries at one SMTP server, which is visited at once."""

    def __init__(self, plan: Plan, transcript: Transcript) -> None:
        self._plan = plan
        self._transcript = transcript
        self._credentials = Credentials(plan.user, plan.password, host=plan.target.host)
        self._wanted = [named(name) for name in plan.mechanisms or ()]
        self._addresses = resolve(plan.target.host, plan.target.port, plan.target.name)
        self._pace = Pace(hosts(self._addresses), plan.pace, plan.total, plan.target.name)
        self._encrypted = False
        self._first = self._arrive()
        self._encrypted = bool(self._first.session.wire.tls)
        self._visit: Visit | None = self._first

    def run(self) -> Report:
        report = Report(self._transcript, self._first)
        try:
            if not self._first.session.mechanisms:
                raise NothingOffered(self._first, self._plan.target.name)
            for mechanism in self._wanted or self._choose(self._first):
                if report.of(Result.BROKEN):
                    report.attempts.append(Attempt(mechanism.name, Result.UNTRIED, _AFTERWARDS))
                else:
                    report.attempts.append(self._try(mechanism))
        finally:
            self._pace.leave()
            if self._visit:
                self._visit.session.quit()
        return report

    def _choose(self, arrived: Visit) -> list[Mechanism]:
        """Return all mechanisms that are offered and spoken here, or the first of them that can be tried."""
        offered = [row for row in TABLE if row.name in arrived.session.mechanisms]
        if not offered:
            offer = " ".join(arrived.session.mechanisms)
            raise SasldbError(self._plan.target.name, f"offers no mechanism that is spoken here, but {offer}")
        if self._plan.mechanisms is None:
            return offered
        return [row for row in offered if not _obstacle(row, arrived)][:1] or offered

    def _try(self, mechanism: Mechanism) -> Attempt:
        """Try one mechanism; the connection is used up by that."""
        try:
            obstacle = _obstacle(mechanism, self._first)  # spares a connection for nothing
            if not obstacle:
                self._visit = arrived = self._visit or self._arrive()
                obstacle = _obstacle(mechanism, arrived)
            if obstacle:
                return Attempt(mechanism.name, Result.UNTRIED, obstacle)
            self._visit = None
            return self._authenticate(mechanism, arrived)
        except SasldbError as error:
            untried = isinstance(error, MechanismError) and not isinstance(error, BadMessage)
            words = error.reason if error.subject == mechanism.name else str(error)
            return Attempt(mechanism.name, Result.UNTRIED if untried else Result.BROKEN, words)

    def _authenticate(self, mechanism: Mechanism, arrived: Visit) -> Attempt:
        self._pace.mark()
        try:
            answer = authenticate(arrived.session, mechanism, self._credentials, self._transcript)
        except BaseException:
            arrived.session.wire.close()
            raise
        finally:
            self._pace.mark()
            self._pace.leave()
        arrived.session.quit()
        return Attempt(mechanism.name, Result.ACCEPTED if answer.accepted else Result.REFUSED, answer.reply)

    def _arrive(self) -> Visit:
        """Wait for a turn, which is left after the try, and connect."""
        self._pace.take()
        try:
            patience = Patience(self._plan.total)
            arrived = visit(self._plan.target, self._addresses, self._plan.security, patience, self._transcript)
            if self._encrypted and not arrived.session.wire.tls:
                arrived.session.wire.close()
                raise BadMessage(self._plan.target.name, "it offers STARTTLS no more, as if somebody were in between")
            return arrived
        except BaseException:
            self._pace.leave()
            raise


def _obstacle(mechanism: Mechanism, arrived: Visit) -> str:
    """Return why `mechanism` cannot be tried on this visit, "" where it can."""
    if mechanism.name not in arrived.session.mechanisms:
        return "not offered under TLS" if arrived.session.wire.tls else "not offered"
    if mechanism.in_plain and not arrived.may_show:
        return "without TLS it would show the password on the network; to try it all the same, add --allow-unencrypted"
    try:
        mechanism.check_available()
    except MechanismError as error:
        return f"{error.reason}; {error.remedy}"
    return ""


def _ask_saslauthd(plan: Plan, transcript: Transcript) -> Report:
    """Ask saslauthd, which gets user and realm apart."""
    who = UserId.parse(plan.user)
    if not who.user:
        raise BadName("user", "no name of a user")
    service = plan.service.encode("utf-8", "surrogateescape")
    request = saslauthd.Request(who.user, plan.password, service, who.realm)
    pace = Pace([SASLAUTHD + os.path.realpath(plan.target.path)], plan.pace, plan.total, plan.target.name)
    pace.take()
    try:
        pace.mark()
        shown = [transcript.shown(field) for field in (who.user, who.realm, service)]
        transcript.client("user {}, realm {}, service {}, password {}".format(*shown, MASKED))
        reply = saslauthd.ask(plan.target.path, request, Patience(plan.total))
    finally:
        pace.mark()
        pace.leave()
    transcript.server(reply)
    report = Report(transcript)
    result = Result.ACCEPTED if reply.startswith(b"OK") else Result.REFUSED
    report.attempts.append(Attempt(SASLAUTHD, result, transcript.shown(reply)))
    return report
