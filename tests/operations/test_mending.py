"""Running a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.errors import SasldbError
from sasldb.operations.checks.finding import Check, Finding, Problem
from sasldb.operations.mending import mend


def finding(remedy: str | None) -> Finding:
    """Return a finding with this remedy."""
    return Finding(Check("x", lambda site: None, "y", ()), Problem("seen", "Why.", remedy))


def test_it_is_run_by_a_shell(tmp_path: Path) -> None:
    """Quotes, `&&` and redirections work as when pasted; standard input is empty."""
    mend(finding(f"printf '%s\\n' 'a b' > '{tmp_path}/x' && cat >> '{tmp_path}/x'"), "/nowhere")
    assert (tmp_path / "x").read_text() == "a b\n"


def test_commands_are_found_last(tmp_path: Path) -> None:
    """The directory of our own commands is searched where nothing else has the name."""
    (tmp_path / "sasldb-only-here").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "sasldb-only-here").chmod(0o755)
    mend(finding("sasldb-only-here"), str(tmp_path))
    assert (tmp_path / "ran").exists()


def test_a_failure_is_told() -> None:
    """The error has the command and the last line that it said, or its exit status."""
    with pytest.raises(SasldbError, match="^echo one; echo two >&2; false: "):
        mend(finding("echo one; echo two >&2; false"), "/nowhere")
    with pytest.raises(SasldbError, match="exit status 7"):
        mend(finding("exit 7"), "/nowhere")


def test_without_a_remedy_there_is_nothing_to_run() -> None:
    """To ask for it is a mistake of the caller."""
    with pytest.raises(ValueError, match="no remedy"):
        mend(finding(None), "/nowhere")
