"""How many of its cases a test runs, and the one seed from which whatever is random in the tests is drawn.

A campaign is a set of cases too large for each run: a kill at every system call, thousands of damaged files. The normal suite runs
a sample, other cases in each run; `script/test --campaign`, which sets SASLDB_CAMPAIGN=1, runs every case. The seed is that of the
environment variable SASLDB_SEED, otherwise a new one; tests/conftest.py prints it, and gives it to Hypothesis.

    @pytest.mark.parametrize("case", campaigns.sample("faults/kills", CASES, 20))
    for call in campaigns.thinned("a killed create", 4):  # until the program ends before it is killed
    @settings(max_examples=campaigns.count(40, 1000))
    chance = campaigns.chance("formats/mutants")
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator, Sequence
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


def thinned(name: str, one_in: int) -> Iterator[int]:
    """Yield 1, 2, 3 ... without end: all of them in a campaign, otherwise one of each `one_in`, drawn for the test `name`."""
    drawn = chance(name)
    size = 1 if WHOLE else one_in
    for start in itertools.count(1, size):
        yield start + drawn.randrange(size)


def count(size: int, whole: int) -> int:
    """Return how many cases to generate: `whole` in a campaign, otherwise `size`."""
    return whole if WHOLE else size
