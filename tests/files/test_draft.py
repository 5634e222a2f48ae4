"""Drafts: made, locked and swept by several processes at once."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import subprocess
import sys
from contextlib import closing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from sasldb.files.directory import Directory
from sasldb.files.draft import Draft, sweep
from sasldb.files.place import Place
from tests.conftest import ROOT, Require


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


def test_a_umask_that_takes_our_own_permissions(tmp_path: Path) -> None:
    """A draft has mode 0600 whatever the umask, for libdb opens it once more."""
    with closing(Directory.open(str(tmp_path))) as place:
        before = os.umask(0o777)
        try:
            with Draft(place, "db") as draft:
                assert os.fstat(draft.fd).st_mode & 0o7777 == 0o600
        finally:
            os.umask(before)


def test_a_name_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a file of the name that was drawn, which is left alone, another name is drawn."""
    drawn = [bytes(8), bytes(8), b"\1" * 8]
    monkeypatch.setattr(os, "urandom", lambda size: drawn.pop(0)[:size])
    (tmp_path / ".db.sasldb-0000000000000000").write_bytes(b"of somebody else")
    with closing(Directory.open(str(tmp_path))) as place, Draft(place, "db") as draft:
        assert draft.name == ".db.sasldb-0101010101010101"
    assert os.listdir(tmp_path) == [".db.sasldb-0000000000000000"]


def test_what_is_no_litter(tmp_path: Path) -> None:
    """What only looks like a draft stays: a file with a second name, no file at all, a name of another form."""
    beginning = ".db.sasldb-"
    linked = tmp_path / f"{beginning}{'1' * 16}"
    linked.touch()
    os.link(linked, tmp_path / "second")
    os.mkfifo(tmp_path / f"{beginning}{'2' * 16}")
    (tmp_path / f"{beginning}{'3' * 16}").symlink_to("second")
    for end in ("4" * 15, "4" * 17, "g" * 16, "A" * 16, "old"):
        (tmp_path / f"{beginning}{end}").touch()
    before = sorted(os.listdir(tmp_path))
    with closing(Directory.open(str(tmp_path))) as place:
        (tmp_path / f"{beginning}{'5' * 16}").touch()
        sweep(place, "db")
        assert sorted(os.listdir(tmp_path)) == before
        sweep(place, "db", linked.stat())
    assert sorted(os.listdir(tmp_path)) == [name for name in before if name != linked.name]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of other users")
def test_whose_litter_it_is(open_path: Path) -> None:
    """Root sweeps the drafts of dead makers, whoever they were; another user those of the own."""
    open_path.chmod(0o777)
    ours, theirs = (open_path / f".db.sasldb-{digit * 16}" for digit in "12")
    for path, uid in ((ours, 65534), (theirs, 1234)):
        path.touch()
        path.chmod(0o666)
        os.chown(path, uid, uid)
    with closing(Directory.open(str(open_path))) as place:
        os.seteuid(65534)
        try:
            sweep(place, "db")
        finally:
            os.seteuid(0)
        assert os.listdir(open_path) == [theirs.name]
        sweep(place, "db")
    assert os.listdir(open_path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_directory_that_may_not_be_listed(open_path: Path) -> None:
    """Where the directory may not be listed nothing is swept, and nothing fails."""
    open_path.chmod(0o733)
    with Place(str(open_path / "db")) as place:
        os.seteuid(65534)
        try:
            sweep(place.directory, "db")
            place.directory.sync()
        finally:
            os.seteuid(0)


@pytest.mark.parametrize("number, again", [(errno.EAGAIN, True), (errno.EACCES, True), (errno.ENOLCK, False)])
def test_a_draft_that_cannot_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, again: bool
) -> None:
    """A draft that another writer has just locked, to sweep it, is removed, and another is made; else the refusal is passed on."""
    original = fcntl.flock
    refused: list[int] = []

    def refuse(fd: int, how: int) -> None:
        if not refused:
            refused.append(fd)
            raise OSError(number, os.strerror(number))
        original(fd, how)

    monkeypatch.setattr(fcntl, "flock", refuse)
    with closing(Directory.open(str(tmp_path))) as place:
        if again:
            with Draft(place, "db") as draft:
                assert draft.is_at(draft.name) and len(os.listdir(tmp_path)) == 1
            return
        with pytest.raises(OSError, match=os.strerror(number)):
            Draft(place, "db")
    assert os.listdir(tmp_path) == []


WITHOUT_PROC = """
import sys
import sasldb
try:
    with sasldb.edit(sys.argv[1]) as db:
        db.set_password("alice@example.com", b"second")
except sasldb.SasldbError as error:
    print(error)
"""


@pytest.mark.parametrize("mode, words", [(0o755, ""), (0o1777, "without /proc a draft there is not safe")])
def test_no_proc(tmp_path: Path, require: Require, mode: int, words: str) -> None:
    """Without /proc libdb is given the draft's name, but not in a directory where others could exchange it."""
    require("namespace", "unshare", "mount")
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    tmp_path.chmod(mode)
    script = 'mount -t tmpfs none /proc && exec "$0" -c "$1" "$2"'
    argv = ["unshare", "--mount", "sh", "-c", script, sys.executable, WITHOUT_PROC, str(tmp_path / "db")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout and bool(done.stdout) == bool(words)
    assert os.listdir(tmp_path) == ([] if words else ["db"])
