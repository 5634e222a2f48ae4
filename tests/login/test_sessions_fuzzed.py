"""Whatever a server says on the way to a login, the outcome is an answer or one of our errors, soon, and shows no password."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sasldb.errors import SasldbError
from sasldb.login.target import Target
from sasldb.model.secret import Secret
from sasldb.operations.logins.logging_in import Plan, Result, prove
from tests.login.conftest import PASSWORD, USER
from tests.login.servers import Peer, Server

DIALOGUES = {
    "PLAIN": [b"220 here\r\n", b"250-here\r\n250 AUTH PLAIN\r\n", b"235 ok\r\n"],
    "LOGIN": [
        *(b"220 here\r\n", b"250-here\r\n250 AUTH LOGIN\r\n"),
        *(b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n", b"235 ok\r\n"),
    ],
    "CRAM-MD5": [b"220 here\r\n", b"250 AUTH CRAM-MD5\r\n", b"334 PDFAeD4=\r\n", b"235 ok\r\n"],
}
ODD = [
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"-",
    b" ",
    b"334 ",
    b"235 ",
    b"421 ",
    b"250-",
    b"\xff",
    b"=",
    PASSWORD,
    b"x" * 3000,
]


@st.composite
def replies(draw: st.DrawFn, honest: list[bytes]) -> list[bytes]:
    """Draw a server's replies: honest ones, of which some have bytes replaced, cut or added."""
    said = []
    for reply in honest:
        octets = bytearray(reply)
        for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
            place = draw(st.integers(0, len(octets)))
            octets[place : place + draw(st.integers(0, 3))] = draw(
                st.one_of(st.sampled_from(ODD), st.binary(max_size=4))
            )
        said.append(bytes(octets))
    return said


@pytest.mark.parametrize("mechanism", list(DIALOGUES))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_replies(mechanism: str, data: st.DataObject) -> None:
    """No reply makes a login fail in any other way than with our errors, and none makes an acceptance of what is no 235."""
    said = data.draw(replies(DIALOGUES[mechanism]))

    def talk(peer: Peer) -> None:
        for number, reply in enumerate(said):
            if number and not peer.hear():
                return
            peer.say(reply)

    plan = Plan(Target("smtp", "127.0.0.1"), USER, Secret(PASSWORD), (mechanism,))
    plan.pace, plan.total = 0, 0.1
    with Server(talk) as server:
        plan.target.port = server.port
        try:
            report = prove(plan)
        except SasldbError as error:
            shown = str(error)
        else:
            (attempt,) = report.attempts
            assert attempt.result is not Result.ACCEPTED or any(reply.startswith(b"235") for reply in said)
            shown = attempt.words + "\n".join(report.transcript)
    assert PASSWORD.decode() not in shown
