"""The line to the system log, received by a /dev/log of the tests' own in a private namespace."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from sasldb.syslog import NOTICE, caller, send
from tests.conftest import Commands
from tests.real.namespace import PrivateEtc

# Runs in the namespace: a /dev with our own `log` in it, then the command; prints what arrived as JSON.
RECEIVER = """
import json, os, socket, subprocess, sys, time
kind, argv = sys.argv[1], sys.argv[2:]
subprocess.run(["mount", "-t", "tmpfs", "dev", "/dev"], check=True)
for name, minor in (("null", 3), ("urandom", 9), ("full", 7)):
    os.mknod(f"/dev/{name}", 0o666 | 0o020000, os.makedev(1, minor))
log = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_DGRAM)
if kind != "missing":
    log.bind("/dev/log")
if kind == "stream":
    log.listen(5)
if kind == "stalled":
    other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    other.setblocking(False)
    try:
        while True:
            other.sendto(b"x", "/dev/log")
    except BlockingIOError:
        pass
begun = time.monotonic()
done = subprocess.run(argv, input=b"pass-word\\n", capture_output=True)
took = time.monotonic() - begun
lines = []
if kind in ("datagram", "stream"):
    log.settimeout(0.3)
    try:
        while True:
            lines.append((log.accept()[0] if kind == "stream" else log).recv(9000).decode())
    except TimeoutError:
        pass
print(json.dumps([done.returncode, done.stderr.decode(), lines, took]))
"""

Logged = Callable[..., Any]


@pytest.fixture
def logged(private_etc: PrivateEtc) -> Logged:
    """Return a function that runs a command beside a /dev/log of the given kind: [status, stderr, lines, seconds]."""

    def run(kind: str, *argv: str) -> Any:
        done = private_etc.run("unshare", "--mount", sys.executable, "-c", RECEIVER, kind, *argv)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_a_change_is_logged(logged: Logged, commands: Commands) -> None:
    """Who, what, which user and which file; one line of facility auth and severity notice, and no secret."""
    _, _, lines, _ = logged("datagram", commands.saslpasswd2, "-u", "R", "alice")
    assert len(lines) == 1
    form = (
        r"<37>[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d saslpasswd2: password set for alice@R in /etc/sasldb2 by uid=\d+\S*"
    )
    assert re.fullmatch(form, lines[0])
    _, _, lines, _ = logged("datagram", commands.saslpasswd2, "-d", "alice@R")
    assert "saslpasswd2: deleted alice@R in /etc/sasldb2 by uid=" in lines[0]


def test_a_failure_is_logged_with_its_reason(logged: Logged, commands: Commands) -> None:
    """What the terminal does not say, as with the real tools, the log says."""
    status, stderr, lines, _ = logged("datagram", commands.saslpasswd2, "-f", "/etc/none/db", "alice@R")
    assert (status, stderr) == (1, "saslpasswd2: generic failure\n")
    assert len(lines) == 1 and lines[0].startswith("<35>")
    assert "setpass failed for alice@R: /etc/none/db: " in lines[0]
    status, stderr, lines, _ = logged("datagram", commands.sasldblistusers2, "/etc/passwd")
    assert (status, stderr) == (0, "listusers failed\n")
    assert "sasldblistusers2: listusers failed: /etc/passwd: " in lines[0]


def test_names_cannot_forge_lines(logged: Logged, commands: Commands) -> None:
    """Control characters in a name are written as what they are."""
    _, _, lines, _ = logged("datagram", commands.saslpasswd2, "-u", "R", "alice\n<37>root: all is well\x1b[2J")
    assert len(lines) == 1
    assert "password set for alice\\x0a<37>root: all is well\\x1b[2J@R in" in lines[0]


def test_a_long_name_is_cut(logged: Logged, commands: Commands) -> None:
    """A line keeps below what RFC 3164 promises to carry."""
    _, _, lines, _ = logged("datagram", commands.saslpasswd2, "-u", "R", "ä" * 60000)
    assert len(lines) == 1 and len(lines[0].encode()) <= 1024 and lines[0].endswith("...")


def test_a_stream_is_served_too(logged: Logged, commands: Commands) -> None:
    """An old daemon that listens on a stream gets the line, with a NUL at its end."""
    _, _, lines, _ = logged("stream", commands.saslpasswd2, "-u", "R", "alice")
    assert len(lines) == 1 and lines[0].endswith("\0")


@pytest.mark.parametrize("kind", ["missing", "stalled"])
def test_the_log_never_holds_up_a_command(logged: Logged, commands: Commands, kind: str) -> None:
    """With no log, or one whose queue is full, the command does its work at once."""
    status, stderr, _, took = logged(kind, commands.saslpasswd2, "-f", "/etc/new.db", "alice@R")
    assert (status, stderr) == (0, "") and took < 60


def test_the_caller_is_named() -> None:
    """A number is always there."""
    assert re.match(r"uid=\d+", caller())


def test_sending_raises_nothing() -> None:
    """Whatever the text, and whether or not there is a log here, sending costs no time and no exception."""
    begun = time.monotonic()
    for message in ("x", "\udcff\0\n", "y" * 100000):
        send(b"\xff", NOTICE, message)
    assert time.monotonic() - begun < 60


def test_a_login_uid_that_cannot_be_read_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read of /proc that would block (EAGAIN) leaves the real user: None comes back from it, and no error."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    monkeypatch.setattr("builtins.open", lambda *_: os.fdopen(reader, "rb"))
    try:
        assert caller().startswith(f"uid={os.getuid()}")
    finally:
        os.close(writer)
