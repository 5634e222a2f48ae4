"""The seed and the samples: the same seed gives the same cases, each run prints its seed, and a campaign leaves nothing out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

TESTS = """
import itertools
import pytest
from hypothesis import given, strategies as st
from tests import campaigns

def told(*what):
    with open("told", "a") as file:
        print(*what, file=file)

@pytest.mark.parametrize("case", campaigns.sample("here", range(1000), 5))
def test_sample(case):
    told("case", case)

@given(st.integers(0, 1 << 40))
def test_generated(number):
    told("generated", number)

def test_random():
    told("thinned", *itertools.islice(campaigns.thinned("here", 10), 20))
    told("random", campaigns.chance("a").random(), campaigns.chance("b").random(), campaigns.count(3, 70))
"""


def run(directory: Path, *arguments: str, **environment: str) -> tuple[str, list[str]]:
    """Run the little suite above with the conftest of this one; return the seed that was printed and what its tests were given."""
    (directory / "test_it.py").write_text(TESTS)
    (directory / "told").unlink(missing_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SASLDB_", "PYTEST_"))}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "tests.conftest",
            *arguments,
            "test_it.py",
        ],
        cwd=directory,
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seeds = set(re.findall(r"SASLDB_SEED=(\d+)", done.stdout))
    assert len(seeds) == 1
    return seeds.pop(), sorted((directory / "told").read_text().splitlines())


@pytest.mark.parametrize("ci", ["true", ""])
@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_the_printed_seed_runs_the_same_cases_again(tmp_path: Path, ci: str, processes: tuple[str, ...]) -> None:
    """A run prints its seed, in CI too, and that seed brings back its sample, its random numbers and what Hypothesis generated."""
    seed, told = run(tmp_path, *processes, CI=ci)
    assert run(tmp_path, SASLDB_SEED=seed, CI=ci) == (seed, told)
    other, others = run(tmp_path, *processes, CI=ci)
    assert other != seed
    for kind in ("case", "generated", "random"):
        assert [line for line in told if line.startswith(kind)] != [line for line in others if line.startswith(kind)]


def test_a_campaign_leaves_nothing_out(tmp_path: Path) -> None:
    """A sample has the first and the last case; with SASLDB_CAMPAIGN=1 every case runs, and as many generated ones as were asked for."""
    _, told = run(tmp_path)
    cases = sorted(int(line.split()[1]) for line in told if line.startswith("case"))
    assert len(cases) == 5 and (cases[0], cases[-1]) == (0, 999)
    assert [line[-2:] for line in told if line.startswith("random")] == [" 3"]
    (numbers,) = [list(map(int, line.split()[1:])) for line in told if line.startswith("thinned")]
    assert [(number - 1) // 10 for number in numbers] == list(range(20))
    _, told = run(tmp_path, SASLDB_CAMPAIGN="1")
    cases = sorted(int(line.split()[1]) for line in told if line.startswith("case"))
    assert cases == list(range(1000)) and [line[-3:] for line in told if line.startswith("random")] == [" 70"]
    assert [line for line in told if line.startswith("thinned")] == ["thinned " + " ".join(map(str, range(1, 21)))]
