"""The page reader on thousands of damaged files: it tells, it never loops or crashes, and what passes does not kill libdb."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sasldb.errors import Corrupt, FormatUnavailable, UnknownFormat
from tests import campaigns
from tests.formats.hashfiles import Records, libdb_survives, pages_of
from tests.formats.mutants import bases_in, mutant

MUTANTS = campaigns.count(600, 20_000)
ERRORS = (UnknownFormat, FormatUnavailable, Corrupt)


def outline(records: Records) -> list[tuple[int, int]]:
    """Return the lengths of keys and values: what stays when bytes inside of them change."""
    return [(len(key), len(value)) for key, value in records]


@pytest.fixture
def impatience() -> Iterator[Callable[[], None]]:
    """Return a function that gives the test ten more seconds before it fails as a hang."""

    def fail(*_: object) -> None:
        raise TimeoutError("the reader hangs")

    def extend() -> None:
        signal.setitimer(signal.ITIMER_REAL, 10)

    before = signal.signal(signal.SIGALRM, fail)
    yield extend
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def passes(proof: Callable[[], None]) -> bool:
    """Tell whether a proof finds nothing."""
    try:
        proof()
    except ERRORS:
        return False
    return True


def test_damage_is_told_and_never_kills(tmp_path: Path, impatience: Callable[[], None]) -> None:
    """A damaged file is read right, or as changed bytes of the same records, or refused; libdb survives what passes.

    A file that passes the whole proof can be listed, changed and verified by libdb; one that passes the proof around
    some keys can be changed in these.
    """
    chance = campaigns.chance("formats/mutants")
    path = tmp_path / "mutant.db"
    bases = bases_in(tmp_path)
    outcomes = {"refused": 0, "whole": 0, "around": 0}
    for number in range(MUTANTS):
        base = chance.choice(bases)
        octets = mutant(base, chance)
        impatience()
        whole = passes(lambda: pages_of(octets).check())
        try:
            records = list(pages_of(octets).items())
            keys = [key for batch in pages_of(octets).key_batches() for key in batch]
        except ERRORS:
            assert not whole, f"mutant {number}: the proof passes what cannot be read"
        else:
            assert outline(base.records) == outline(records), f"mutant {number}: records are silently missing"
            assert [key for key, _ in records] == keys
        known = base.records[0][0]
        used = [known, b"another\0key\0x", known + b"1"]
        if whole or passes(lambda: pages_of(octets).check_around(used, 3)):
            path.write_bytes(octets)
            counted = octets[88:92] == base.octets[88:92]  # a wild count of records kills nobody, but does not verify
            assert libdb_survives(path, used, whole and counted), f"mutant {number}: libdb dies of what was proved"
        outcomes["whole" if whole else "around" if path.exists() else "refused"] += 1
        path.unlink(missing_ok=True)
    assert min(outcomes.values()) > MUTANTS / 20, outcomes
