"""Who wrote last, and whether somebody may still be writing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sasldb.files.deadline import Deadline
from sasldb.files.stamps import Stamp, at_rest, mark_as_ours
from tests.files.test_deadline import Clock, clock  # noqa: F401


class Status:
    """A status as the system gives it, of a file of 5 bytes."""

    st_size = 5

    def __init__(self, written: float, changed: float) -> None:
        self.st_mtime_ns = int(written * 1e9)
        self.st_ctime_ns = int(changed * 1e9)


def stamp(age: float, by_others: bool) -> Stamp:
    """Return the stamp of a file that was written to `age` seconds ago."""
    written = time.time() - age
    return Stamp(Status(written, written if by_others else written + 1e-6))  # type: ignore[arg-type]


@pytest.mark.parametrize("age, recent", [(0, True), (0.9, True), (1.1, False), (-0.9, True), (-1.1, False)])
@pytest.mark.parametrize("by_others", [True, False])
def test_recent(monkeypatch: pytest.MonkeyPatch, age: float, recent: bool, by_others: bool) -> None:
    """A second is recent, in the past and in the future; whose write it was is told by two times that are equal or not."""
    monkeypatch.setattr(time, "time", lambda: 1e9)
    found = stamp(age, by_others)
    assert (found.recent, found.by_others, found.size) == (recent, by_others, 5)


@pytest.mark.parametrize(
    "age, by_others, shows", [(0, True, False), (0.02, True, True), (0, False, True), (0.02, False, True)]
)
def test_the_next_write(monkeypatch: pytest.MonkeyPatch, age: float, by_others: bool, shows: bool) -> None:
    """Only after a write of others in this very moment may another one look the same."""
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert stamp(age, by_others).shows_the_next_write() == shows


def test_equal() -> None:
    """Stamps are equal where size and both times are."""
    assert Stamp(Status(1, 2)) == Stamp(Status(1, 2))  # type: ignore[arg-type]
    for other in (Status(1, 3), Status(3, 2)):
        assert Stamp(Status(1, 2)) != Stamp(other)  # type: ignore[arg-type]
    bigger = Status(1, 2)
    bigger.st_size = 6
    assert Stamp(bigger) != Stamp(Status(1, 2)) and Stamp(bigger) != 6  # type: ignore[arg-type]


def test_marked_as_ours(tmp_path: Path) -> None:
    """A file that we have marked is not one that others wrote last, until they do."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with path.open("r+b", buffering=0) as file:
        mark_as_ours(file.fileno())
        assert not Stamp.of(file.fileno()).by_others and Stamp.of(file.fileno()).recent
        time.sleep(0.02)  # longer than a tick of the kernel's clock
        file.write(b"y")
        assert Stamp.of(file.fileno()).by_others


@pytest.mark.parametrize("wait, waited", [(100.0, 0.3), (0.1, 0.1), (0.0, 0.0)])
def test_never_at_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock, wait: float, waited: float  # noqa: F811
) -> None:
    """A file that others write to all the time is waited for a third of a second, or until the deadline is over."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    monkeypatch.setattr(time, "time", lambda: path.stat().st_mtime)
    begun = clock.now
    with path.open("rb") as file:
        assert at_rest(file.fileno(), Deadline(wait)).st_size == 1
    assert waited <= clock.now - begun < waited + 0.01


def test_at_rest(tmp_path: Path, clock: Clock) -> None:  # noqa: F811
    """A file at rest, and one that we wrote last, are not waited for."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    begun = clock.now
    with path.open("rb") as file:
        mark_as_ours(file.fileno())
        at_rest(file.fileno(), Deadline(100))
        os.utime(path, (1, 1))
        at_rest(file.fileno(), Deadline(100))
    assert clock.now == begun
