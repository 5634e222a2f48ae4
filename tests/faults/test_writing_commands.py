"""Every writing command of `sasldb`, killed at calls all over its work: the database is the old or the new one, and the next edit works at once.

The commands are those of `tests/cli/test_writing_commands.py`. `test_crash` kills at every single call, of fewer commands.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Optional

import pytest

import sasldb
from sasldb.errors import NotFound
from tests.cli.test_writing_commands import PASSWORD, WRITING, argv_of, lay_out, records
from tests.conftest import Commands, lacking
from tests.faults import tracer

STRIDE = 7  # every seventh call
FEWEST = 10  # kills of one command; fewer would mean that the tracer missed its work
AT_ONCE = 3.0  # seconds
SALTED = (b"\0authPassword", b"\0cmusaslsecretPLAIN", b"\0cmusaslsecretOTP")  # never the same twice
NEXT = b"next\0x\0userPassword"


def state(path: Path) -> Optional[dict[bytes, bytes]]:
    """Return all records of the database, without what is salted in them; None where there is no database."""
    try:
        found = records(path)
    except NotFound:
        return None
    return {key: b"salted" if key.endswith(SALTED) else value for key, value in found.items()}


@pytest.fixture(scope="module")
def traceable() -> None:
    """Ask for a machine that the tracer knows."""
    if not tracer.supported():
        lacking("ptrace", "this machine's system calls are not known to the tracer")


@pytest.mark.parametrize("name", WRITING)
def test_killed(traceable: None, commands: Commands, tmp_path: Path, name: str) -> None:
    """Wherever it is killed, the records are all old or all new; an edit after it succeeds at once and leaves no litter."""
    reference = tmp_path / "reference"
    reference.mkdir()
    path = lay_out(name, reference)
    old = state(path)
    assert tracer.killed_at(1 << 30, argv_of(commands, name, path), PASSWORD + b"\n").status == 0
    new = state(path)
    assert old != new
    seen = []
    for number in range(1, 1 << 30, STRIDE):
        place = tmp_path / str(number)
        place.mkdir()
        path = lay_out(name, place)
        lying = set(os.listdir(place)) | {path.name}
        if not tracer.killed_at(number, argv_of(commands, name, path), PASSWORD + b"\n").killed:
            break
        seen.append(state(path))
        begun = time.monotonic()
        with sasldb.edit(str(path)) as editor:
            editor.put(NEXT, b"secret")
        assert time.monotonic() - begun < AT_ONCE
        assert state(path) == {**(seen[-1] or {}), NEXT: b"secret"}
        assert set(os.listdir(place)) == lying
    assert len(seen) >= FEWEST
    assert all(found in (old, new) for found in seen) and old in seen and new in seen
