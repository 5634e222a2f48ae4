"""docs/cli.md says what the commands say."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sasldb.cli.commands import MODULES
from tests.cli.test_writing_commands import options
from tests.conftest import ROOT


def test_the_reference_is_fresh(tmp_path: Path) -> None:
    """docs/cli.md is what script/docs would write, from any directory."""
    done = subprocess.run([ROOT / "script/docs", "--check"], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_reference_is_complete() -> None:
    """Every command has its part there, with every option."""
    page = (ROOT / "docs/cli.md").read_text()
    parts = {part.partition("\n")[0]: part for part in page.split("\n### sasldb ")[1:]}
    assert {name for name in parts if " " not in name} == set(MODULES)
    for name, part in parts.items():
        assert {word for word in options(name) if word.startswith("-") and f"`{word}" not in part} == set()
