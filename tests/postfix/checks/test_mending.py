"""Running a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.errors import SasldbError
from sasldb.postfix.checks.finding import Check, Finding, Problem
from sasldb.postfix.checks.mending import mend


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


def test_nothing_of_the_caller_comes_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the caller's PATH nor a file that its environment has a shell read can put in another program."""
    (tmp_path / "touch").write_text(f"#!/bin/sh\n/bin/echo x > {tmp_path}/taken in\n")
    (tmp_path / "touch").chmod(0o755)
    (tmp_path / "read").write_text(f"/bin/echo x > {tmp_path}/taken in\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in "ENV", "BASH_ENV":
        monkeypatch.setenv(name, str(tmp_path / "read"))
    monkeypatch.setenv("LD_PRELOAD", "")
    mend(finding(f"touch '{tmp_path}/made'; env > '{tmp_path}/env'"), "/nowhere")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["env", "made", "read", "touch"]
    names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "LC_ALL", "HOME"}


def test_programs_of_the_administrator_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are found also where the caller's PATH is none, as after su or in cron."""
    monkeypatch.delenv("PATH")
    mend(finding(f"command -v chroot > '{tmp_path}/found'"), "/nowhere")
    assert (tmp_path / "found").read_text().rstrip().endswith("/sbin/chroot")


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
