"""A journal lies where somebody else could have put it: nothing is rolled back, nobody is blocked, and no message tells to use it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import sasldb
from tests.conftest import Commands, lacking
from tests.faults import watching
from tests.faults.databases import Records, key, records
from tests.faults.elsewhere import NOBODY, SHARED, apart, as_user
from tests.faults.injection import Run, run
from tests.faults.library_calls import GONE, OLD
from tests.faults.planting import BACK, WAYS, Stolen, Taken, fill, move_into, nonsense

NEXT = b"next-password\n"
CONTENTS = ["the journal", "any two files"]


@pytest.fixture(scope="module", autouse=True)
def _traceable() -> None:
    """Ask for a machine that the tracer knows."""
    if not watching.supported():
        lacking("ptrace", "this machine's system calls are not known here")


def really(path: Path) -> Records:
    """Return what the file itself holds, whatever lies beside it."""
    alone = Path("/tmp/alone")
    alone.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(path, alone / "db")
    return records(alone / "db")


def assert_untouched(path: Path, commands: Commands, planted: list[str]) -> None:
    """Assert that reading, checking a password and changing go on as if nothing had been planted."""
    done = [run([commands.sasldb, "list", "-f", str(path)]), run([commands.sasldblistusers2, "-f", str(path)])]
    for listed in done:
        assert listed.status == 0 and b"user4@" in listed.out, str(listed)
        assert b"user5@" not in listed.out, "a deleted user is listed again"
    with sasldb.open(str(path)) as db:
        assert not db.verify("user5@example.com", OLD[BACK]), "the password of a deleted user is right again"
    done += [
        run([commands.sasldb, "add", "--password-stdin", "-f", str(path), "next@example.com"], NEXT),
        run([commands.saslpasswd2, "-p", "-c", "-f", str(path), "-u", "example.com", "another"], NEXT),
    ]
    assert [one.status for one in done] == [0] * 4, "\n".join(map(str, done))
    _assert_silent(done, planted)
    found = really(path)
    assert BACK not in found, "the old state is in the file for good"
    assert {name: found.get(name) for name in GONE} == GONE and found[key("next")] == NEXT.strip()


def _assert_silent(done: list[Run], planted: list[str]) -> None:
    for one in done:
        assert not any(os.fsencode(name) in one.out + one.err for name in planted), f"a planted file is named: {one}"


def of_kind(stolen: Stolen, content: str) -> Taken:
    """Return what is to be planted."""
    return stolen.journal if content == "the journal" else nonsense(stolen.journal)


def in_private_directory(directory: Path, commands: Commands, way: str, shared: str, content: str) -> None:
    """Plant files as another user in a shared directory; see `assert_untouched`."""
    stolen = Stolen(directory, "unwritable")
    files = of_kind(stolen, content)
    WAYS[way](Path(shared), files)
    assert_untouched(stolen.path, commands, list(files))


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("shared", SHARED)
@pytest.mark.parametrize("way", WAYS)
def test_a_planted_private_directory_is_not_ours(
    open_path: Path, commands: Commands, way: str, shared: str, content: str
) -> None:
    """What another user puts under the name of a private directory of ours is neither used nor named."""
    apart([open_path], in_private_directory, open_path, commands, way, shared, content)


def beside(directory: Path, commands: Commands, owner: int, mode: int, content: str) -> None:
    """Plant files in the database's own directory, which others may write to."""
    stolen = Stolen(directory, "linked")
    files = of_kind(stolen, content)
    os.chown(stolen.stage.place, owner, NOBODY)
    stolen.stage.place.chmod(mode)
    move_into(stolen.stage.place, files)
    assert_untouched(stolen.path, commands, list(files))


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("owner, mode", [(NOBODY, 0o755), (0, 0o777), (0, 0o1777), (0, 0o775)])
def test_a_journal_beside_the_database_counts_only_where_nobody_else_writes(
    open_path: Path, commands: Commands, owner: int, mode: int, content: str
) -> None:
    """In a directory that others may write to, what looks like a journal may be theirs, and is neither used nor named."""
    apart([open_path], beside, open_path, commands, owner, mode, content)


def of_a_member(directory: Path, commands: Commands, content: str) -> None:
    """Let a user who may write to the database leave something like a journal for root."""
    stolen = Stolen(directory, "unwritable")
    os.chown(stolen.path, 0, NOBODY)
    stolen.path.chmod(0o660)
    files = of_kind(stolen, content)
    WAYS["his own files"](Path("/var/tmp"), files)
    assert_untouched(stolen.path, commands, list(files))


@pytest.mark.parametrize("content", CONTENTS)
def test_what_a_member_of_the_group_left_does_not_bind_root(open_path: Path, commands: Commands, content: str) -> None:
    """A journal of a user in the database's group counts for that user alone: root neither follows it nor is stopped by it."""
    apart([open_path], of_a_member, open_path, commands, content)


def with_names_taken(directory: Path, commands: Commands, kind: str) -> None:
    """Overwrite in place with the journal elsewhere, where another user has taken the names of our private directories."""
    stolen = Stolen(directory, "unwritable")
    for shared in SHARED:
        taken = Path(shared) / "sasldb-0"
        if kind == "files":
            as_user(NOBODY, taken.touch)
        elif kind == "directories":
            as_user(NOBODY, taken.mkdir)
        else:
            as_user(NOBODY, lambda taken=taken: taken.symlink_to("/nowhere"))
    assert_untouched(stolen.stage.path, commands, [])


@pytest.mark.parametrize("kind", ["directories", "files", "dangling links"])
def test_taken_names_block_no_command(open_path: Path, commands: Commands, kind: str) -> None:
    """Whoever is first to use the names of our private directories keeps nobody from changing a database."""
    apart([open_path], with_names_taken, open_path, commands, kind)


def genuine(directory: Path, commands: Commands) -> None:
    """Put a journal back where it was, as root in a directory of root's."""
    stolen = Stolen(directory, "unwritable")
    fill(stolen.home, stolen.journal)
    assert records(stolen.path) == OLD


def test_our_own_journal_still_counts(open_path: Path, commands: Commands) -> None:
    """The control: the same files in root's own private directory are a journal that is followed."""
    apart([open_path], genuine, open_path, commands)
