"""A main.cf that does not parse, in directories with odd names; the real postconf says what is wrong."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from sasldb.postfix.checks import server
from sasldb.postfix.site.site import Site
from tests.conftest import Require

NAMES = ["plain", "a b", "a 'b'", 'a"b', "$(touch x)", "`touch x`", "a;b & c", "-n", "a, line 7: b", "\u00fc\\", "a\nb"]


@pytest.mark.parametrize("name", NAMES)
def test_the_line_is_made_a_comment(require: Require, tmp_path: Path, name: str) -> None:
    """The command names the file whole, whatever is in its path, and mends that line and nothing else."""
    require("postfix", "postconf")
    path = tmp_path / name / "main.cf"
    path.parent.mkdir()
    path.write_text("myhostname = a.example\njunk\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    problem = server.main_cf(Site(str(path.parent)))
    assert problem is not None and problem.remedy is not None and not problem.safe
    assert shlex.split(problem.remedy) == ["sed", "-i", "--follow-symlinks", "2s/^/#/", str(path)]
    subprocess.run(problem.remedy, shell=True, cwd=tmp_path, check=True, timeout=30)
    assert path.read_text() == "myhostname = a.example\n#junk\n"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
