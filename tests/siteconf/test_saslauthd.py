"""What a saslauthd that runs compares passwords with, seen by its arguments."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from sasldb.siteconf import saslauthd
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
