"""`sasldb login` as a command: what it prints, its exit status, and where a password may not come from."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import sasldb
from sasldb.cli.commands.login import MECHANISMS
from sasldb.login.mechanisms import NAMES
from tests.conftest import Commands
from tests.login.certificates import Certificate
from tests.login.servers import EHLO, Peer, Server, Talk

Done = subprocess.CompletedProcess[str]


def run(commands: Commands, *arguments: str) -> Done:
    """Run `sasldb login` with `arguments` and the password on standard input."""
    argv = [commands.sasldb, "login", "--password-stdin", "--local-domain", "example.com", "--pace", "0", *arguments]
    return subprocess.run(argv, input="wonderland\n", capture_output=True, text=True, timeout=30, check=False)


def answering(answers: dict[bytes, bytes]) -> Talk:
    """Return a server that answers AUTH by the mechanism."""

    def talk(peer: Peer) -> None:
        peer.greet(b" ".join(answers))
        while (line := peer.hear()) and line != b"QUIT":
            peer.say(answers[line.split()[1]])
        peer.say(b"221 bye\r\n")

    return talk


YES, NO = b"235 2.7.0 yes\r\n", b"535 5.7.8 no\r\n"


def test_accepted(commands: Commands) -> None:
    """An accepted login is told with the server's words, exit 0."""
    with Server(answering({b"PLAIN": YES})) as server:
        done = run(commands, f"smtp://127.0.0.1:{server.port}", "alice@example.com")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["offered in the clear: PLAIN", "PLAIN: accepted: 235 2.7.0 yes"]


def test_refused_with_an_explanation(commands: Commands, tmp_path: Path) -> None:
    """A refusal by a server on this host is exit 1, and the database here explains it."""
    path = str(tmp_path / "db")
    with sasldb.edit(path) as editor:
        editor.set_password("alice@example.com", b"another")
    with Server(answering({b"PLAIN": NO})) as server:
        done = run(commands, f"smtp://127.0.0.1:{server.port}", "alice", "-f", path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[1:] == [
        "PLAIN: refused: 535 5.7.8 no",
        f"on this host: the password is not the one that {path} holds for alice@example.com",
    ]


@pytest.mark.parametrize(
    "mechanisms, status",
    [(["PLAIN"], 0), (["LOGIN"], 1), (["NTLM"], 3), (["PLAIN", "NTLM"], 3), (["NTLM", "LOGIN"], 1), (["plain"], 0)],
)
def test_exit_status(commands: Commands, tmp_path: Path, mechanisms: list[str], status: int) -> None:
    """0 where all were accepted, 1 where one was refused, 3 where one could not be tried."""
    chosen = [word for name in mechanisms for word in ("--mechanism", name)]
    with Server(*[answering({b"PLAIN": YES, b"LOGIN": NO})] * 2) as server:
        address = f"smtp://127.0.0.1:{server.port}"
        done = run(commands, address, "alice", "-f", str(tmp_path / "none"), *chosen)
    assert done.returncode == status, done.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption(commands: Commands, stop: signal.Signals) -> None:
    """^C within an exchange ends the command by that signal, at once and without a word."""
    asked, ended = threading.Event(), threading.Event()

    def talk(peer: Peer) -> None:
        peer.greet(b"LOGIN")
        peer.hear()
        peer.challenge(b"Username:")
        asked.set()
        ended.wait(30)

    with Server(talk) as server:
        argv = [commands.sasldb, "login", f"smtp://127.0.0.1:{server.port}", "alice", "--password-stdin", "--pace", "0"]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdin is not None
        process.stdin.write(b"wonderland")
        process.stdin.close()
        assert asked.wait(30)
        process.send_signal(stop)
        status = process.wait(30)
        ended.set()
    assert process.stdout is not None and (status, process.stdout.read()) == (-stop, b"")


def test_nobody_there(commands: Commands) -> None:
    """A server that cannot be reached is exit 3, with the reason on standard error."""
    with Server() as server:
        pass
    done = run(commands, f"smtp://127.0.0.1:{server.port}", "alice")
    reason = f"sasldb: 127.0.0.1:{server.port}: cannot connect: Connection refused\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", reason)


def test_json_and_transcript(commands: Commands, certificate: Certificate) -> None:
    """--json has all that is told; with -v the transcript is there and on standard error, without the password."""

    def talk(peer: Peer) -> None:
        peer.greet(b"DIGEST-MD5\r\n250-STARTTLS")
        peer.hear()
        peer.say(b"220 go\r\n")
        peer.secure(certificate.server_context())
        peer.hear()
        peer.say(EHLO % b"PLAIN")
        peer.hear()
        peer.say(YES)
        peer.end()

    with Server(talk) as server:
        address = f"smtp://localhost:{server.port}"
        done = run(commands, address, "alice", "--all", "--json", "-v", "--ca-file", str(certificate.certificate))
    told = json.loads(done.stdout)
    transcript = told.pop("transcript")
    tls = told.pop("tls")
    assert told == {
        "server": address,
        "before_tls": ["DIGEST-MD5"],
        "under_tls": ["PLAIN"],
        "attempts": [{"mechanism": "PLAIN", "result": "accepted", "words": "235 2.7.0 yes"}],
        "explained": [],
    }
    assert tls.startswith("TLSv1.") and f"*: from here on {tls}" in transcript
    assert done.stderr.splitlines() == transcript
    assert "C: AUTH PLAIN (masked)" in transcript and "wonderland" not in done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["mail.example.com", "alice"], "smtp://HOST[:PORT]"),
        (["smtp://alice:wonderland@h", "alice"], "everybody could see"),
        (["smtp://h", "alice", "--all", "--mechanism", "PLAIN"], "--all and --mechanism"),
        (["smtp://h", "alice", "--insecure", "--ca-file", "x"], "--ca-file and --insecure"),
        (["smtp://h", "alice", "--mechanism", "GSSAPI"], "GSSAPI"),
        (["smtp://h", "alice", "--pace", "-1"], "--pace"),
        (["saslauthd:/x", "alice", "--all"], "saslauthd knows of no mechanisms"),
        (["saslauthd:/x", "alice", "--insecure"], "an option of TLS"),
        (["saslauthd:/x", "alice", "--ca-file", "x"], "an option of TLS"),
        (["smtp://h"], "USER"),
    ],
)
def test_wrong_calls(commands: Commands, arguments: list[str], words: str) -> None:
    """A wrong call is exit 2, says what is wrong, and repeats no password."""
    done = run(commands, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr and "wonderland" not in done.stderr


def test_no_user(commands: Commands) -> None:
    """saslauthd is not asked about nobody."""
    done = run(commands, "saslauthd:/x", "")
    assert (done.returncode, done.stdout) == (3, "") and "no name of a user" in done.stderr


def test_no_password_and_nobody_to_ask(commands: Commands) -> None:
    """Without a source and a terminal nothing is sent."""
    with Server() as server:
        argv = [commands.sasldb, "login", f"smtp://127.0.0.1:{server.port}", "alice"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2 and "--password-stdin" in done.stderr


def test_control_characters_of_a_server(commands: Commands) -> None:
    """What a server says reaches no terminal as control characters."""
    with Server(answering({b"PLAIN": b"535 \x1b[2J\x07no\r\n"})) as server:
        done = run(commands, f"smtp://127.0.0.1:{server.port}", "alice", "-v")
    assert "\x1b" not in done.stdout + done.stderr and "\\x1b[2J" in done.stdout


def test_saslauthd(commands: Commands, tmp_path: Path) -> None:
    """saslauthd's answer is told like a mechanism's."""
    path = str(tmp_path / "mux")

    def talk(peer: Peer) -> None:
        peer.take(38)
        peer.say(b"\0\2NO")

    with Server(talk, path=path):
        done = run(commands, f"saslauthd:{path}", "alice@example.com")
    assert (done.returncode, done.stdout, done.stderr) == (1, "saslauthd: refused: NO\n", "")


def test_help_names_the_mechanisms() -> None:
    """The command takes the mechanisms of the table, in its order."""
    assert MECHANISMS == NAMES


def test_help_loads_nothing_heavy(commands: Commands) -> None:
    """--help does not load sockets' users: scramp, pyspnego, ssl."""
    argv = [sys.executable, "-I", "-X", "importtime", commands.sasldb, "login", "--help"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    loaded = {row.rpartition("|")[2].strip() for row in done.stderr.splitlines()}
    assert "sasldb.login.target" in loaded
    assert loaded & {"scramp", "spnego", "ssl", "sasldb.login.wire"} == set()
