"""The power goes: whatever of the unsynced calls the disk has kept, the next command finds the old or the new file.

How the states are made is said in `powerloss/rules`. In the suite a sample of each operation's states is tried, drawn by a fresh seed;
with SASLDB_CAMPAIGN=1 all of them. SASLDB_SEED draws the sample of an earlier run again.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from random import SystemRandom

import pytest

from tests.conftest import Commands, CyrusTools, Require, lacking
from tests.faults.careless_edit import WAYS
from tests.faults.forked import preload
from tests.faults.powerloss import order
from tests.faults.powerloss.campaign import Result, run
from tests.faults.powerloss.operations import MANY, OPERATIONS, Command, Operation, Tools

SAMPLE, SAMPLE_OF_MANY = 80, 20  # states of an operation, and of one on a large file
WHOLE_OF_MANY = 400  # states of one on a large file, of which there are too many


@pytest.fixture(params=OPERATIONS, ids=lambda operation: str(operation.name))
def operation(request: pytest.FixtureRequest) -> Operation:
    """Return one operation after the other."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def tools(commands: Commands, cyrus: CyrusTools, require: Require) -> Tools:
    """Return the programs; the package is loaded whole, for a place may hide where it is."""
    require("strace", "strace")
    require("namespace", "mount")
    preload()
    return Tools(commands.saslpasswd2, commands.sasldb, cyrus.db_verify)


def tried(operation: Operation, tools: Tools, directory: Path, seed: int, most: int | None) -> Result:
    """Run the campaign, or end the test where this system does not let us."""
    result = run(operation, tools, directory, seed, most)
    if result.refused:
        lacking("namespace", f"no private mount namespace can be made here: {result.refused}")
    return result


def test_the_old_or_the_new_file_after_a_power_failure(
    operation: Operation, tools: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every state a disk may have, a reader sees the old or the new users, the next command works, and no litter is left."""
    whole = os.environ.get("SASLDB_CAMPAIGN") == "1"
    seed = int(os.environ.get("SASLDB_SEED") or SystemRandom().getrandbits(32))
    many = operation.users == MANY
    sample = SAMPLE_OF_MANY if many else SAMPLE
    most = (WHOLE_OF_MANY if many else None) if whole else sample
    result = tried(operation, tools, tmp_path, seed, most)
    told = f"{operation.name}: {result.points} points, {result.states} states, {len(result.violations)} violations"
    with capsys.disabled() if whole else nullcontext():
        print(f"\nSASLDB_SEED={seed} {told}")
    assert not result.violations, "\n".join([f"SASLDB_SEED={seed} {told}", *result.violations[:5]])
    assert result.states >= min(sample, operation.fewest), "too few states: the record or the rules have lost something"


def test_each_step_waits_for_the_sync_that_it_needs(operation: Operation, tools: Tools, tmp_path: Path) -> None:
    """A draft is synced before it gets a name, a journal with its directory before the file, the file before the journal goes."""
    result = tried(operation, tools, tmp_path, 1, 0)
    assert result.before is not None
    assert len(result.events) > 2
    steps = order.broken(result.before, result.events)
    assert not steps, "\n".join(steps)


@pytest.mark.parametrize("way", WAYS)
def test_a_careless_program_is_found_out(way: str, tools: Tools, tmp_path: Path) -> None:
    """Programs that leave out a sync or the journal are seen by the states and by the order, so that both tests can fail."""
    operation = Operation(way, (Command("careless", (way,)),), mode=0o644 if "mode" in way else 0o640)
    result = tried(operation, tools, tmp_path, SystemRandom().getrandbits(32), SAMPLE)
    assert result.before is not None
    assert result.violations
    assert order.broken(result.before, result.events)
