"""TLS: whose certificate is taken, and what an attacker between client and server can do before it begins."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sasldb.errors import BadMessage, SasldbError
from tests.login.certificates import Certificate
from tests.login.conftest import Arrive
from tests.login.servers import EHLO, Peer, Server, Talk


def starttls(certificate: Certificate, answer: bytes = b"220 go\r\n", before: bytes = b"PLAIN") -> Talk:
    """Return a server that offers `before`, then STARTTLS, which it answers with `answer`, then DIGEST-MD5."""

    def talk(peer: Peer) -> None:
        peer.say(b"220 here\r\n")
        peer.hear()
        peer.say(b"250-here\r\n250-STARTTLS\r\n250 AUTH " + before + b"\r\n")
        if peer.hear() != b"STARTTLS":
            return
        peer.say(answer)
        peer.secure(certificate.server_context())
        peer.hear()
        peer.say(EHLO % b"DIGEST-MD5")
        peer.end()

    return talk


def smtps(certificate: Certificate) -> Talk:
    """Return a server that begins with TLS."""

    def talk(peer: Peer) -> None:
        peer.secure(certificate.server_context())
        peer.greet(b"PLAIN")
        peer.end()

    return talk


def test_starttls(arrive: Arrive, certificate: Certificate) -> None:
    """Where STARTTLS is offered it is used, EHLO is said again, and both offers are told apart."""
    with Server(starttls(certificate)) as server:
        visit = arrive(server)
        visit.session.quit()
    assert (visit.before, visit.after) == (["PLAIN"], ["DIGEST-MD5"])
    assert visit.session.wire.tls.startswith("TLSv1.")
    assert server.heard == [[b"EHLO [127.0.0.1]", b"STARTTLS", b"EHLO [127.0.0.1]", b"QUIT"]]


def test_what_was_offered_before_is_forgotten(arrive: Arrive, certificate: Certificate) -> None:
    """Under TLS only what was offered under TLS counts: an attacker may have written the offer before."""
    with Server(starttls(certificate)) as server:
        visit = arrive(server)
        visit.session.quit()
    assert visit.session.mechanisms == ["DIGEST-MD5"]


def test_starttls_not_wanted(arrive: Arrive, certificate: Certificate) -> None:
    """Whoever does not want it goes on in the clear."""
    with Server(starttls(certificate)) as server:
        visit = arrive(server, starttls=False)
        visit.session.wire.close()
    assert (visit.before, visit.after, visit.session.wire.tls) == (["PLAIN"], None, "")


def test_smtps(arrive: Arrive, certificate: Certificate) -> None:
    """With smtps TLS comes first, and there is no offer in the clear."""
    with Server(smtps(certificate)) as server:
        visit = arrive(server, scheme="smtps", host="localhost")
        visit.session.quit()
    assert (visit.before, visit.after) == (None, ["PLAIN"])


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_an_unknown_ca_is_not_trusted(arrive: Arrive, certificate: Certificate, scheme: str) -> None:
    """A certificate of no CA of this system ends it, before anything is said under TLS, and the message says what may be done."""
    talk = starttls(certificate) if scheme == "smtp" else smtps(certificate)
    with Server(talk) as server, pytest.raises(SasldbError, match="not trusted: self.signed.*--ca-file.*--insecure"):
        arrive(server, scheme=scheme, ca_file=None)
    assert server.heard[0][2:] == []


def test_another_hosts_certificate_is_not_trusted(arrive: Arrive, tmp_path: Path) -> None:
    """A certificate of a trusted CA, but for another host, ends it."""
    other = Certificate(tmp_path, "elsewhere.example.com")
    with Server(smtps(other)) as server, pytest.raises(SasldbError, match="not trusted.*match") as caught:
        arrive(server, scheme="smtps", ca_file=other.certificate)
    assert "--insecure" in caught.value.remedy and "--ca-file" not in caught.value.remedy


def test_an_expired_certificate_is_not_trusted(arrive: Arrive, tmp_path: Path) -> None:
    """A certificate of a trusted CA that has expired ends it; another file of CAs would not help, and is not proposed."""
    old = Certificate(tmp_path, days=-1)
    with Server(smtps(old)) as server, pytest.raises(
        SasldbError, match="not trusted: certificate has expired"
    ) as caught:
        arrive(server, scheme="smtps", ca_file=old.certificate)
    assert "--insecure" in caught.value.remedy and "--ca-file" not in caught.value.remedy


def test_insecure_takes_any(arrive: Arrive, tmp_path: Path) -> None:
    """Only with `insecure` any certificate does."""
    other = Certificate(tmp_path, "elsewhere.example.com")
    with Server(smtps(other)) as server:
        visit = arrive(server, scheme="smtps", ca_file=None, insecure=True)
        visit.session.quit()
    assert visit.after == ["PLAIN"]


@pytest.mark.parametrize(
    "answer", [b"220 go\r\n250 AUTH PLAIN\r\n", b"220 go\r\n2", b"220 go\r\n" + b"250-x\r\n" * 9], ids=range(3)
)
def test_starttls_injection(arrive: Arrive, certificate: Certificate, answer: bytes) -> None:
    """Plain text behind the answer to STARTTLS, which an attacker puts there (CVE-2011-0411), ends it."""
    with Server(starttls(certificate, answer)) as server, pytest.raises(BadMessage, match="CVE-2011-0411"):
        arrive(server)
    assert server.heard == [[b"EHLO [127.0.0.1]", b"STARTTLS"]]


def test_starttls_injection_that_comes_late(arrive: Arrive, certificate: Certificate) -> None:
    """Plain text in the place of the server's TLS is no TLS, and ends it."""

    def talk(peer: Peer) -> None:
        peer.greet(b"PLAIN\r\n250-STARTTLS")
        peer.hear()
        peer.say(b"220 go\r\n")
        time.sleep(0.1)
        peer.say(b"250 AUTH PLAIN\r\n" * 20)
        peer.end()

    with Server(talk) as server, pytest.raises(SasldbError, match="TLS failed"):
        arrive(server)


@pytest.mark.parametrize("answer", [b"454 not now\r\n", b"250 ok\r\n", b"501 no\r\n"])
def test_starttls_refused(arrive: Arrive, certificate: Certificate, answer: bytes) -> None:
    """A server that offers STARTTLS and then refuses it is not logged in to in the clear."""
    with Server(starttls(certificate, answer)) as server, pytest.raises(SasldbError, match="it refuses STARTTLS"):
        arrive(server)
    assert server.heard == [[b"EHLO [127.0.0.1]", b"STARTTLS"]]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_handshake_without_an_end(arrive: Arrive, scheme: str) -> None:
    """A server that lets TLS hang is given up."""

    def talk(peer: Peer) -> None:
        if scheme == "smtp":
            peer.greet(b"PLAIN\r\n250-STARTTLS")
            peer.hear()
            peer.say(b"220 go\r\n")
        while peer.hear():
            pass

    begin = time.monotonic()
    with Server(talk) as server, pytest.raises(SasldbError, match="TLS failed: no answer in time"):
        arrive(server, scheme=scheme, total=0.5, each=0.3)
    assert time.monotonic() - begin < 60


def test_tls_that_ends_at_once(arrive: Arrive) -> None:
    """A server that hangs up in the place of its TLS is told as that, in words and not with a line of somebody's source."""

    def talk(peer: Peer) -> None:
        peer.take(100)

    with Server(talk) as server, pytest.raises(SasldbError, match="TLS failed: the connection ended; "):
        arrive(server, scheme="smtps")


def test_smtps_where_there_is_none(arrive: Arrive) -> None:
    """A server that greets in the clear where TLS was to begin is told as that."""
    with Server(lambda peer: peer.say(b"220 here\r\n")) as server, pytest.raises(SasldbError, match="TLS failed"):
        arrive(server, scheme="smtps")


@pytest.mark.parametrize("content, reason", [(None, "No such file"), ("no certificate", "no certificate in it")])
def test_a_ca_file_that_is_none(arrive: Arrive, tmp_path: Path, content: str | None, reason: str) -> None:
    """A file of CAs that cannot be read, or holds none, is named before any connection."""
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with Server() as server, pytest.raises(SasldbError, match=reason) as caught:
        arrive(server, ca_file=path)
    assert caught.value.subject == str(path)
