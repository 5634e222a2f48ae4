"""Trying damaged databases: what our reader and our editor make of each, in a process of its own that may crash or hang.

The rule: the right records, or an error of ours that names what is wrong; never a crash, a hang, another exception, or fewer
records without a word. Where bytes of a record itself were hit no reader without checksums can know, so as many records may
differ as bytes do. An edit that is refused leaves the file as it is; one that succeeds leaves a whole one. Of a file larger than WHOLE an
edit proves only the pages that it touches: damage elsewhere stays as it was, for whoever reads there.
"""

from __future__ import annotations

import os
import pickle
import signal
from pathlib import Path

import sasldb
from sasldb.errors import SasldbError
from sasldb.store.ground import WHOLE
from tests.faults.databases import Records, age, key, names, records
from tests.faults.mutants import Original, mutate

PATIENCE = 60  # seconds, on any machine, for everything that is done with one file
_BATCH = 50

Verdicts = dict[str, int]


def try_all(originals: list[Original], numbers: range, directory: Path) -> tuple[Verdicts, list[str]]:
    """Try the mutants of these numbers; return how many ended how, and every broken rule."""
    verdicts: Verdicts = {}
    broken: list[str] = []
    for start in range(numbers.start, numbers.stop, _BATCH):
        batch = list(range(start, min(start + _BATCH, numbers.stop)))
        while batch:
            batch = _try_batch(originals, batch, directory, verdicts, broken)
    return verdicts, broken


def _try_batch(
    originals: list[Original], batch: list[int], directory: Path, verdicts: Verdicts, broken: list[str]
) -> list[int]:
    """Try mutants in a child; return those that it left untried because one of them was its death."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with open(writing, "wb") as told:
            for number in batch:
                signal.alarm(PATIENCE)
                pickle.dump(try_one(originals[number % len(originals)], number, directory), told)
                told.flush()
        os._exit(0)
    os.close(writing)
    done = 0
    with open(reading, "rb") as heard:
        while True:
            try:
                verdict, complaint = pickle.load(heard)
            except EOFError:
                break
            done += 1
            verdicts[verdict] = verdicts.get(verdict, 0) + 1
            if complaint:
                broken.append(complaint)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        words, _ = mutate(originals[batch[done] % len(originals)], batch[done])
        broken.append(f"{words}: ended with {status} (-11 a crash, -14 a hang)")
        done += 1
    return batch[done:]


def try_one(original: Original, number: int, directory: Path) -> tuple[str, str]:
    """Return how one mutant ended ("right", "refused" ...), and what rule was broken, or ""."""
    words, content = mutate(original, number)
    path = directory / "db"
    path.write_bytes(content)
    age(path)
    try:
        verdict = _read(path, original, content)
        _edit(path, content, number)
        return verdict, ""
    except Exception as error:
        return "broken", f"{words}: {type(error).__name__}: {error}"


def _read(path: Path, original: Original, content: bytes) -> str:
    try:
        found = records(path)
        with sasldb.open(str(path), checked=False) as db:
            keys = [key for batch in db.key_batches() for key in batch]
            db.verify("user3@example.com", b"wrong")
    except SasldbError as error:
        assert str(error).startswith(f"{path}: ") and len(str(error)) > len(str(path)) + 8, "an error that says nothing"
        return f"refused: {type(error).__name__}"
    assert sorted(keys) == sorted(found), "the list and the records are not the same"
    before = original.records
    differing = sum(1 for name in before.keys() | found.keys() if before.get(name) != found.get(name))
    missing = len(before) - len(found)
    assert missing in (0, original.lost_unseen(content)), f"{len(found)} records instead of {len(before)}"
    hit = sum(map(int.__ne__, content, original.content)) if len(content) == len(original.content) else 0
    assert differing <= 2 * hit, f"{differing} records differ where {hit} bytes do"
    return "right" if not differing else "bytes of a record differ"


def _edit(path: Path, content: bytes, number: int) -> None:
    """Set a new user's password, or delete a user, and hold what comes of it against the rule."""
    expected = _records_to_edit(path, len(content))
    try:
        with sasldb.edit(str(path)) as db:
            if number % 3:
                db.set_password("new@example.com", b"new-password")
            else:
                db.delete("user3@example.com", missing_ok=True)
    except SasldbError:
        assert path.read_bytes() == content, "a refused edit changed the file"
        assert names(path.parent) == {"db"}, f"litter: {names(path.parent)}"
        return
    if expected is None:
        assert len(content) > WHOLE, "edited, although it cannot be read"
        assert names(path.parent) == {"db"}, f"litter: {names(path.parent)}"
        return
    if number % 3:
        expected[key("new")] = b"new-password"
    else:
        start = b"user3\0example.com\0"
        expected = {
            name: value for name, value in expected.items() if name[: len(start)] != start or 0 in name[len(start) :]
        }
    assert _records_to_edit(path, len(content)) == expected, "other records after the edit"
    assert names(path.parent) == {"db"}, f"litter: {names(path.parent)}"


def _records_to_edit(path: Path, size: int) -> Records | None:
    """Return the records on which an edit of a file of `size` bytes may stand; None where it cannot be read."""
    try:
        with sasldb.open(str(path), checked=size <= WHOLE) as db:
            return dict(db.records())
    except SasldbError:
        return None
