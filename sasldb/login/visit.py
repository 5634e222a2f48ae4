"""From nothing to a session in which a login can be tried: connect, greet, EHLO, STARTTLS, EHLO again.

Errors: `BadMessage`, `SasldbError`, as in `login.smtp`.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from sasldb.login.dial import Address, dial, tls_context
from sasldb.login.patience import Patience
from sasldb.login.smtp import Session
from sasldb.login.target import SMTPS, Target
from sasldb.login.transcript import Transcript


class Security:
    """What the connection must be.

    Attributes:
        ca_file: a PEM file of CAs to trust instead of the system's, or None. insecure: take any certificate.
        starttls: begin TLS where it is offered. unencrypted: send a password in plain even without TLS.
    """

    __slots__ = ("ca_file", "insecure", "starttls", "unencrypted")

    def __init__(
        self, ca_file: str | None = None, insecure: bool = False, starttls: bool = True, unencrypted: bool = False
    ) -> None:
        self.ca_file = ca_file
        self.insecure = insecure
        self.starttls = starttls
        self.unencrypted = unencrypted


class Visit:
    """A `session` ready for AUTH, and what was learnt on the way there.

    Attributes:
        before, after: the mechanisms offered in the clear and under TLS; None where the session has no such part.
        may_show: whether a password may travel in plain: under TLS, or where it does not leave this host, or by the caller's wish.
        here: whether the server runs on this host.
    """

    __slots__ = ("after", "before", "here", "may_show", "session")

    def __init__(self, session: Session, before: list[str] | None, after: list[str] | None, unencrypted: bool) -> None:
        self.session = session
        self.before = before
        self.after = after
        ours, theirs = session.wire.addresses()
        loopback = bool(theirs) and ip_address(theirs.partition("%")[0]).is_loopback
        self.here = loopback or (bool(ours) and ours == theirs)
        self.may_show = bool(session.wire.tls) or loopback or unencrypted


def visit(
    target: Target, addresses: Sequence[Address], security: Security, patience: Patience, transcript: Transcript
) -> Visit:
    """Return a visit to `target` (smtp or smtps) at one of its `addresses`; the caller ends it with `session.quit()` or `session.wire.close()`.

    Raises:
        SasldbError: no connection, no service, no trust in the certificate. BadMessage: the server broke the protocol.
    """
    context = tls_context(security.ca_file, security.insecure)
    wire = dial(addresses, target.name, patience)
    session = Session(wire, transcript)
    try:
        before = after = None
        if target.scheme == SMTPS:
            session.secure(context, target.host)
        session.greet()
        session.hello()
        if target.scheme != SMTPS:
            before = session.mechanisms
            if security.starttls and session.starttls:
                session.start_tls(context, target.host)
                session.hello()
        if wire.tls:
            after = session.mechanisms
        return Visit(session, before, after, security.unencrypted)
    except BaseException:
        wire.close()
        raise
