"""What the tests of logins share: a certificate, and the way from a scripted server's port to a session with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sasldb.login import ledger
from sasldb.login.auth import Answer, authenticate
from sasldb.login.dial import resolve
from sasldb.login.exchange import Credentials
from sasldb.login.mechanisms import named
from sasldb.login.patience import Patience
from sasldb.login.target import Target
from sasldb.login.transcript import Transcript
from sasldb.login.visit import Security, Visit, visit
from sasldb.model.secret import Secret
from tests.login.certificates import Certificate
from tests.login.servers import Server

PASSWORD = b"wonderland"
USER = b"alice@example.com"

Arrive = Callable[..., Visit]
Login = Callable[..., Answer]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return a certificate for localhost."""
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(autouse=True)
def _own_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let what a test tries within its process be noted where no other test and no real try is."""
    monkeypatch.setattr(ledger, "RUNTIME", str(tmp_path))
    monkeypatch.setattr(ledger, "TEMPORARY", str(tmp_path))


@pytest.fixture
def transcript() -> Transcript:
    """Return an empty transcript that guards the tests' password."""
    return Transcript(Secret(PASSWORD))


@pytest.fixture
def arrive(transcript: Transcript, certificate: Certificate) -> Arrive:
    """Return `arrive(server, scheme="smtp", host="localhost", total=..., each=..., ca_file=..., ...) -> Visit`."""

    def go(
        server: Server, scheme: str = "smtp", host: str = "127.0.0.1", total: float = 5, each: float = 5, **how: object
    ) -> Visit:
        ca_file = how.pop("ca_file", certificate.certificate)
        security = Security(None if ca_file is None else str(Path(str(ca_file))), **how)  # type: ignore[arg-type]
        target = Target(scheme, host, server.port)
        addresses = resolve(host, server.port, target.name)
        return visit(target, addresses, security, Patience(total, each), transcript)

    return go


@pytest.fixture
def login(arrive: Arrive, transcript: Transcript) -> Login:
    """Return `login(server, mechanism, user=..., password=...) -> Answer`: one login over a connection in the clear."""

    def go(server: Server, mechanism: str, user: bytes = USER, password: bytes = PASSWORD) -> Answer:
        session = arrive(server).session
        try:
            return authenticate(session, named(mechanism), Credentials(user, Secret(password)), transcript)
        finally:
            session.wire.close()

    return go
