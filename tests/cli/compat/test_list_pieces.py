"""The list is written while the file is read, so that its memory does not grow with the number of users."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from tests.cli.conftest import make_database
from tests.conftest import Commands

USERS = 20_000
SHORT = 200_000  # bytes


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


def test_what_comes_before_the_damage(commands: Commands, tmp_path: Path) -> None:
    """Of a damaged file the users before the damage are listed, as by Cyrus, and then it is said that the list failed."""
    users = {b"user%d\0example.com\0userPassword" % number: b"x" * 100 for number in range(300)}
    make_database(tmp_path / "db", users)
    content = (tmp_path / "db").read_bytes()
    last = max(at for at in range(0, len(content), 4096) if content[at + 25] == 13)
    (tmp_path / "db").write_bytes(content[: last + 25] + b"\xee" + content[last + 26 :])
    os.utime(tmp_path / "db", (1, 1))
    argv = [commands.sasldblistusers2, "-f", "db"]
    done = subprocess.run(argv, capture_output=True, cwd=tmp_path, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"listusers failed\n")
    lines = done.stdout.splitlines()
    assert 0 < len(lines) < 300
    assert {*lines} < {b"user%d@example.com: userPassword" % number for number in range(300)}
