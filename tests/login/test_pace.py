"""Turns at a host: one at a time, and none too soon after the one before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sasldb.errors import SasldbError
from sasldb.login import ledger
from sasldb.login import pace as module
from sasldb.login.dial import hosts, resolve
from sasldb.login.pace import Pace

NAME = "mail.example.com:25"
SECONDS = 10.0  # the pace, unless a test says otherwise

Make = Callable[..., Pace]


class Clock:
    """A clock that stands still, but for what is slept."""

    def __init__(self) -> None:
        self.now = 1_000_000.0  # seconds

    def sleep(self, seconds: float) -> None:
        """Let it go on."""
        self.now += seconds

    def boottime(self, clock: int) -> int:
        """Return what clock_gettime(2) does, in nanoseconds."""
        return round(self.now * 1e9)

    def waited(self, one: Pace) -> float:
        """Return how many seconds it takes to get a turn; it is left without a try."""
        begin = self.now
        one.take()
        one.leave()
        return round(self.now - begin, 3)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock by which everybody waits here."""
    made = Clock()
    monkeypatch.setattr(module, "sleep", made.sleep)
    monkeypatch.setattr(module, "monotonic", lambda: made.now)
    monkeypatch.setattr(module, "clock_gettime_ns", made.boottime)
    return made


@pytest.fixture
def pace(clock: Clock) -> Iterator[Make]:
    """Yield `pace(*names, seconds=SECONDS) -> Pace`: at the host with these names, where others may take 5 seconds."""
    made: list[Pace] = []

    def make(*names: str, seconds: float = SECONDS) -> Pace:
        made.append(Pace(names, seconds, 5.0, NAME))
        return made[-1]

    yield make
    for one in made:
        one.leave()


def try_once(one: Pace) -> None:
    """Make a try."""
    one.take()
    one.mark()
    one.leave()


def test_the_next_turn_waits(pace: Make, clock: Clock) -> None:
    """After a try the next turn begins when the pace is over; a turn without a try does not count."""
    first, second = pace("a"), pace("a")
    try_once(first)
    clock.now += 3
    assert clock.waited(second) == 7
    assert clock.waited(first) == 0


def test_the_pace_counts_from_the_end(pace: Make, clock: Clock) -> None:
    """A try that takes long is over when the pace begins to count."""
    first = pace("a")
    first.take()
    first.mark()
    clock.now += 4
    first.mark()
    first.leave()
    assert clock.waited(pace("a")) == SECONDS


def test_each_has_an_own_pace(pace: Make, clock: Clock) -> None:
    """How long to wait is said by who waits, and not by whoever was there before."""
    try_once(pace("a", seconds=100))
    assert clock.waited(pace("a", seconds=1)) == 1
    try_once(pace("a", seconds=1))
    assert clock.waited(pace("a", seconds=100)) == 100


def test_hosts_that_share_a_name_are_one(pace: Make, clock: Clock) -> None:
    """A host is known as each of its addresses; other hosts do not wait."""
    try_once(pace("a", "b"))
    assert clock.waited(pace("c")) == 0
    assert clock.waited(pace("c", "b")) == SECONDS


def test_a_turn_is_for_one(pace: Make, clock: Clock) -> None:
    """While somebody has a turn nobody else gets one, and whoever waits too long is told so, and what can be done."""
    first, second = pace("b", "a"), pace("a", "c")
    first.take()
    with pytest.raises(SasldbError, match="under way.*--pace 0") as caught:
        second.take()
    assert caught.value.subject == NAME
    assert clock.waited(pace("c")) == 0  # whoever waits keeps nobody else waiting
    first.leave()
    assert clock.waited(second) == 0


def test_no_pace(pace: Make, clock: Clock) -> None:
    """With 0 nobody is waited for, and nothing is noted."""
    first = pace("a")
    first.take()
    try_once(pace("a", seconds=0))
    first.leave()
    assert clock.waited(pace("a")) == 0


@pytest.mark.parametrize("stamp", [2**64 - 1, 1])
def test_stamps_of_another_boot(pace: Make, clock: Clock, stamp: int) -> None:
    """A time in the future, or long ago, makes nobody wait."""
    fd = ledger.open_for("a")
    assert fd is not None
    ledger.write(fd, stamp)
    os.close(fd)
    assert clock.waited(pace("a")) == 0


def test_without_a_place(pace: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nothing can be shared, the pace of one process holds all the same."""
    monkeypatch.setattr(ledger, "RUNTIME", str(tmp_path / "none"))
    monkeypatch.setattr(ledger, "TEMPORARY", str(tmp_path / "none"))
    first = pace("a")
    try_once(first)
    assert clock.waited(pace("a")) == 0
    assert clock.waited(first) == SECONDS


def test_one_host_by_many_names() -> None:
    """All ways to reach this host by itself are one; other hosts are their addresses, whatever the port."""
    for text in ("localhost", "127.0.0.1", "127.0.0.53", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"):
        assert hosts(resolve(text, 25, NAME)) == {"loopback"}
    assert hosts(resolve("192.0.2.1", 25, NAME)) == hosts(resolve("192.0.2.1", 587, NAME)) == {"192.0.2.1"}
    assert hosts(resolve("2001:DB8::1", 25, NAME)) == {"2001:db8::1"}
