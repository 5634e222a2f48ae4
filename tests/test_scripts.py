"""What people run in a checkout does what it says."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import ROOT


def test_setup_is_silent_when_nothing_is_to_do(tmp_path: Path) -> None:
    """script/setup, run again and from another directory, says nothing and succeeds."""
    done = subprocess.run([ROOT / "script/setup"], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_setup_names_the_extras(tmp_path: Path) -> None:
    """script/setup with an extra that setup.cfg does not have says which ones it has, and fails."""
    argv = [str(ROOT / "script/setup"), "nonsense"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no extra nonsense; it has" in done.stderr and "dev" in done.stderr


def test_demo_does_the_main_job(tmp_path: Path) -> None:
    """script/demo makes users, lists them, checks passwords and deletes, from any directory, and leaves nothing behind."""
    (tmp_path / "scratch").mkdir()
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": str(tmp_path / "scratch")}
    done = subprocess.run(
        [ROOT / "script/demo"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert {"alice@example.com: userPassword", "charlie@example.com: authPassword"} <= set(lines)
    assert "wonderland: Verdict(OK" in done.stdout and "looking-glass: Verdict(MISMATCH" in done.stdout
    assert lines.count("bob@example.com: userPassword") == 1  # before it was deleted, not after
    assert list((tmp_path / "scratch").iterdir()) == []
