"""The campaign: some of a room's single changes, each tried against the room's tests, and a table of what was noticed.

The sample takes one change of each kind in turn, so that rare kinds (a guard, a class of `except`) come as often as constants do.

Exit status: 0 everything was noticed or is a known equivalent, 1 something survived, 2 a usage error, 3 nothing could be tried: the tests
fail without any change, or the list of equivalents is stale.
"""

from __future__ import annotations

import argparse
import queue
import random
import signal
import sys
import threading
from pathlib import Path

from tests.mutation import equivalents
from tests.mutation.changes import Change, changes_of
from tests.mutation.rooms import ROOMS, Room, sources, selection
from tests.mutation.trial import Outcome, Scratch

ROOT = Path(__file__).resolve().parent.parent.parent
_WORKERS = 2
_PATIENCE = 4  # times what the tests take without a change
_LEAST = 20.0  # seconds, for machines on which others work too

NOTICED, SURVIVED, EQUIVALENT = "noticed", "survived", "equivalent"


class Options(argparse.Namespace):
    """What the command line says."""

    room: str
    seed: int | None
    count: int
    tests: list[str]
    only: list[str]
    list: bool


def sample(changes: list[Change], count: int, seed: int) -> list[Change]:
    """Return `count` of the changes, all of them for 0: of each kind in turn, at random."""
    drawn = random.Random(seed)
    kinds: dict[str, list[Change]] = {}
    for change in changes:
        kinds.setdefault(change.kind, []).append(change)
    for group in kinds.values():
        drawn.shuffle(group)
    chosen: list[Change] = []
    while kinds and (not count or len(chosen) < count):
        for kind in sorted(kinds)[: count - len(chosen) if count else None]:
            chosen.append(kinds[kind].pop())
            if not kinds[kind]:
                del kinds[kind]
    return sorted(chosen, key=lambda each: (each.path, each.line))


def candidates(room: Room, only: list[str]) -> list[Change]:
    """Return the changes of a room; with `only`, those whose place (`file:line`) or kind has one of these words in it."""
    found = [change for path in sources(ROOT, room) for change in changes_of(ROOT, path)]
    return [each for each in found if not only or any(_fits(each, word) for word in only)]


def _fits(change: Change, word: str) -> bool:
    return word == change.kind or f"{change.where}:".endswith(f"{word}:") or word in change.path.split("/")


class Campaign:
    """The trials of `changes`, shared by some workers; `results` has what came of each."""

    def __init__(self, room: Room, tests: list[str], seed: int) -> None:
        self._room = room
        self._tests = tests
        self._seed = seed
        self._limit = 600.0
        self._ended = threading.Event()
        self.results: list[tuple[str, Change, str]] = []

    def begin(self) -> Outcome:
        """Run the tests without a change; how long they take is what each trial's limit comes from."""
        with Scratch(ROOT) as scratch:
            first = scratch.run(self._tests_of(""), self._seed, self._limit)
        self._limit = max(_LEAST, first.seconds * _PATIENCE)
        return first

    def run(self, changes: list[Change]) -> None:
        """Try `changes`, and tell of each as it is done; ^C ends that after those that are being tried."""
        waiting: queue.SimpleQueue[Change] = queue.SimpleQueue()
        for change in changes:
            waiting.put(change)
        workers = [threading.Thread(target=self._work, args=(waiting,)) for _ in range(_WORKERS)]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join()
        except KeyboardInterrupt:
            self._ended.set()
            for worker in workers:
                worker.join()

    def _work(self, waiting: queue.SimpleQueue[Change]) -> None:
        with Scratch(ROOT) as scratch:
            while not self._ended.is_set():
                try:
                    change = waiting.get_nowait()
                except queue.Empty:
                    return
                outcome = scratch.attempt(change, self._tests_of(change.path), self._seed, self._limit)
                verdict = SURVIVED if outcome.passed else NOTICED
                words = "" if outcome.passed else outcome.noticed_by
                self.results.append((verdict, change, words))
                print(f"{verdict:10} {outcome.seconds:6.1f} s  {change.where} {change.kind}  {words}", flush=True)

    def _tests_of(self, path: str) -> list[str]:
        return self._tests or selection(ROOT, self._room, path)


def report(results: list[tuple[str, Change, str]]) -> str:
    """Return the table: how many there are of each verdict and kind, then each survivor as an entry of the list would name it."""
    lines = [f"{'kind':20} {NOTICED:>10} {EQUIVALENT:>10} {SURVIVED:>10}"]
    verdicts = (NOTICED, EQUIVALENT, SURVIVED)
    for kind in [*sorted({change.kind for _, change, _ in results}), "all"]:
        seen = [verdict for verdict, change, _ in results if kind in (change.kind, "all")]
        lines.append(f"{kind:20} " + " ".join(f"{seen.count(verdict):10}" for verdict in verdicts))
    for verdict, change, words in sorted(results, key=lambda row: (row[0], row[1].where)):
        if verdict != NOTICED:
            lines.append(f"\n{verdict}: {change.where}{f': {words}' if words else ''}\n{equivalents.entry(change)}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Run a campaign and return the exit status; see the module."""
    for number in (
        signal.SIGINT,
        signal.SIGQUIT,
    ):  # a shell's background job ignores them, and so would the tests' commands
        signal.signal(number, signal.SIG_DFL)
    options = _parser().parse_args(arguments, Options())
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    room = ROOMS[options.room]
    try:
        known = equivalents.parse((ROOT / equivalents.LIST).read_text(encoding="utf-8"))
    except equivalents.BadList as error:
        print(f"mutate: {equivalents.LIST}: {error}", file=sys.stderr)
        return 3
    for path, function, before, after in (old := equivalents.stale(ROOT, known)):
        print(f"mutate: {equivalents.LIST}: stale: {path} {function}: {before} -> {after}", file=sys.stderr)
    if old:
        return 3
    everything = candidates(room, options.only)
    chosen = sample(everything, options.count, seed)
    print(f"room {options.room}, seed {seed}: {len(chosen)} of {len(everything)} changes")
    if options.list:
        print("\n".join(f"{each.where}: {each.kind}\n{equivalents.entry(each)}" for each in chosen))
        return 0
    campaign = Campaign(room, options.tests, seed)
    first = campaign.begin()
    if not first.passed:
        print(f"mutate: the tests fail without any change:\n{first.words}", file=sys.stderr)
        return 3
    print(f"without a change: {first.seconds:.1f} s")
    campaign.results += [(EQUIVALENT, each, known[each.identity]) for each in chosen if each.identity in known]
    campaign.run([each for each in chosen if each.identity not in known])
    print(report(campaign.results))
    return int(any(verdict == SURVIVED for verdict, _, _ in campaign.results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/mutate", description="Find changes of the code that no test notices.")
    parser.add_argument("room", choices=sorted(ROOMS), help="the package whose modules are changed")
    parser.add_argument("seed", nargs="?", type=int, help="makes the choice of changes repeatable; default: a new one")
    parser.add_argument("--count", type=int, default=50, help="how many changes; 0 tries all; default: 50")
    parser.add_argument("--tests", nargs="+", default=[], metavar="PATH", help="run these tests, not those of the room")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="WORD",
        help="changes of this kind, module (draft.py) or place (draft.py:42)",
    )
    parser.add_argument("--list", action="store_true", help="show the changes and try none")
    return parser
