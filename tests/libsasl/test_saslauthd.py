"""What a saslauthd that runs compares passwords with, seen by its arguments."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sasldb.libsasl import saslauthd
from tests.conftest import Require


@pytest.mark.parametrize("options", [["-a", "sasldb", "-m", "{}"], ["-m{}", "-asasldb"]], ids=["apart", "joined"])
def test_its_backend(require: Require, tmp_path: Path, options: list[str]) -> None:
    """The -a of the saslauthd that made the socket is found, also through a link; of any other socket nothing is known."""
    require("cyrus", "saslauthd")
    directory = tmp_path / "run"
    directory.mkdir()
    (tmp_path / "link").symlink_to(directory)
    argv = ["saslauthd", "-n", "1", *(option.format(directory) for option in options)]
    subprocess.run(argv, check=True, timeout=30, capture_output=True)
    try:
        assert saslauthd.backend(str(directory / "mux")) == saslauthd.SASLDB
        assert saslauthd.backend(str(tmp_path / "link/mux")) == saslauthd.SASLDB
        assert saslauthd.backend(str(tmp_path / "mux")) == ""
    finally:
        os.kill(int((directory / "saslauthd.pid").read_text()), signal.SIGTERM)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which root alone can")
def test_a_saslauthd_of_another_user(tmp_path: Path) -> None:
    """A process of that name that any user has started is not taken for the one that makes root's socket."""
    script = "import os, sys, time; os.setuid(65534); print('', flush=True); time.sleep(100)"
    argv = ["saslauthd", "-c", script, "-m", str(tmp_path), "-a", "evil"]
    with subprocess.Popen(argv, executable=sys.executable, stdout=subprocess.PIPE, cwd="/") as process:
        assert process.stdout is not None and process.stdout.readline() == b"\n"
        assert saslauthd.backend(str(tmp_path / "mux")) == ""
        process.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which root alone can")
def test_a_program_of_roots_by_that_name(require: Require, tmp_path: Path) -> None:
    """Any user can start a set-user-ID program by that name, and choose its arguments: it is no saslauthd."""
    (su,) = require("su", "su")
    child, terminal = pty.fork()
    if child == 0:
        os.setuid(65534)  # su asks for a password, which gives the time to look
        os.execv(su, ["saslauthd", "--", "root", "-m", str(tmp_path), "-a", "evil"])
    try:
        assert os.read(terminal, 1) == b"P"
        assert saslauthd.backend(str(tmp_path / "mux")) == ""
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)
