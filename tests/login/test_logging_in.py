"""A whole proof: which mechanisms are tried, in which order and how fast, and what a server that lies gets."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from sasldb.errors import BadMessage, BadName, MechanismError, SasldbError
from sasldb.login.target import Target
from sasldb.login.visit import Security
from sasldb.model.secret import Secret
from sasldb.operations.logins import logging_in
from sasldb.operations.logins.logging_in import Plan, Report, Result, prove
from tests.login.certificates import Certificate
from tests.login.conftest import PASSWORD, USER
from tests.login.servers import EHLO, Peer, Server, Talk

Prove = Callable[..., Report]


@pytest.fixture
def proof() -> Prove:
    """Return `proof(server, mechanisms, pace=0, ...) -> Report`: a proof with the tests' user and password."""

    def go(server: Server, mechanisms: tuple[str, ...] | None, pace: float = 0, **how: object) -> Report:
        plan = Plan(Target("smtp", "127.0.0.1", server.port), USER, Secret(PASSWORD), mechanisms)
        plan.pace, plan.total = pace, 5
        plan.security = Security(**how)  # type: ignore[arg-type]
        return prove(plan)

    return go


def offering(mechanisms: bytes, answer: bytes = b"535 5.7.8 no\r\n") -> Talk:
    """Return a server that offers `mechanisms`, and answers every AUTH with `answer`."""

    def talk(peer: Peer) -> None:
        peer.greet(mechanisms)
        while (line := peer.hear()) and line != b"QUIT":
            peer.say(answer)
        peer.say(b"221 bye\r\n")

    return talk


def tried(server: Server) -> list[bytes]:
    """Return the mechanisms that were tried, in their order."""
    return [line.split()[1] for lines in server.heard for line in lines if line.startswith(b"AUTH ")]


def test_the_best_offered_by_default(proof: Prove) -> None:
    """Without a wish the first mechanism of our table that is offered is tried, once."""
    with Server(offering(b"LOGIN GSSAPI PLAIN CRAM-MD5")) as server:
        report = proof(server, ())
    assert tried(server) == [b"CRAM-MD5"]
    assert [(attempt.mechanism, attempt.result) for attempt in report.attempts] == [("CRAM-MD5", Result.REFUSED)]
    assert report.attempts[0].words == "535 5.7.8 no"
    assert (report.before, report.after, report.tls, report.here) == (
        ["LOGIN", "GSSAPI", "PLAIN", "CRAM-MD5"],
        None,
        "",
        True,
    )


def test_all_that_are_offered(proof: Prove) -> None:
    """With None every offered one that is spoken here is tried, over a connection of its own, those first that prove the server."""
    with Server(*[offering(b"PLAIN LOGIN XOAUTH2 SCRAM-SHA-1 NTLM")] * 4) as server:
        report = proof(server, None)
    assert tried(server) == [b"SCRAM-SHA-1", b"NTLM", b"PLAIN", b"LOGIN"]
    assert report.of(Result.REFUSED) == ["SCRAM-SHA-1", "NTLM", "PLAIN", "LOGIN"]


def test_named_ones(proof: Prove) -> None:
    """Those that are named are tried in that order; one that is not offered is a row, and costs no connection."""
    with Server(*[offering(b"PLAIN LOGIN", b"235 ok\r\n")] * 1) as server:
        report = proof(server, ("cram-md5", "PLAIN", "SCRAM-SHA-512"))
    assert tried(server) == [b"PLAIN"]
    assert [(attempt.mechanism, attempt.result, attempt.words) for attempt in report.attempts] == [
        ("CRAM-MD5", Result.UNTRIED, "not offered"),
        ("PLAIN", Result.ACCEPTED, "235 ok"),
        ("SCRAM-SHA-512", Result.UNTRIED, "not offered"),
    ]


def test_what_cannot_be_tried(proof: Prove) -> None:
    """A mechanism that cannot carry the password is told, once by its name, and the next one is tried."""
    with Server(*[offering(b"PLAIN LOGIN")] * 2) as server:
        plan = Plan(Target("smtp", "127.0.0.1", server.port), USER, Secret(b"a\0b"), ("PLAIN", "LOGIN"))
        plan.pace = 0
        first, second = prove(plan).attempts
    assert (first.result, first.words) == (Result.UNTRIED, "cannot carry a password with a NUL")
    assert second.result is Result.REFUSED and tried(server) == [b"LOGIN"]


def test_unknown_ones(proof: Prove) -> None:
    """A name that is no mechanism of ours is an error before any connection."""
    with Server() as server, pytest.raises(MechanismError, match="GSSAPI"):
        proof(server, ("GSSAPI",))


@pytest.mark.parametrize("offer, words", [(b"GSSAPI XOAUTH2", "but GSSAPI XOAUTH2"), (b"", "offers no AUTH$")])
def test_nothing_that_is_spoken_here(proof: Prove, offer: bytes, words: str) -> None:
    """A server with nothing for us is told as that."""
    with Server(offering(offer)) as server, pytest.raises(SasldbError, match=words):
        proof(server, None)


def test_the_pace(proof: Prove) -> None:
    """Between the beginnings of two tries lies at least the pace, which is a second unless told otherwise."""
    assert logging_in.PACE == Plan(Target("smtp"), USER, Secret(PASSWORD)).pace == 1.0
    with Server(offering(b"PLAIN")) as server:
        begin = time.monotonic()
        proof(server, None, pace=100)
    assert server.times[0] - begin < 90  # the first one waits for nothing
    with Server(*[offering(b"PLAIN LOGIN CRAM-MD5")] * 3) as server:
        proof(server, None, pace=0.25)
    gaps = [later - earlier for earlier, later in zip(server.times, server.times[1:])]
    assert len(gaps) == 2 and min(gaps) > 0.23


def test_no_password_in_the_clear_to_another_host(proof: Prove, monkeypatch: pytest.MonkeyPatch) -> None:
    """PLAIN and LOGIN without TLS are not tried over a network, unless that is wanted; what hides the password is."""
    monkeypatch.setattr("sasldb.login.wire.Wire.addresses", lambda wire: ("192.0.2.1", "192.0.2.2"))
    with Server(offering(b"PLAIN LOGIN CRAM-MD5")) as server:
        report = proof(server, None)
    assert report.of(Result.REFUSED) == ["CRAM-MD5"] and tried(server) == [b"CRAM-MD5"]
    assert report.of(Result.UNTRIED) == ["PLAIN", "LOGIN"] and not report.here
    assert "--allow-unencrypted" in report.attempts[1].words
    with Server(*[offering(b"PLAIN LOGIN")] * 2) as server:
        report = proof(server, None, unencrypted=True)
    assert report.of(Result.REFUSED) == ["PLAIN", "LOGIN"]


def test_a_server_that_lies_gets_no_password(proof: Prove) -> None:
    """After a forged proof nothing more is tried: PLAIN would hand the password to whoever forged it."""

    def talk(peer: Peer) -> None:
        peer.greet(b"DIGEST-MD5 PLAIN")
        peer.hear()
        peer.challenge(b'nonce="n",algorithm=md5-sess')
        peer.challenge(b"rspauth=00000000000000000000000000000000")
        peer.end()

    with Server(talk, offering(b"PLAIN", b"235 ok\r\n")) as server:
        report = proof(server, None)
    assert [(attempt.mechanism, attempt.result) for attempt in report.attempts] == [
        ("DIGEST-MD5", Result.BROKEN),
        ("PLAIN", Result.UNTRIED),
    ]
    assert "does not prove that it knows the password" in report.attempts[0].words
    assert tried(server) == [b"DIGEST-MD5"]


def test_starttls_that_vanishes(proof: Prove, certificate: Certificate) -> None:
    """Where a later connection has no TLS any more, nothing is tried there, and nothing after that."""

    def encrypted(peer: Peer) -> None:
        peer.greet(b"PLAIN\r\n250-STARTTLS")
        peer.hear()
        peer.say(b"220 go\r\n")
        peer.secure(certificate.server_context())
        peer.hear()
        peer.say(EHLO % b"PLAIN LOGIN")
        peer.hear()
        peer.say(b"535 no\r\n")
        peer.end()

    with Server(encrypted, offering(b"PLAIN LOGIN")) as server:
        report = proof(server, ("PLAIN", "LOGIN", "PLAIN"), ca_file=str(certificate.certificate))
    assert [attempt.result for attempt in report.attempts] == [Result.REFUSED, Result.BROKEN, Result.UNTRIED]
    assert "offers STARTTLS no more" in report.attempts[1].words
    assert tried(server) == [b"PLAIN"]


def test_an_offer_that_changes(proof: Prove) -> None:
    """What a later connection does not offer is not tried there, though the first one did."""
    with Server(offering(b"PLAIN LOGIN"), offering(b"PLAIN")) as server:
        report = proof(server, ("PLAIN", "LOGIN"))
    assert [attempt.result for attempt in report.attempts] == [Result.REFUSED, Result.UNTRIED]
    assert report.attempts[1].words == "not offered" and tried(server) == [b"PLAIN"]


def test_the_service_of_smtp(proof: Prove) -> None:
    """What saslauthd is told is not what an SMTP server is told: DIGEST-MD5 is for smtp and the host of the address."""
    answers = []

    def talk(peer: Peer) -> None:
        peer.greet(b"DIGEST-MD5")
        peer.hear()
        answers.append(peer.challenge(b'nonce="n",algorithm=md5-sess'))
        peer.say(b"535 no\r\n")
        peer.end()

    with Server(talk) as server:
        plan = Plan(Target("smtp", "127.0.0.1", server.port), USER, Secret(PASSWORD))
        plan.service, plan.pace = "imap", 0
        assert prove(plan).of(Result.REFUSED) == ["DIGEST-MD5"]
    assert b'digest-uri="smtp/127.0.0.1"' in answers[0]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_server_that_breaks_off_anywhere(proof: Prove, mechanism: str) -> None:
    """Wherever in its words a server breaks off, that is told, and never taken for an answer before the line of that has ended."""
    rounds = {
        "PLAIN": [],
        "LOGIN": [b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"],
        "CRAM-MD5": [b"334 PDFAeD4=\r\n"],
    }
    words = [b"220 here\r\n", b"250-here\r\n250 AUTH %b\r\n" % mechanism.encode(), *rounds[mechanism], b"235 ok\r\n"]
    whole = b"".join(words)

    def cut_at(length: int) -> Talk:
        def talk(peer: Peer) -> None:
            left = length
            for number, said in enumerate(words):
                if number:
                    peer.hear()
                peer.say(said[:left])
                left -= len(said)
                if left < 0:
                    return
            peer.end()

        return talk

    with Server(*[cut_at(length) for length in range(len(whole) + 1)]) as server:
        for length in range(len(whole) + 1):
            try:
                (attempt,) = proof(server, (mechanism,)).attempts
            except SasldbError as error:
                assert length <= len(words[0]) + len(words[1]) and "it" in error.reason
            else:
                assert attempt.result is (Result.ACCEPTED if length == len(whole) else Result.BROKEN), length


def test_a_connection_that_breaks(proof: Prove) -> None:
    """A server that goes away is an attempt that failed, and the rest is not tried."""
    with Server(offering(b"PLAIN LOGIN", b"421 too many\r\n")) as server:
        report = proof(server, None)
    assert [(attempt.result, attempt.words) for attempt in report.attempts] == [
        (Result.BROKEN, f"127.0.0.1:{server.port}: it closes the connection: 421 too many"),
        (Result.UNTRIED, "not tried after that"),
    ]


def test_the_first_connection(proof: Prove) -> None:
    """Where nothing can be tried at all, that is an error."""
    with Server(lambda peer: peer.say(b"550 no\r\n")) as server, pytest.raises(SasldbError, match="does not serve"):
        proof(server, None)
    with Server(lambda peer: peer.say(b"\xff\r\n")) as server, pytest.raises(BadMessage):
        proof(server, None)


def test_a_server_that_does_not_say_goodbye(proof: Prove) -> None:
    """An answer stands, and is not waited with, when the server hangs at QUIT."""

    def talk(peer: Peer) -> None:
        peer.greet(b"PLAIN")
        peer.hear()
        peer.say(b"235 ok\r\n")
        peer.hear()
        peer.hear()

    begin = time.monotonic()
    with Server(talk) as server:
        report = proof(server, ())
    assert report.of(Result.ACCEPTED) == ["PLAIN"]
    assert time.monotonic() - begin < 4


def test_no_name() -> None:
    """A user that no mechanism can carry is an error before any connection."""
    with pytest.raises(BadName):
        prove(Plan(Target("smtp", "127.0.0.1", 1), b"a\0b", Secret(PASSWORD)))


@pytest.mark.parametrize(
    "reply, result, words",
    [
        (b"\0\2OK", Result.ACCEPTED, "OK"),
        (b"\0\6NO bad", Result.REFUSED, "NO bad"),
        (b"\0\x0dNO wonderland", Result.REFUSED, "(withheld: it repeats a secret)"),
    ],
)
def test_saslauthd(tmp_path: Path, reply: bytes, result: Result, words: str) -> None:
    """saslauthd gets user and realm apart, and the service; its reply is shown without secrets."""
    received: list[bytes] = []

    def talk(peer: Peer) -> None:
        received.append(peer.take(38))
        peer.say(reply)

    path = str(tmp_path / "mux")
    plan = Plan(Target("saslauthd", path=path), USER, Secret(PASSWORD))
    plan.service = "imap"
    with Server(talk, path=path):
        report = prove(plan)
    assert report.transcript == ["C: user alice, realm example.com, service imap, password (masked)", f"S: {words}"]
    assert received == [b"\0\5alice\0\x0awonderland\0\4imap\0\x0bexample.com"]
    assert [(attempt.result, attempt.words) for attempt in report.attempts] == [(result, words)]


def test_the_transcript(proof: Prove) -> None:
    """All that was said is in it, on both sides, and nothing that is secret."""
    with Server(offering(b"PLAIN", b"235 ok\r\n")) as server:
        report = proof(server, ())
    assert report.transcript == [
        "S: 220 here.example.com ESMTP",
        "C: EHLO [127.0.0.1]",
        "S: 250-here.example.com",
        "S: 250-AUTH PLAIN",
        "S: 250 8BITMIME",
        "C: AUTH PLAIN (masked)",
        "S: 235 ok",
        "C: QUIT",
        "S: 221 bye",
    ]
    assert b64encode(PASSWORD).decode() not in "".join(report.transcript)
