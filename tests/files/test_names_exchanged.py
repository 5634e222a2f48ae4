"""Somebody who renames files in the directory while a change is made is noticed, at each step, and gets nothing in return."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import sasldb
from sasldb.errors import Conflict, UnsafeFile
from tests.files.events import before


def change(path: Path) -> None:
    """Store another password for alice."""
    with sasldb.edit(str(path)) as db:
        db.set_password("alice@example.com", b"second")


def passwords(path: Path) -> bytes | None:
    """Return alice's password."""
    with sasldb.open(str(path)) as db:
        account = db.get("alice@example.com")
    return None if account is None else account.properties["userPassword"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a database in which alice has the password `first`, and next to it `other`, of somebody else's making."""
    for name in ("db", "other"):
        with sasldb.edit(str(tmp_path / name)) as db:
            db.set_password("alice@example.com", b"first" if name == "db" else b"theirs")
    return tmp_path / "db"


def draft(directory: Path) -> Path:
    """Return the draft that is in a directory."""
    (found,) = (entry for entry in directory.iterdir() if ".sasldb-" in entry.name)
    return found


def test_the_draft_is_exchanged(path: Path, tmp_path: Path) -> None:
    """A draft that no longer has its name is not renamed: what has the name now would become the database."""

    def exchange() -> None:
        found = draft(tmp_path)
        found.rename(tmp_path / "aside")
        shutil.copy(tmp_path / "other", found)

    with before("os.chmod", lambda _: True, exchange) as done, pytest.raises(UnsafeFile, match="somebody else renames"):
        change(path)
    assert done and passwords(path) == b"first"


def test_the_draft_of_a_new_file_is_exchanged(path: Path, tmp_path: Path) -> None:
    """So it is where the database is just being made: then there is still none."""

    def exchange() -> None:
        found = draft(tmp_path)
        found.rename(tmp_path / "aside")
        shutil.copy(tmp_path / "other", found)

    path.unlink()
    with before("os.chmod", lambda _: True, exchange) as done, pytest.raises(UnsafeFile, match="somebody else renames"):
        change(path)
    assert done and not path.exists()


def test_the_new_file_is_exchanged(path: Path, tmp_path: Path) -> None:
    """Who puts another file in the place of the new one, before its directory is synced, is told of, and it is not said that all went well."""

    def exchange() -> None:
        os.replace(tmp_path / "other", path)

    renamed: list[bool] = []
    with before("os.rename", lambda _: True, lambda: renamed.append(True)):
        with before("open", lambda arguments: bool(renamed) and arguments[0] == ".", exchange) as done:
            with pytest.raises(UnsafeFile, match="somebody else renames"):
                change(path)
    assert done and passwords(path) == b"theirs"


def test_the_file_is_exchanged_before_the_last_look(path: Path, tmp_path: Path) -> None:
    """A file that a program without our lock puts in the database's place while it is edited is not overwritten: that is a conflict."""
    with pytest.raises(Conflict, match="replaced by another program"):
        with sasldb.edit(str(path)) as db:
            db.set_password("alice@example.com", b"second")
            os.replace(tmp_path / "other", path)
    assert passwords(path) == b"theirs"
