"""Drafts: made, locked and swept by several processes at once."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.synchronize import Event
from pathlib import Path

from sasldb.files.directory import Directory
from sasldb.files.draft import Draft, sweep


def sweep_until(stop: Event, directory: str) -> None:
    """Sweep without a pause."""
    place = Directory.open(directory)
    while not stop.is_set():
        sweep(place, "db")


def test_a_draft_is_never_taken_for_litter(tmp_path: Path) -> None:
    """Makers of a file that is still missing hold no lock yet and sweep each other's place: no living draft is lost."""
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    sweepers = [context.Process(target=sweep_until, args=(stop, str(tmp_path)), daemon=True) for _ in range(2)]
    for sweeper in sweepers:
        sweeper.start()
    try:
        place = Directory.open(str(tmp_path))
        for _ in range(3000):
            with Draft(place, "db") as draft:
                assert draft.is_at(draft.name)
        place.close()
    finally:
        stop.set()
        for sweeper in sweepers:
            sweeper.join()
    assert os.listdir(tmp_path) == []
