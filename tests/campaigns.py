"""How many of its cases a test runs, and the one seed from which whatever is random in the tests is drawn.

A campaign is a set of cases too large for each run: a kill at every system call, thousands of damaged files. The normal suite runs
a sample, other cases in each run; `script/test --campaign`, which sets SASLDB_CAMPAIGN=1, runs every case. The seed is that of the
environment variable SASLDB_SEED, otherwise a new one; tests/conftest.py prints it, and gives it to Hypothesis.

    @pytest.mark.parametrize("case", campaigns.sample("faults/kills", CASES, 20))
    for call in campaigns.sample("create", range(1, calls + 1), 24):
    @settings(max_examples=campaigns.count(40, 1000))
    chance = campaigns.chance("formats/mutants")
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import TypeVar

Case = TypeVar("Case")

SEED = int(os.environ.get("SASLDB_SEED") or random.SystemRandom().randrange(1, 1 << 31))
WHOLE = os.environ.get("SASLDB_CAMPAIGN") == "1"
os.environ["SASLDB_SEED"] = str(SEED)  # the processes of pytest-xdist must collect the same cases


def chance(name: str) -> random.Random:
    """Return a source of random numbers for the test `name`: of this seed always the same ones."""
    return random.Random(f"{SEED} {name}")


def sample(name: str, cases: Sequence[Case], size: int) -> list[Case]:
    """Return all `cases` in a campaign, otherwise `size` of them, drawn for the test `name`; in their order.

    The first and the last case are always among them: that is where bounds are wrong.
    """
    if WHOLE or len(cases) <= size:
        return list(cases)
    last = len(cases) - 1
    drawn = chance(name).sample(range(1, last), max(size - 2, 0))
    return [cases[number] for number in sorted({0, last, *drawn})]


def count(size: int, whole: int) -> int:
    """Return how many cases to generate: `whole` in a campaign, otherwise `size`."""
    return whole if WHOLE else size
