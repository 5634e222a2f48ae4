"""A file that never rests: whoever opens or edits it gets an answer within about the time that was asked for.

The programs that write here take no locks, as the Cyrus tools: they write without a pause, whole files or damaged ones, put one file
after another in its place, make it longer and shorter, or also hold the lock. No exact time is asserted: the limit is many
times the wait, and far below what nested retries come to.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import sasldb
from sasldb.errors import SasldbError
from tests import campaigns
from tests.conftest import Commands
from tests.faults.databases import build
from tests.faults.elsewhere import in_child
from tests.faults.injection import run

WAIT = 1.0  # seconds
LIMIT = 12  # seconds; of a wait of one second, on a machine that is busy
OPEN_LIMIT = 20  # seconds; opening has a time of its own
PAGE = 4096

Write = Callable[[Path, bytes], None]


def overwrite(path: Path, content: bytes) -> None:
    """Write the same whole file into it."""
    with open(path, "r+b", buffering=0) as file:
        while True:
            os.pwrite(file.fileno(), content, 0)


def overwrite_and_touch(path: Path, content: bytes) -> None:
    """Write the last page and set the times, as a program that wants it to look old or new."""
    with open(path, "r+b", buffering=0) as file:
        while True:
            os.pwrite(file.fileno(), content[-PAGE:], len(content) - PAGE)
            os.utime(file.fileno())


def damage(path: Path, content: bytes) -> None:
    """Write other damage into it each time: every look finds some."""
    number = 0
    with open(path, "r+b", buffering=0) as file:
        while True:
            number += 1
            os.pwrite(file.fileno(), bytes([number % 256]) * (len(content) - PAGE), PAGE)


def now_and_then(path: Path, content: bytes) -> None:
    """Write damage and the whole file by turns."""
    with open(path, "r+b", buffering=0) as file:
        while True:
            os.pwrite(file.fileno(), b"\xff" * (len(content) - PAGE), PAGE)
            os.pwrite(file.fileno(), content, 0)


def resize(path: Path, content: bytes) -> None:
    """Make it shorter and whole again."""
    with open(path, "r+b", buffering=0) as file:
        while True:
            os.ftruncate(file.fileno(), PAGE)
            os.pwrite(file.fileno(), content, 0)


def replace(path: Path, content: bytes) -> None:
    """Put one new file after the other in its place."""
    new = path.with_name("new")
    while True:
        new.write_bytes(content)
        os.rename(new, path)


def hold(path: Path, content: bytes) -> None:
    """Hold the lock and write all the time."""
    with open(path, "r+b", buffering=0) as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        while True:
            os.pwrite(file.fileno(), content, 0)


WRITERS: dict[str, Write] = {
    write.__name__: write for write in (overwrite, overwrite_and_touch, damage, now_and_then, resize, replace, hold)
}
OPENS = [(writer, users) for writer in WRITERS for users in (12, 3000)]
EDITS = [(writer, users, names) for writer, users in OPENS for names in (1, 2)]


@contextmanager
def never_resting(path: Path, write: Write) -> Iterator[None]:
    """Let a program write as long as the block runs."""
    content = path.read_bytes()
    pid = os.fork()
    if pid == 0:
        try:
            write(path, content)
        finally:
            os._exit(1)
    try:
        yield
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "the other program ended"
    finally:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def within(seconds: int, function: Callable[[], object]) -> str:
    """Return what came of `function` ("" or the error's text); AssertionError where it takes longer or raises another error."""

    def limited() -> str:
        signal.alarm(seconds)
        try:
            function()
        except SasldbError as error:
            return f"{type(error).__name__}: {error}"
        return ""

    return in_child(limited)


def changed(path: Path) -> Callable[[], None]:
    """Return an edit of `path` that waits no longer than WAIT."""

    def change() -> None:
        with sasldb.edit(str(path), wait=WAIT) as db:
            if not db.value(b"user1\0example.com\0userPassword"):
                db.set_password("missing@example.com", b"password")
            db.set_password("new@example.com", b"password")

    return change


@pytest.mark.parametrize("writer, users, names", campaigns.sample("faults/deadline/edit", EDITS, 9))
def test_an_edit_ends_within_its_wait(tmp_path: Path, writer: str, users: int, names: int) -> None:
    """An edit of a file that never rests is done or refused with a reason, not long after `wait`; with two names in place."""
    path = tmp_path / "db"
    build(path, users)
    if names == 2:
        os.link(path, tmp_path / "other")
    with never_resting(path, WRITERS[writer]):
        said = within(LIMIT, changed(path))
    print(f"{writer}, {users} users, {names} names: {said or 'done'}")
    assert not said or str(path) in said


@pytest.mark.parametrize("writer, users", campaigns.sample("faults/deadline/open", OPENS, 5))
def test_a_reader_gets_an_answer(tmp_path: Path, writer: str, users: int) -> None:
    """Opening a file that never rests ends with records or with a reason."""
    path = tmp_path / "db"
    build(path, users)

    def look() -> None:
        with sasldb.open(str(path)) as db:
            assert len(list(db.records())) >= 1

    with never_resting(path, WRITERS[writer]):
        said = within(OPEN_LIMIT, look)
    print(f"{writer}, {users} users: {said or 'read'}")
    assert not said or str(path) in said


@pytest.mark.parametrize("writer", campaigns.sample("faults/deadline/command", list(WRITERS), 3))
def test_a_command_that_reads_gets_an_answer(tmp_path: Path, commands: Commands, writer: str) -> None:
    """`sasldb list` prints users, or one line on standard error that says why not."""
    path = tmp_path / "db"
    build(path, 12)
    with never_resting(path, WRITERS[writer]):
        done = run([commands.sasldb, "list", "-f", str(path)], timeout=OPEN_LIMIT)
    assert done.status in (0, 3), str(done)
    assert done.status == 0 or len(done.err.splitlines()) == 1, str(done)
