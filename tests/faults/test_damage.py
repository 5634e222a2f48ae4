"""Damaged and foreign files: the right records, or an error that names what is wrong; never a crash, a hang or silence."""

from __future__ import annotations

import os
import multiprocessing
import socket
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from berkeleydb import db as libdb

import sasldb
from sasldb.errors import EmptyFile, NotFound, SasldbError, UnknownFormat, UnsafeFile
from tests import campaigns
from tests.conftest import Commands
from tests.faults.databases import age, names, records
from tests.faults.injection import run
from tests.faults.mutants import Original, mutate, originals
from tests.faults.trial import PATIENCE, try_all

MUTANTS = campaigns.count(1200, 60_000)
BY_COMMAND = campaigns.count(20, 400)
FIRST = campaigns.chance("faults/damage").randrange(
    1 << 30
)  # its number says what is damaged, so each run damages something else


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Original]:
    """Return the databases that are damaged here."""
    return originals(tmp_path_factory.mktemp("whole"))


def test_damage_is_survived_and_named(whole: list[Original], tmp_path: Path) -> None:
    """Thousands of damaged databases through the library, read and edited: see `trial` for the rule."""
    middle = FIRST + MUTANTS // 2
    shares = [range(FIRST, middle), range(middle, FIRST + MUTANTS)]
    places = [tmp_path / str(numbers.start) for numbers in shares]
    for place in places:
        place.mkdir()
    with multiprocessing.get_context("fork").Pool(len(shares)) as pool:
        parts = pool.starmap(try_all, [(whole, numbers, place) for numbers, place in zip(shares, places)])
    verdicts: dict[str, int] = {}
    broken = []
    for seen, complaints in parts:
        broken += complaints
        for verdict, count in seen.items():
            verdicts[verdict] = verdicts.get(verdict, 0) + count
    print(verdicts)
    assert not broken, "\n".join(broken)
    assert sum(verdicts.values()) == MUTANTS
    assert min(verdicts["right"], verdicts["refused: Corrupt"]) > MUTANTS // 20


def test_damage_is_survived_by_the_commands(whole: list[Original], tmp_path: Path, commands: Commands) -> None:
    """The same rule through the two commands: no traceback, no silence, and the statuses of Cyrus."""
    path = tmp_path / "db"
    for number in range(FIRST, FIRST + BY_COMMAND):
        original = whole[number % len(whole)]
        words, content = mutate(original, number)
        path.write_bytes(content)
        path.chmod(0o640)
        age(path)
        listed = run([commands.sasldblistusers2, str(path)], timeout=PATIENCE)
        assert listed.status == 0, f"{words}: {listed}"
        lines = listed.out.count(b"\n")
        told = [line for line in listed.err.splitlines() if not line.endswith(b"not listed")]
        fewer = len(original.records) - original.lost_unseen(content)
        assert told == [b"listusers failed"] or not told and (lines >= fewer or listed.err), f"{words}: {listed}"
        stored = run(
            [commands.saslpasswd2, "-p", "-f", str(path), "-u", "example.com", "new"], b"new-password", PATIENCE
        )
        if stored.status == 0:
            assert b"new-password" in path.read_bytes() and not stored.err, f"{words}: {stored}"
        else:
            assert (stored.status, stored.err) == (1, b"saslpasswd2: generic failure\n"), f"{words}: {stored}"
            assert path.read_bytes() == content, words
        assert names(tmp_path) == {"db"}, words


def octets(content: bytes) -> Callable[[Path], None]:
    """Return a maker of a file of this content."""

    def make(path: Path) -> None:
        path.write_bytes(content)

    return make


def berkeley(kind: int) -> Callable[[Path], None]:
    """Return a maker of a Berkeley DB file of another access method."""

    def make(path: Path) -> None:
        handle = libdb.DB()
        if kind == libdb.DB_QUEUE:
            handle.set_re_len(16)
        handle.open(str(path), dbtype=kind, flags=libdb.DB_CREATE)
        handle.put(b"user\0realm\0userPassword" if kind == libdb.DB_BTREE else 1, b"secret")
        handle.close()

    return make


def subdatabases(path: Path) -> None:
    """Make a Berkeley DB file that holds databases by name."""
    handle = libdb.DB()
    handle.open(str(path), "inside", dbtype=libdb.DB_HASH, flags=libdb.DB_CREATE)
    handle.put(b"user\0realm\0userPassword", b"secret")
    handle.close()


def encrypted(path: Path) -> None:
    """Make an encrypted Berkeley DB hash."""
    handle = libdb.DB()
    handle.set_encrypt("key", libdb.DB_ENCRYPT_AES)
    handle.open(str(path), dbtype=libdb.DB_HASH, flags=libdb.DB_CREATE)
    handle.put(b"user\0realm\0userPassword", b"secret")
    handle.close()


def sqlite(path: Path) -> None:
    """Make an SQLite database."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE users (name, password)")
    connection.commit()
    connection.close()


def gdbm(path: Path) -> None:
    """Make the first bytes of a GDBM file (gdbmconst.h: GDBM_MAGIC), for no writer of it is needed here."""
    path.write_bytes((0x13579ACF).to_bytes(4, "little") + b"\x00\x10\x00\x00" + bytes(16376))


def lmdb(path: Path) -> None:
    """Make the first bytes of an LMDB data file (mdb.c: MDB_MAGIC)."""
    path.write_bytes(bytes(16) + (0xBEEFC0DE).to_bytes(4, "little") + b"\x01\x00\x00\x00" + bytes(8168))


FOREIGN: dict[str, tuple[Callable[[Path], None], type[SasldbError], str]] = {
    "text": (octets(b"hello world\n" * 700), UnknownFormat, "not a database"),
    "a short text": (octets(b"hello world\n"), UnknownFormat, "not a database"),
    "one byte": (octets(b"\0"), UnknownFormat, "not a database"),
    "zeros": (octets(bytes(12288)), UnknownFormat, "not a database"),
    "ones": (octets(b"\xff" * 12288), UnknownFormat, "not a database"),
    "nothing": (octets(b""), EmptyFile, "zero bytes"),
    "GDBM": (gdbm, SasldbError, "(?i)gdbm"),
    "LMDB": (lmdb, SasldbError, "(?i)lmdb"),
    "SQLite": (sqlite, UnknownFormat, "SQLite"),
    "btree": (berkeley(libdb.DB_BTREE), UnknownFormat, "btree"),
    "recno": (berkeley(libdb.DB_RECNO), UnknownFormat, "recno"),
    "queue": (berkeley(libdb.DB_QUEUE), UnknownFormat, "queue"),
    "subdatabases": (subdatabases, SasldbError, ": "),
    "encrypted": (encrypted, SasldbError, "(?i)encrypted"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_named_and_kept(tmp_path: Path, commands: Commands, kind: str) -> None:
    """Whatever is no hash database is told apart, with its name, and never taken for empty or written to."""
    make, error, words = FOREIGN[kind]
    path = tmp_path / "db"
    make(path)
    content = path.read_bytes()
    with pytest.raises(error, match=words):
        records(path)
    with pytest.raises(error, match=words):
        with sasldb.edit(str(path)) as db:
            db.set_password("new@example.com", b"new-password")
    assert path.read_bytes() == content and names(tmp_path) == {"db"}
    if kind != "nothing":  # which the Cyrus tools make a database of, and ours after them
        refused_by_commands(path, commands)
        assert path.read_bytes() == content and names(tmp_path) == {"db"}


def refused_by_commands(path: Path, commands: Commands) -> None:
    """Assert that the commands refuse the file, in time and in the words of Cyrus."""
    asked = ["-f", str(path), "-u", "example.com", "new"]
    for done in (
        run([commands.saslpasswd2, "-p", "-c", *asked], b"new-password", PATIENCE),
        run([commands.saslpasswd2, "-d", *asked], b"", PATIENCE),
    ):
        assert (done.status, done.out, done.err) == (1, b"", b"saslpasswd2: generic failure\n"), str(done)
    listed = run([commands.sasldblistusers2, str(path)], timeout=PATIENCE)
    assert (listed.status, listed.out, listed.err) == (0, b"", b"listusers failed\n"), str(listed)


def listening(path: Path) -> None:
    """Make a socket, to which nobody listens any more."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def loop(path: Path) -> None:
    """Make two links that lead to each other."""
    other = path.with_name("other")
    other.symlink_to(path)
    path.symlink_to(other)


NO_FILES: dict[str, tuple[Callable[[Path], None], type[SasldbError]]] = {
    "directory": (lambda path: path.mkdir(), UnsafeFile),
    "fifo": (lambda path: os.mkfifo(path), UnsafeFile),
    "socket": (listening, UnsafeFile),
    "link to a device": (lambda path: path.symlink_to("/dev/null"), UnsafeFile),
    "link to nowhere": (lambda path: path.symlink_to("nowhere"), NotFound),
    "loop of links": (loop, UnsafeFile),
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, commands: Commands, kind: str) -> None:
    """Directories, devices, pipes, sockets and links that lead nowhere are errors, and never hang a command."""
    make, error = NO_FILES[kind]
    path = tmp_path / "db"
    make(path)
    before = names(tmp_path)
    begun = time.monotonic()
    with pytest.raises(error):
        records(path)
    with pytest.raises(error):
        with sasldb.edit(str(path)) as db:
            db.set_password("new@example.com", b"new-password")
    assert time.monotonic() - begun < PATIENCE
    refused_by_commands(path, commands)
    assert names(tmp_path) == before
