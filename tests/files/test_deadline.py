"""A deadline counts what is waited for, and nothing while its clock stands."""

from __future__ import annotations

import time

import pytest

from sasldb.files.deadline import Deadline


class Clock:
    """A clock that goes on only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        """Let that much time pass."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock that stands in for the system's."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    return clock


def test_waiting_uses_it_up(clock: Clock) -> None:
    """What is left becomes less by what is waited, never less than nothing; the last pause is cut to what is left."""
    deadline = Deadline(10)
    assert (deadline.wait, deadline.left) == (10, 10)
    assert deadline.pause(4) and deadline.left == 6
    clock.sleep(1)
    assert deadline.left == 5
    assert deadline.pause(100) and (clock.now, deadline.left) == (1010, 0)
    assert not deadline.pause(1) and clock.now == 1010
    clock.sleep(5)
    assert deadline.left == 0


def test_it_can_stand_still(clock: Clock) -> None:
    """While the clock stands nothing is used up but by pauses; stopping and going on twice are as once."""
    deadline = Deadline(10)
    clock.sleep(1)
    deadline.stop()
    clock.sleep(100)
    deadline.stop()
    assert deadline.left == 9
    assert deadline.pause(2) and deadline.left == 7
    deadline.go_on()
    deadline.go_on()
    clock.sleep(3)
    deadline.go_on()
    assert deadline.left == 4
    deadline.stop()
    assert deadline.pause(100) and deadline.left == 0 and not deadline.pause(1)


def test_none_at_all(clock: Clock) -> None:
    """Who asks for no wait gets no pause."""
    assert not Deadline(0).pause(1) and clock.now == 1000
