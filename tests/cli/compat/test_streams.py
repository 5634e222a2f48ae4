"""Standard input and output of every kind: descriptors that do not block, pieces that come late, a reader who is slow, ^C at the very end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.compat.records import key, load
from tests.cli.compat.terminal import PATIENCE
from tests.cli.conftest import make_database, peak_memory
from tests.conftest import ROOT, Commands
from tests.test_layers import site_packages

ENVIRON = {"PATH": "/usr/bin:/bin", "SASL_CONF_PATH": "none"}
MANY = {b"user%d\0example.com\0userPassword" % number: b"x" for number in range(20_000)}
SET = ("-p", "-f", "t.db", "u@R")


@contextmanager
def waiting(
    argv: list[str], directory: Path, read_end: int = subprocess.DEVNULL, write_end: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command with these ends of pipes as its standard input and output; kill it when the block is over."""
    with subprocess.Popen(
        argv, cwd=directory, env=ENVIRON, stdin=read_end, stdout=write_end, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("program", ["sasldblistusers2", "sasldb"])
def test_a_reader_who_is_slow(program: str, commands: Commands, tmp_path: Path) -> None:
    """A list comes whole through a pipe that is full, also one that does not block."""
    make_database(tmp_path / "t.db", MANY)
    reading, writing = os.pipe()
    os.set_blocking(writing, program == "sasldb")  # its stdout is Python's, which wants a blocking one
    arguments = ["list"] if program == "sasldb" else []
    with waiting([getattr(commands, program), *arguments, "-f", "t.db"], tmp_path, write_end=writing) as process:
        os.close(writing)
        time.sleep(0.5)  # the pipe is full by then
        read = b""
        while select.select([reading], [], [], PATIENCE)[0] and (piece := os.read(reading, 1 << 20)):
            read += piece
        assert process.wait(PATIENCE) == 0
    os.close(reading)
    assert len(read.splitlines()) == len(MANY)


@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", "not blocking"])
@pytest.mark.parametrize(
    "pieces, status, password",
    [
        ((b"pw", b"rest\n"), 0, b"pwrest"),
        ((b"x" * 8192, b"\n"), 0, b"x" * 8192),
        ((b"x" * 8192, b"y\n"), 7, None),
        ((b"x" * 8191, b"y", b"z"), 7, None),
        ((b"x" * 4096, b"y" * 4096), 0, b"x" * 4096 + b"y" * 4096),
        ((b"x" * 8193,), 7, None),
    ],
    ids=["short", "8192, newline", "8192, more", "8191, two more", "8192 to the end", "8193"],
)
def test_a_piece_that_comes_late(
    pieces: tuple[bytes, ...], status: int, password: bytes | None, blocking: bool, commands: Commands, tmp_path: Path
) -> None:
    """Reading goes on to the newline or the end of file, also from a pipe that does not block, and no password is cut at the limit."""
    reading, writing = os.pipe()
    os.set_blocking(reading, blocking)
    os.write(writing, pieces[0])
    with waiting([commands.saslpasswd2, *SET], tmp_path, read_end=reading) as process:
        os.close(reading)
        for piece in pieces[1:]:
            until_empty(process.pid)
            os.write(writing, piece)
        os.close(writing)
        assert process.wait(PATIENCE) == status
    assert ((load(tmp_path / "t.db") or {})[key(b"u", b"R")] if password else None) == password


def until_empty(process: int) -> None:
    """Return once `process` has read what was in its pipe and waits for more, or has ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        where = Path(f"/proc/{process}/wchan").read_text()
        if "pipe" in where or "select" in where or "poll" in where:
            return
        if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.01)
    raise TimeoutError("it does not wait")


def test_memory_does_not_grow(commands: Commands, tmp_path: Path) -> None:
    """sasldblistusers2 streams: many users need not much more memory than a few."""
    names = {b"%040d\0example.com\0userPassword" % number: b"x" for number in range(150_000)}  # lines of 10 MB
    make_database(tmp_path / "few", dict(list(names.items())[:10]))
    make_database(tmp_path / "many", names)
    few = peak_memory([commands.sasldblistusers2, "few"], tmp_path)
    assert peak_memory([commands.sasldblistusers2, "many"], tmp_path) < few + 4096


@pytest.mark.parametrize("ignored", [False, True], ids=["", "ignored"])
def test_interrupted_at_the_very_end(ignored: bool) -> None:
    """When all is done and Python tidies up, ^C ends `sasldb` by the signal and without a traceback; who ignores it goes on doing so."""
    code = f"""
import os, signal, sys
sys.path[:0] = [{str(ROOT)!r}, {site_packages()!r}]
signal.signal(signal.SIGINT, signal.{'SIG_IGN' if ignored else 'SIG_DFL'})  # as the launcher leaves it
from sasldb.cli.main import main
status = main(["--version"])
os.kill(os.getpid(), signal.SIGINT)
sys.exit(status)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0 if ignored else -signal.SIGINT, b"")
