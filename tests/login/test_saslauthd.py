"""Asking saslauthd: what is sent, and answers that are none."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sasldb.errors import BadMessage, SasldbError
from sasldb.login.patience import Patience
from sasldb.login.saslauthd import Request, ask
from sasldb.model.secret import Secret
from tests.login.servers import Peer, Server

REQUEST = Request(b"alice", Secret(b"wonderland"), b"smtp", b"example.com")
WIRE = b"\0\5alice\0\x0awonderland\0\4smtp\0\x0bexample.com"


def answering(reply: bytes, received: list[bytes]) -> Callable[[Peer], None]:
    """Return a saslauthd that takes one request and gives `reply` as it is."""

    def talk(peer: Peer) -> None:
        received.append(peer.take(len(WIRE)))
        peer.say(reply)

    return talk


def test_a_request(tmp_path: Path) -> None:
    """User, password, service and realm are sent, each behind its length; the whole reply comes back."""
    received: list[bytes] = []
    path = str(tmp_path / "mux")
    with Server(answering(b"\0\2OK", received), path=path):
        assert ask(path, REQUEST, Patience(5, 5)) == b"OK"
    assert received == [WIRE]


def test_a_reply_in_pieces(tmp_path: Path) -> None:
    """A reply may come byte by byte."""

    def talk(peer: Peer) -> None:
        peer.take(len(WIRE))
        for byte in b"\0\6NO bad":
            peer.say(bytes((byte,)))
            time.sleep(0.01)

    path = str(tmp_path / "mux")
    with Server(talk, path=path):
        assert ask(path, REQUEST, Patience(5, 5)) == b"NO bad"


@pytest.mark.parametrize(
    "reply, reason",
    [
        (b"", "size read failed"),
        (b"\0", "size read failed"),
        (b"\0\0", "bad response from saslauthd"),
        (b"\0\1O", "bad response from saslauthd"),
        (b"\0\2O", "read failed"),
        (b"\xff\xffOK", "read failed"),
    ],
)
def test_replies_that_are_none(tmp_path: Path, reply: bytes, reason: str) -> None:
    """A reply that breaks off or is too short is told in testsaslauthd's words."""
    path = str(tmp_path / "mux")
    with Server(answering(reply, []), path=path), pytest.raises(BadMessage) as caught:
        ask(path, REQUEST, Patience(5, 5))
    assert (caught.value.subject, caught.value.reason) == (path, reason)


def silent(peer: Peer) -> None:
    """A saslauthd that takes what comes, until its client goes."""
    peer.take(1000)


def test_no_answer(tmp_path: Path) -> None:
    """A saslauthd that says nothing is given up, and is not told as one that breaks off."""
    path = str(tmp_path / "mux")
    with Server(silent, path=path), pytest.raises(SasldbError, match="no answer in time"):
        ask(path, REQUEST, Patience(5, 0.2))


@pytest.mark.parametrize(
    "kind, reason", [("none", "No such file"), ("file", "Connection refused"), ("long", "too long")]
)
def test_nobody_there(tmp_path: Path, kind: str, reason: str) -> None:
    """A missing socket, a file in its place and a path too long for one are told in the system's words."""
    path = tmp_path / ("x" * 200 if kind == "long" else "mux")
    if kind == "file":
        path.touch()
    with pytest.raises(SasldbError, match=reason) as caught:
        ask(str(path), REQUEST, Patience(5, 5))
    assert not isinstance(caught.value, BadMessage)


def test_fields_that_are_too_long(tmp_path: Path) -> None:
    """What does not fit the protocol's lengths is refused and not cut."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "mux"))
        listener.listen()
        with pytest.raises(SasldbError, match="more than 65535 bytes"):
            ask(str(tmp_path / "mux"), Request(b"a" * 65536, Secret(b"p")), Patience(5, 5))
