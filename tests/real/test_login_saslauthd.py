"""`sasldb testsaslauthd` beside Cyrus SASL's own, and `sasldb login saslauthd:PATH`, at a real saslauthd -a sasldb.

The passwords of -p are seen by whoever may see arguments, and are good for nothing.
"""

from __future__ import annotations

import os
import pty
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Commands, CyrusTools
from tests.login.servers import Peer, Server
from tests.real.namespace import PrivateEtc

PASSWORD = "pass w:rd%7"
OURS = b"sasldb testsaslauthd"
LOCAL_MODES = 3  # their place in what tcgetattr returns
Told = tuple[int, bytes, bytes]


class Sides:
    """Both programs in namespaces where saslauthd listens at `socket` and knows alice@example.com and bob@vm.example.com."""

    def __init__(self, inside: PrivateEtc, commands: Commands, cyrus: CyrusTools) -> None:
        self.inside = inside
        self.socket = f"{inside.scratch}/mux"
        self.sasldb = commands.sasldb
        self._real = cyrus.testsaslauthd

    def ours(self, *arguments: str, stdin: bytes = b"") -> Told:
        """Return exit status, standard output and standard error of ours."""
        done = self.inside.run(self.sasldb, "testsaslauthd", *arguments, stdin=stdin)
        return done.returncode, done.stdout, done.stderr

    def both(self, *arguments: str) -> tuple[Told, Told]:
        """Return what ours and the real one tell; the real one's name is replaced by ours."""
        done = self.inside.run(self._real, *arguments)
        return self.ours(*arguments), (done.returncode, done.stdout, done.stderr.replace(self._real.encode(), OURS))


@pytest.fixture
def sides(private_etc: PrivateEtc, commands: Commands, cyrus: CyrusTools) -> Iterator[Sides]:
    """Yield both programs, and a saslauthd in the background that dies with its namespace."""
    private_etc.run("rm", "-f", "/etc/sasldb2")
    for user in (["-u", "example.com", "alice"], ["bob"]):
        assert private_etc.run(commands.saslpasswd2, "-c", "-p", *user, stdin=PASSWORD.encode()).returncode == 0
    started = private_etc.run(cyrus.saslauthd, "-a", "sasldb", "-n", "1", "-m", str(private_etc.scratch))
    assert started.returncode == 0, started.stderr
    yield Sides(private_etc, commands, cyrus)


def test_answers(sides: Sides) -> None:
    """Right and wrong logins are told as by the real program, byte for byte."""
    at = "-f", sides.socket
    alice = "-u", "alice", "-r", "example.com"
    calls = [
        [*at, *alice, "-p", PASSWORD],
        [*at, *alice, "-p", "wrong"],
        [*at, *alice, "-p", ""],
        [*at, *alice, "-p", "-"],
        [*at, *alice, "-s", "smtp", "-p", PASSWORD],
        [*at, "-u", "alice@example.com", "-p", PASSWORD],
        [*at, "-u", "bob", "-p", PASSWORD],
        [*at, "-u", "", "-p", PASSWORD],
        [*at, "-u", "a" * 300, "-p", PASSWORD],
        [*at, "-u", "\xfc\n", "-p", "\xe4"],
        [*at, *alice, "-p", PASSWORD, "-R", "3"],
        [*at, *alice, "-p", PASSWORD, "-R", "2x"],
        [*at, *alice, "-p", PASSWORD, "-R", " +2"],
        [*at, *alice, "-p", PASSWORD, "-R0"],
        [*at, *alice, "-p", PASSWORD, "-R", "-1"],
        [*at, *alice, "-p", PASSWORD, "-R", "many"],
        ["operand", *at, *alice, "-p", PASSWORD, "another"],
        [*at, "-u", "bob", *alice, "-p", "wrong", "-p", PASSWORD],
        [f"-f{sides.socket}", "-ualice", "-rexample.com", f"-p{PASSWORD}"],
    ]
    for call in calls:
        ours, real = sides.both(*call)
        assert (call, ours) == (call, real)
    assert sides.ours(*calls[0]) == (0, b'0: OK "Success."\n', b"")
    assert sides.ours(*calls[1]) == (255, b'0: NO "authentication failed"\n', b"")


def test_wrong_calls_and_sockets(sides: Sides) -> None:
    """Usage, mistakes in it, and sockets that are none are told as by the real program, byte for byte."""
    login = "-u", "alice", "-p", "x"
    calls = [
        *(
            [],
            ["-u", "alice"],
            ["-p", "x"],
            ["-h"],
            ["-x", *login],
            [*login, "-f"],
            [*login, "-a", "x"],
            ["--", *login],
        ),
        *(["-hx", "--version"], ["-R", "2", "-u", "alice"], [*login, "-f", "/nowhere"], [*login, "-f", "/etc/passwd"]),
        *([*login, "-f", "/etc"], [*login, "-f", "/nowhere", "-R", "2"], ["--help", "x"]),
    ]
    for call in calls:
        ours, real = sides.both(*call)
        assert (call, ours) == (call, real)


@pytest.mark.parametrize("reply", [b"", b"\0", b"\0\0", b"\0\1O", b"\0\2O", b"\0\2OK", b"\0\2ok", b"\0\7OKAY\n\0\x1b"])
def test_a_saslauthd_that_breaks_off(tmp_path: Path, commands: Commands, cyrus: CyrusTools, reply: bytes) -> None:
    """What is no reply is told as by the real program, byte for byte; and one that begins with OK is an acceptance."""

    def talk(peer: Peer) -> None:
        peer.take(14)
        peer.say(reply)

    path = str(tmp_path / "mux")
    call = ["-u", "alice", "-p", "x", "-s", "", "-r", "", "-f", path]
    with Server(talk, talk, path=path):
        told = [
            subprocess.run([*program, *call], capture_output=True, timeout=30, check=False)
            for program in ([commands.sasldb, "testsaslauthd"], [cyrus.testsaslauthd])
        ]
    ours, real = ((done.returncode, done.stdout, done.stderr) for done in told)
    assert ours == real


def test_the_password_from_standard_input(sides: Sides) -> None:
    """Without -p the password is read from standard input, less one newline, and stays out of the arguments."""
    call = "-f", sides.socket, "-u", "alice", "-r", "example.com"
    assert sides.ours(*call, stdin=PASSWORD.encode() + b"\n") == (0, b'0: OK "Success."\n', b"")
    assert sides.ours(*call, stdin=b"wrong\n") == (255, b'0: NO "authentication failed"\n', b"")
    assert sides.ours(*call)[0] == 1


def test_the_password_from_a_terminal(sides: Sides) -> None:
    """At a terminal it is asked for, and not shown."""
    master, slave = pty.openpty()
    argv = [sides.sasldb, "testsaslauthd", "-f", sides.socket, "-u", "alice", "-r", "example.com"]
    process = subprocess.Popen(sides.inside.argv(*argv), stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    deadline = time.monotonic() + 20
    while b"Password: " not in shown and time.monotonic() < deadline:
        shown += os.read(master, 1000)
    while termios.tcgetattr(master)[LOCAL_MODES] & termios.ECHO:  # what is typed before is thrown away
        time.sleep(0.01)
    os.write(master, PASSWORD.encode() + b"\n")
    while time.monotonic() < deadline:
        try:
            shown += os.read(master, 1000)
        except OSError:  # the program has ended
            break
    os.close(master)
    assert process.wait(20) == 0
    assert b'0: OK "Success."' in shown and PASSWORD.encode() not in shown


def test_login(sides: Sides) -> None:
    """`sasldb login` splits user and realm for saslauthd, and tells what it says."""

    def told(user: str, password: str) -> tuple[int, bytes, bytes]:
        argv = [sides.sasldb, "login", f"saslauthd:{sides.socket}", user, "--password-stdin", "--pace", "0"]
        done = sides.inside.run(*argv, stdin=password.encode())
        return done.returncode, done.stdout, done.stderr

    assert told("alice@example.com", PASSWORD) == (0, b"saslauthd: accepted: OK\n", b"")
    assert told("bob", PASSWORD)[0] == 0
    status, stdout, _ = told("alice@example.com", "wrong")
    assert (status, stdout[:22]) == (1, b"saslauthd: refused: NO")
    status, stdout, _ = told("alice@example.org", PASSWORD)
    assert status == 1
