"""Journals: where they are kept, and which content of a file shows that an overwrite was cut short."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sasldb.files import journal as module
from sasldb.files import private_directory
from sasldb.files.directory import Directory
from sasldb.files.journal import Journal, place_for

OLD, NEW = b"a" * 512 + b"b" * 512 + b"c" * 512, b"A" * 512 + b"b" * 512 + b"C" * 1024  # pages have 512 bytes at least
A, B, C = (slice(at, at + 512) for at in (0, 512, 1024))


@pytest.mark.parametrize(
    "content, fits",
    [
        (OLD, True),
        (NEW, True),
        (NEW[A] + OLD[512:], True),
        (OLD[A] + NEW[512:], True),
        (NEW[:1024] + OLD[1024:], True),
        (OLD + bytes(512), True),  # filled up
        (NEW[A] + OLD[512:] + bytes(512), True),
        (OLD + bytes(100), True),  # and cut short in that
        (OLD[:-1], False),
        (NEW + b"C", False),
        (NEW + bytes(1), False),
        (OLD[A] + b"x" * 512 + OLD[C], False),
        (OLD[B] + OLD[A] + OLD[C], False),
        (NEW[A] + OLD[B] + b"x" * 512, False),
        (OLD + b"x" * 512, False),
        (bytes(512) + OLD[512:], False),  # only what is new is filled up
        (b"", False),
    ],
)
@pytest.mark.parametrize("piece", [1 << 20, 1024])
def test_what_an_overwrite_may_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, fits: bool, piece: int
) -> None:
    """Each block is the old one or the new one, or, behind the old file's end, zeros; and the size is between both."""
    monkeypatch.setattr(module, "_PIECE", piece)
    tmp_path.chmod(0o700)
    (tmp_path / "db").write_bytes(content)
    journal = Journal(Directory.open(str(tmp_path)), ".sasldb-1")
    for name, text in ((journal.old, OLD), (journal.new, NEW)):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_bytes(text)
    with (tmp_path / "db").open("rb") as database:
        assert journal.fits(database.fileno()) == fits
    journal.close()


@pytest.mark.parametrize(
    "mode, uid, beside",
    [(0o755, 0, True), (0o700, 0, True), (0o777, 0, False), (0o1777, 0, False), (0o755, 1234, False)],
)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_where_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, uid: int, beside: bool) -> None:
    """A journal is in the file's directory where that is ours and nobody else may write to it, and in a private one otherwise."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o755)
    monkeypatch.setattr(private_directory, "_OF_ROOT", str(elsewhere))
    place = tmp_path / "place"
    place.mkdir()
    (place / "db").touch()
    os.chown(place, uid, 0)
    place.chmod(mode)
    directory = Directory.open(str(place))
    with (place / "db").open("rb") as database:
        journal = place_for(directory, database.fileno())
    assert journal.directory.path == (str(place) if beside else f"{elsewhere}/sasldb-0")
    journal.close()
    directory.close()
