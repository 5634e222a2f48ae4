"""Talking SMTP with servers that are odd, broken or hostile: always a clear error in time, and never a line too much sent."""

from __future__ import annotations

import time

import pytest

from sasldb.errors import BadMessage, SasldbError
from tests.login.conftest import Arrive
from tests.login.servers import Peer, Server


def test_what_is_offered(arrive: Arrive) -> None:
    """The mechanisms of AUTH lines, old ones with `=` too, are those offered, each once, in capitals."""

    def talk(peer: Peer) -> None:
        peer.say(b"220-here\r\n220-is\n220 me\r\n")
        peer.hear()
        peer.say(
            b"250-here\r\n250-auth plain Login\r\n250-AUTH=LOGIN NTLM\r\n250-SIZE\r\n250-AUTHOR X\r\n250 AUTH CRAM-MD5\r\n"
        )
        peer.end()

    with Server(talk) as server:
        visit = arrive(server)
        visit.session.quit()
    assert visit.before == ["PLAIN", "LOGIN", "NTLM", "CRAM-MD5"]
    assert (visit.after, visit.here, visit.may_show) == (None, True, True)
    assert server.heard == [[b"EHLO [127.0.0.1]", b"QUIT"]]


def test_no_auth_at_all(arrive: Arrive) -> None:
    """A server may offer nothing."""

    def talk(peer: Peer) -> None:
        peer.say(b"220\r\n")
        peer.hear()
        peer.say(b"250 here\r\n")
        peer.end()

    with Server(talk) as server:
        visit = arrive(server)
        visit.session.quit()
    assert visit.before == []


@pytest.mark.parametrize(
    "greeting, reason",
    [
        (b"554 no\r\n", "it does not serve: 554 no"),
        (b"421-too\r\n421 busy\r\n", "it does not serve: 421 too busy"),
        (b"250 hello\r\n", "it does not serve: 250 hello"),
        (b"+OK dovecot ready\r\n", "not a reply of SMTP"),
        (b"22\r\n", "not a reply of SMTP"),
        (b"220hello\r\n", "not a reply of SMTP"),
        (b"120 hello\r\n", "not a reply of SMTP"),
        (b"\xb2\xb2\xb0 x\r\n", "not a reply of SMTP"),
        (b"\r\n", "not a reply of SMTP"),
        (b"220-a\r\n221 b\r\n", "one reply with two codes"),
        (b"220 a\0b\r\n", "a NUL or a lone carriage return"),
        (b"220 a\rb\r\n", "a NUL or a lone carriage return"),
        (b"220 he", "it broke off within a line"),
        (b"220-here\r\n", "it closed the connection"),
        (b"", "it closed the connection"),
        (b"\x16\x03\x01\x02\x00\n", "a NUL"),
        (b"220 " + b"x" * 2048 + b"\r\n", "a line of more than 12294 bytes"),
        (b"220-x\r\n" * 200, "a reply of more than 100 lines"),
        (b"220 a\r\n220 b\r\n", "it answered before it was asked"),
    ],
)
def test_greetings_that_are_none(arrive: Arrive, greeting: bytes, reason: str) -> None:
    """A greeting that is no 220 of SMTP ends it, with the reason."""
    reason = reason.replace("12294", "2048")
    with Server(lambda peer: peer.say(greeting)) as server, pytest.raises(SasldbError) as caught:
        arrive(server)
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"127.0.0.1:{server.port}: ")
    assert server.heard == [[]]


def test_escapes_do_not_reach_the_terminal(arrive: Arrive) -> None:
    """What a server says is quoted with its control characters made harmless."""
    with Server(lambda peer: peer.say(b"554 \x1b[2J\x9b\r\n")) as server, pytest.raises(SasldbError) as caught:
        arrive(server)
    assert "554 \\x1b[2J\\x9b" in str(caught.value)


def flood(peer: Peer) -> None:
    """A line that never ends."""
    while True:
        peer.say(b"2" * 4096)


def banner(peer: Peer) -> None:
    """A greeting that never ends."""
    while True:
        peer.say(b"220-welcome\r\n" * 50)


def drip(peer: Peer) -> None:
    """A line of which one byte comes at a time, often enough that no single wait is long."""
    while True:
        peer.say(b"2")
        time.sleep(0.05)


def silence(peer: Peer) -> None:
    """Nothing at all."""
    peer.hear()


@pytest.mark.parametrize(
    "talk, reason",
    [
        (flood, "a line of more than"),
        (banner, "a reply of more than 100 lines"),
        (drip, "not done within 0.5 seconds"),
        (silence, "no answer in time"),
    ],
    ids=["flood", "banner", "drip", "silence"],
)
@pytest.mark.parametrize("late", [False, True], ids=["greeting", "EHLO"])
def test_servers_without_an_end(arrive: Arrive, talk: object, reason: str, late: bool) -> None:
    """An endless line, an endless greeting, a trickle and silence are all given up, soon."""

    def whole(peer: Peer) -> None:
        assert callable(talk)
        if late:
            peer.say(b"220 here\r\n")
            peer.hear()
        talk(peer)

    begin = time.monotonic()
    with Server(whole) as server, pytest.raises(SasldbError) as caught:
        arrive(server, total=0.5, each=0.3)
    assert reason in str(caught.value)
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize(
    "reply, reason",
    [
        (b"502 what?\r\n", "it refuses EHLO: 502 what?"),
        (b"421 bye\r\n", "it closes the connection: 421 bye"),
        (b"334 \r\n", "it refuses EHLO: 334"),
        (b"250-here\r\n250-AUTH PLAIN\r\n550 x\r\n", "two codes"),
        (b"250-here\r\n250 AUTH \xff\xfe PLAIN\0\r\n", "a NUL"),
    ],
)
def test_ehlo_that_is_refused(arrive: Arrive, reply: bytes, reason: str) -> None:
    """A server that does not speak ESMTP cannot be logged in to."""

    def talk(peer: Peer) -> None:
        peer.say(b"220 here\r\n")
        peer.hear()
        peer.say(reply)
        peer.end()

    with Server(talk) as server, pytest.raises(SasldbError) as caught:
        arrive(server)
    assert reason in str(caught.value)


def test_strange_names_are_not_mechanisms(arrive: Arrive) -> None:
    """A word that no mechanism can be called is passed over: other characters than letters, digits, - and _, or more than 20."""

    def talk(peer: Peer) -> None:
        peer.greet(b"\xff\xfe PLAIN \x1b[2J X\x7f " + b"A" * 21)
        peer.end()

    with Server(talk) as server:
        visit = arrive(server)
        visit.session.quit()
    assert visit.before == ["PLAIN"]


def test_mechanisms_without_an_end(arrive: Arrive) -> None:
    """A server that offers thousands of mechanisms is given up, and keeps nobody busy."""

    def talk(peer: Peer) -> None:
        peer.say(b"220 here\r\n")
        peer.hear()
        names = [b"X%d" % number for number in range(25000)]
        lines = [b"250-AUTH " + b" ".join(names[first : first + 280]) for first in range(0, len(names), 280)]
        peer.say(b"250-here\r\n" + b"\r\n".join(lines) + b"\r\n250 AUTH PLAIN\r\n")
        peer.end()

    with Server(talk) as server, pytest.raises(BadMessage, match="more than 64 mechanisms"):
        arrive(server)


def test_nobody_listens(arrive: Arrive) -> None:
    """A closed port is an error with the system's words."""
    with Server() as server:
        pass
    with pytest.raises(SasldbError, match="cannot connect: Connection refused") as caught:
        arrive(server)
    assert not isinstance(caught.value, BadMessage)


def test_no_such_host(arrive: Arrive) -> None:
    """A name without an address is an error."""
    with Server() as server, pytest.raises(SasldbError, match="no address"):
        arrive(server, host="nowhere.invalid")


def test_a_line_is_one_line(arrive: Arrive) -> None:
    """Nothing can smuggle a line into a command: that would be a mistake of ours, and is caught before it is sent."""

    def talk(peer: Peer) -> None:
        peer.greet(b"PLAIN")
        peer.end()

    with Server(talk) as server:
        session = arrive(server).session
        for line in (b"NOOP\r\nQUIT", b"NOOP\nQUIT", b"NOOP\0"):
            with pytest.raises(ValueError):
                session.wire.send_line(line)
        session.quit()
    assert server.heard == [[b"EHLO [127.0.0.1]", b"QUIT"]]
