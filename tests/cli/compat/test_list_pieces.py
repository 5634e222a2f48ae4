"""The list is written while the file is read, so that its memory does not grow with the number of users."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from tests.cli.conftest import make_database
from tests.conftest import Commands

USERS = 20_000
SHORT = 200_000  # octets


def test_a_long_list_comes_in_pieces(commands: Commands, tmp_path: Path) -> None:
    """No write has more than a short list's worth of lines, and together they are all of the lines."""
    make_database(tmp_path / "db", {b"user%d\0example.com\0userPassword" % number: b"x" for number in range(USERS)})
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # keeps what each write wrote apart
    with ours, theirs:
        argv = [commands.sasldblistusers2, "-f", "db"]
        with subprocess.Popen(argv, stdout=theirs.fileno(), stderr=subprocess.PIPE, cwd=tmp_path) as child:
            theirs.close()
            pieces = list(iter(lambda: ours.recv(1 << 22), b""))
            assert child.stderr is not None and child.stderr.read() == b""
    assert child.returncode == 0
    assert len(pieces) > 2 and max(map(len, pieces)) < SHORT
    lines = b"".join(pieces).splitlines()
    assert sorted(lines) == sorted(b"user%d@example.com: userPassword" % number for number in range(USERS))
