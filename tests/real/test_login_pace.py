"""The pace of `sasldb login` across processes: what a server sees of several of them, together and one after the other.

Intervals are measured by the server: that there is a second between two tries is what is promised. The commands run where /run is empty
and their own.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

import sasldb
from tests.conftest import Commands
from tests.login.servers import Peer, Server, Talk
from tests.real.namespace import PrivateEtc
from tests.real.postfix import REALM, PostfixInstance

PASSWORD = "pass w:rd%7"
ALICE = f"alice@{REALM}"


@pytest.fixture
def inside(private_etc: PrivateEtc) -> PrivateEtc:
    """Return namespaces with an empty /run."""
    assert private_etc.run("mount", "-t", "tmpfs", "-o", "mode=0755", "run", "/run").returncode == 0
    return private_etc


def noting(times: list[float]) -> Talk:
    """Return a server that notes when an AUTH comes, and lets it wait a little."""

    def talk(peer: Peer) -> None:
        peer.greet(b"PLAIN LOGIN")
        while (line := peer.hear()) and line != b"QUIT":
            if line.startswith(b"AUTH"):
                times.append(time.monotonic())
            time.sleep(0.1)
            peer.say(b"535 5.7.8 no\r\n")

    return talk


def begin(inside: PrivateEtc, commands: Commands, address: str, *options: str) -> subprocess.Popen[bytes]:
    """Begin a login of alice with the password of these tests."""
    argv = inside.argv(commands.sasldb, "login", address, ALICE, "--password-stdin", "--local-domain", REALM, *options)
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdin is not None
    process.stdin.write(PASSWORD.encode())
    process.stdin.close()
    return process


def gaps(times: list[float]) -> list[float]:
    """Return the seconds between one and the next."""
    return [later - earlier for earlier, later in zip(times, times[1:])]


@pytest.mark.parametrize("together", [True, False], ids=["together", "one after the other"])
def test_smtp(inside: PrivateEtc, commands: Commands, together: bool) -> None:
    """Between two tries at one host, at whatever port and by whatever name, lies a second, whoever makes them; and both are made."""
    times: list[float] = []
    with Server(*[noting(times)] * 2) as first, Server(noting(times)) as second:
        addresses = (
            f"smtp://127.0.0.1:{first.port}",
            f"smtp://localhost:{second.port}",
            f"smtp://127.0.0.1:{first.port}",
        )
        processes = []
        for address in addresses:
            processes.append(begin(inside, commands, address, "--mechanism", "PLAIN"))
            if not together:
                processes[-1].wait(30)
        assert [process.wait(30) for process in processes] == [1, 1, 1]
    assert len(times) == 3 and min(gaps(times)) >= 1.0


def test_told_otherwise(inside: PrivateEtc, commands: Commands) -> None:
    """--pace is how long this command waits after a try, whoever made it; with 0 it does not wait, and leaves no trace."""
    times: list[float] = []
    with Server(*[noting(times)] * 4) as server:
        for options in (["--all", "--pace", "0"], ["--pace", "3"], ["--pace", "2"]):
            process = begin(inside, commands, f"smtp://127.0.0.1:{server.port}", *options)
            assert process.wait(30) == 1
    unpaced, _, paced = gaps(times)
    assert unpaced < 1.0 and paced >= 2.0
    listed = inside.run("find", "/run", "-mindepth", "1", "-printf", "%u %m %y %s\n").stdout
    assert listed == b"root 700 d 60\nroot 600 f 21\n"


def test_a_killed_process(inside: PrivateEtc, commands: Commands) -> None:
    """Who is killed within a try keeps nobody waiting longer than the pace, which its try began."""
    times: list[float] = []
    heard = threading.Event()

    def hanging(peer: Peer) -> None:
        peer.greet(b"PLAIN")
        peer.hear()
        times.append(time.monotonic())
        heard.set()
        peer.hear()

    with Server(hanging, noting(times)) as server:
        address = f"smtp://127.0.0.1:{server.port}"
        first = begin(inside, commands, address)
        assert heard.wait(30)
        second = begin(inside, commands, address)
        subprocess.run(["pkill", "-KILL", "-P", str(first.pid)], check=False)
        first.kill()
        assert first.wait(30) == -9 and second.wait(30) == 1
    assert len(times) == 2 and min(gaps(times)) >= 1.0


def test_a_read_only_machine(inside: PrivateEtc, commands: Commands) -> None:
    """Where nothing can be noted the login is tried all the same, and one process keeps its own pace."""
    for path in ("/run", "/tmp"):
        assert inside.run("mount", "--bind", path, path).returncode == 0
        assert inside.run("mount", "-o", "remount,bind,ro", path).returncode == 0
    times: list[float] = []
    with Server(*[noting(times)] * 2) as server:
        process = begin(inside, commands, f"smtp://127.0.0.1:{server.port}", "--all")
        assert process.wait(30) == 1
    assert len(times) == 2 and min(gaps(times)) >= 1.0


def test_saslauthd(inside: PrivateEtc, commands: Commands) -> None:
    """A socket of saslauthd is a host too, by whatever path; testsaslauthd asks as fast as Cyrus SASL's."""
    times: list[float] = []

    def talk(peer: Peer) -> None:
        peer.take(38)
        times.append(time.monotonic())
        peer.say(b"\0\2NO")

    path = f"{inside.scratch}-mux"
    try:
        with Server(*[talk] * 4, path=path):
            os.symlink(path, f"{path}-link")
            processes = [begin(inside, commands, f"saslauthd:{name}") for name in (path, f"{path}-link")]
            assert [process.wait(30) for process in processes] == [1, 1]
            argv = [commands.sasldb, "testsaslauthd", "-f", path, "-u", "alice", "-r", REALM, "-s", "smtp", "-R", "2"]
            assert inside.run(*argv, stdin=PASSWORD.encode() + b"\n").returncode == 255
    finally:
        for name in (path, f"{path}-link"):
            if os.path.lexists(name):
                os.unlink(name)
    paced, _, asked_again = gaps(times)
    assert paced >= 1.0 and asked_again < 1.0


@pytest.fixture
def strict_postfix(postfix_parts: None) -> Iterator[PostfixInstance]:
    """Yield a Postfix that takes one AUTH a second from a client, and knows alice."""
    instance = PostfixInstance(chroot=False)
    path = instance.config / "main.cf"
    path.write_text(path.read_text() + "anvil_rate_time_unit = 1s\nsmtpd_client_auth_rate_limit = 1\n")
    past = time.time() - 60
    os.utime(path, (past, past))
    with sasldb.edit(str(instance.database)) as editor:
        editor.set_password(ALICE, PASSWORD.encode())
    with instance:
        yield instance


def test_postfix(strict_postfix: PostfixInstance, inside: PrivateEtc, commands: Commands) -> None:
    """A Postfix that takes one AUTH a second refuses none of several processes, unless they are told not to wait."""
    address = f"smtp://127.0.0.1:{strict_postfix.port}"
    processes = [
        begin(inside, commands, address, "--mechanism", name) for name in ("PLAIN", "CRAM-MD5", "SCRAM-SHA-256")
    ]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert "rate limit exceeded" not in strict_postfix.log()
    assert begin(inside, commands, address, "--all", "--pace", "0").wait(30) == 1
    assert "AUTH command rate limit exceeded" in strict_postfix.log()
