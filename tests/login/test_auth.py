"""AUTH with servers that break its rules: refused with a clear error, and no secret shown or sent to whom it should not."""

from __future__ import annotations

from base64 import b64encode

import pytest

from sasldb.errors import BadMessage, MechanismError, SasldbError
from sasldb.login.mechanisms import NAMES, TABLE, named
from sasldb.login.transcript import Transcript
from tests.login.conftest import PASSWORD, USER, Login
from tests.login.servers import Peer, Server, Talk

PLAIN = b"AUTH PLAIN " + b64encode(b"\0%b\0%b" % (USER, PASSWORD))


def answering(*replies: bytes, repeat: bool = False) -> Talk:
    """Return a server that answers AUTH, and every line after it, with the next of `replies` as it is."""

    def talk(peer: Peer) -> None:
        peer.greet(b"PLAIN LOGIN")
        said = 0
        while peer.hear():
            peer.say(replies[min(said, len(replies) - 1)])
            said += 1
            if said == len(replies) and not repeat:
                return peer.end()

    return talk


def test_plain_accepted(login: Login, transcript: Transcript) -> None:
    """PLAIN is one command; the transcript shows its length and not the password."""
    with Server(answering(b"235 2.7.0 ok\r\n")) as server:
        answer = login(server, "PLAIN")
    assert (answer.accepted, answer.reply) == (True, "235 2.7.0 ok")
    assert server.heard == [[b"EHLO [127.0.0.1]", PLAIN]]
    assert transcript.lines[-2:] == ["C: AUTH PLAIN (masked)", "S: 235 2.7.0 ok"]


@pytest.mark.parametrize("code", [432, 454, 500, 504, 530, 534, 535, 538])
def test_refused(login: Login, code: int) -> None:
    """A refusal is an answer and no error, with the server's reason."""
    with Server(answering(b"%d-5.7.8 no\r\n%d never\r\n" % (code, code))) as server:
        answer = login(server, "PLAIN")
    assert (answer.accepted, answer.reply) == (False, f"{code} 5.7.8 no never")


@pytest.mark.parametrize("code", [200, 220, 250, 354])
def test_answers_that_are_none(login: Login, code: int) -> None:
    """Any other reply to AUTH is no answer: 250 in particular is not an acceptance."""
    with Server(answering(b"%d ok\r\n" % code)) as server, pytest.raises(BadMessage, match="answers AUTH with"):
        login(server, "PLAIN")


def test_a_server_that_closes(login: Login) -> None:
    """421 is no refusal of the password."""
    with Server(answering(b"421 4.7.0 too many errors\r\n")) as server, pytest.raises(SasldbError) as caught:
        login(server, "PLAIN")
    assert "it closes the connection: 421 4.7.0 too many errors" in str(caught.value)


def test_a_challenge_to_plain(login: Login) -> None:
    """PLAIN has one message: a server that asks for more is told off, and gets nothing more."""
    with Server(answering(b"334 \r\n")) as server, pytest.raises(BadMessage, match="asks for more"):
        login(server, "PLAIN")
    assert len(server.heard[0]) == 2


def test_a_long_first_message_waits(login: Login) -> None:
    """Where the command would be longer than 512 bytes, the first message is sent when it is asked for."""
    password = b"p" * 400
    with Server(answering(b"334 \r\n", b"235 ok\r\n")) as server:
        answer = login(server, "PLAIN", password=password)
    assert answer.accepted
    assert server.heard[0][1:] == [b"AUTH PLAIN", b64encode(b"\0%b\0%b" % (USER, password))]


def test_a_challenge_before_the_first_message(login: Login) -> None:
    """A server that does not simply ask for the first message gets none."""
    with Server(answering(b"334 Zm9v\r\n")) as server, pytest.raises(BadMessage, match="begins where the client"):
        login(server, "PLAIN", password=b"p" * 400)
    assert server.heard[0][1:] == [b"AUTH PLAIN"]


def test_a_mechanism_unknown_to_the_server(login: Login) -> None:
    """A long first message is not sent to a server that refuses the mechanism."""
    with Server(answering(b"504 what?\r\n")) as server:
        answer = login(server, "PLAIN", password=b"p" * 400)
    assert (answer.accepted, server.heard[0][1:]) == (False, [b"AUTH PLAIN"])


def test_login_without_an_end(login: Login) -> None:
    """A server that asks again and again in LOGIN gets the user and the password once, and no more."""
    with Server(answering(b"334 VXNlcm5hbWU6\r\n", repeat=True)) as server:
        with pytest.raises(BadMessage, match="asks for more when all has been said"):
            login(server, "LOGIN")
    assert server.heard[0][1:] == [b"AUTH LOGIN", b64encode(USER), b64encode(PASSWORD)]


def test_line_ends_in_a_name_stay_in_base64(login: Login) -> None:
    """CR and LF in a user's name reach the server as part of the name, and never as the end of a line."""
    user = b"alice\r\nRCPT TO:<x@y>\r\n"
    with Server(answering(b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n", b"535 no\r\n")) as server:
        answer = login(server, "LOGIN", user=user)
    assert not answer.accepted
    assert server.heard[0][1:] == [b"AUTH LOGIN", b64encode(user), b64encode(PASSWORD)]


@pytest.mark.parametrize(
    "challenge",
    [b"334 !", b"334 Zm9", b"334 Zm9v Zm9v", b"334 Zm9v=", b"334 Zm9=", b"334-Zm9v\r\n334 Zm9v", b"334 \xff\xfe"]
    + [b"334 " + b"A" * 13000, b"334 Zm9v\0", b"334 Zm\r9v", b"334 ntlm supported"],
    ids=lambda challenge: ascii(challenge)[:24],
)
@pytest.mark.parametrize("mechanism", [name for name in NAMES if name != "PLAIN"])
def test_challenges_that_are_not_base64(login: Login, mechanism: str, challenge: bytes) -> None:
    """A challenge that is no base64, in several lines, or too long is refused by every mechanism, and nothing more is said."""
    with Server(answering(challenge + b"\r\n")) as server, pytest.raises(BadMessage):
        login(server, mechanism)
    assert len(server.heard[0]) == 2


@pytest.mark.parametrize(
    "mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "LOGIN"]
)
def test_acceptance_without_a_question(login: Login, mechanism: str) -> None:
    """A server that accepts at once, and so without knowing the password, is not believed."""
    with Server(answering(b"235 welcome\r\n")) as server, pytest.raises(
        BadMessage, match="before the exchange is at its end"
    ):
        login(server, mechanism)


def test_acceptance_without_the_signature(login: Login) -> None:
    """A server that does not sign at the end of SCRAM is not believed."""

    def talk(peer: Peer) -> None:
        peer.greet(b"SCRAM-SHA-256")
        nonce = first_nonce(peer)
        peer.challenge(b"r=" + nonce + b"x,s=QSXCR+Q6sek8bf92,i=4096")
        peer.say(b"235 welcome\r\n")
        peer.end()

    with Server(talk) as server, pytest.raises(BadMessage, match="before the exchange is at its end"):
        login(server, "SCRAM-SHA-256")


def test_a_forged_signature(login: Login) -> None:
    """A server with a wrong signature is found out, though it accepts."""

    def talk(peer: Peer) -> None:
        peer.greet(b"SCRAM-SHA-256")
        nonce = first_nonce(peer)
        peer.challenge(b"r=" + nonce + b"x,s=QSXCR+Q6sek8bf92,i=4096")
        peer.challenge(b"v=" + b64encode(bytes(32)))
        peer.say(b"235 welcome\r\n")

    with Server(talk) as server, pytest.raises(BadMessage, match="signature"):
        login(server, "SCRAM-SHA-256")


def first_nonce(peer: Peer) -> bytes:
    """Return the nonce of the client's first message in SCRAM."""
    from base64 import b64decode

    return b64decode(peer.hear().split()[2]).partition(b"r=")[2]


def test_a_refusal_within_scram(login: Login) -> None:
    """A refusal in SCRAM's own words is an answer; the exchange is given up with a `*`."""

    def talk(peer: Peer) -> None:
        peer.greet(b"SCRAM-SHA-256")
        peer.hear()
        peer.say(b"334 " + b64encode(b"e=unknown-user") + b"\r\n")
        peer.hear()
        peer.say(b"501 given up\r\n")
        peer.end()

    with Server(talk) as server:
        answer = login(server, "SCRAM-SHA-256")
    assert (answer.accepted, answer.reply) == (False, "unknown-user; 501 given up")
    assert server.heard[0][-1] == b"*"


@pytest.mark.parametrize(
    "text", [PASSWORD, b64encode(PASSWORD), b64encode(b"\0%b\0%b" % (USER, PASSWORD)), b"x" + PASSWORD + b"x"]
)
def test_a_server_that_repeats_the_password(login: Login, transcript: Transcript, text: bytes) -> None:
    """What the server repeats of the secret is shown neither in the answer nor in the transcript."""
    with Server(answering(b"535 5.7.8 not " + text + b"\r\n")) as server:
        answer = login(server, "PLAIN")
    shown = answer.reply + "\n".join(transcript.lines)
    assert text.decode() not in shown and PASSWORD.decode() not in shown
    assert answer.reply.startswith("535 (withheld")


@pytest.mark.parametrize(
    "mechanism, line",
    [
        ("PLAIN", b"x" * 74 + PASSWORD),
        ("CRAM-MD5", b"334 " + b"x" * 70 + PASSWORD + b"!!"),
        ("SCRAM-SHA-256", b"334 " + b64encode(b"e=" + b"x" * 74 + PASSWORD)),
    ],
)
def test_a_secret_is_not_cut(login: Login, transcript: Transcript, mechanism: str, line: bytes) -> None:
    """Where only the beginning of what a server says is shown, no secret is in it by half, and so hidden from the search for it."""
    shown = ""
    with Server(answering(line + b"\r\n", b"501 no\r\n")) as server:
        try:
            shown = login(server, mechanism).reply
        except BadMessage as error:
            shown = str(error)
    shown += "\n".join(transcript.lines)
    assert PASSWORD[:5].decode() not in shown and "withheld" in shown


def test_more_than_an_acceptance(login: Login) -> None:
    """A server that accepts and refuses at once has not accepted."""
    with Server(answering(b"235 yes\r\n535 no\r\n")) as server, pytest.raises(BadMessage, match="says more than that"):
        login(server, "PLAIN")


def test_the_length_of_a_password_is_not_shown(login: Login, transcript: Transcript) -> None:
    """A transcript is the same whatever the length of the password."""
    ends = [0]
    for password in (b"zq", b"zq" * 50):
        with Server(answering(b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n", b"535 no\r\n")) as server:
            login(server, "LOGIN", password=password)
        ends.append(len(transcript.lines))
    first, second = (transcript.lines[begin:end] for begin, end in zip(ends, ends[1:]))
    assert first == second and first[-4:] == ["C: (masked)", "S: 334 <Password:>", "C: (masked)", "S: 535 no"]


def test_proofs_are_not_shown(login: Login, transcript: Transcript) -> None:
    """What a server proves itself with is masked, whether it is right or not, for passwords can be tried on it."""
    signature = b64encode(bytes(range(32)))

    def talk(peer: Peer) -> None:
        peer.greet(b"SCRAM-SHA-256")
        nonce = first_nonce(peer)
        peer.challenge(b"r=" + nonce + b"x,s=QSXCR+Q6sek8bf92,i=4096")
        peer.challenge(b"v=" + signature)
        peer.end()

    with Server(talk) as server, pytest.raises(BadMessage, match="signature"):
        login(server, "SCRAM-SHA-256")
    assert transcript.lines[-1] == "S: 334 <(masked)>"
    assert signature.decode() not in "\n".join(transcript.lines)


def test_no_transcript_shows_a_secret(login: Login, transcript: Transcript) -> None:
    """What mechanisms answer is shown as a number of bytes, in every one of them."""
    for mechanism in NAMES:
        with Server(
            answering(b"334 " + b64encode(b'realm="r",nonce="n",algorithm=md5-sess') + b"\r\n", repeat=True)
        ) as server:
            with pytest.raises(BadMessage):
                login(server, mechanism)
        said = [
            line for line in server.heard[0][1:] for line in line.split() if line not in (b"AUTH", mechanism.encode())
        ]
        assert not [answer for answer in said if answer and answer.decode() in "\n".join(transcript.lines)]


def test_the_table() -> None:
    """Mechanisms are found in any case; those in which the server proves itself come before those that show the password."""
    assert named("scram-sha-256").name == "SCRAM-SHA-256"
    in_plain = [row.in_plain for row in TABLE]
    assert in_plain == sorted(in_plain)
    with pytest.raises(MechanismError, match="GSSAPI.*these are: SCRAM-SHA-512"):
        named("GSSAPI")


@pytest.mark.parametrize("mechanism, package", [("SCRAM-SHA-1", "scramp"), ("NTLM", "pyspnego")])
def test_a_missing_package(monkeypatch: pytest.MonkeyPatch, mechanism: str, package: str) -> None:
    """Without its package a mechanism is there with the reason, and with what to install."""
    import sys

    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    for name in ("scramp", "spnego"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(MechanismError, match=f"needs {package}, which is not installed; .*sasldb\\[login\\]"):
        named(mechanism).check_available()
    named("PLAIN").check_available()
