"""Private directories: the first place that serves, of the right owner and mode."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sasldb.errors import AccessDenied
from sasldb.files import private_directory as private

NAME = f"sasldb-{os.geteuid()}"


@pytest.fixture
def parents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the parents, in their order; the first one does not exist."""
    found = [tmp_path / name for name in ("absent", "first", "second")]
    for path in found[1:]:
        path.mkdir()
        path.chmod(0o1777)
    monkeypatch.setattr(private, "_PARENTS", tuple(map(str, found)))
    monkeypatch.setattr(private, "_OF_ROOT", str(found[0]))
    return found


def test_the_first_that_serves(parents: list[Path]) -> None:
    """It is made with mode 0700, whatever the umask, in the first parent that is there; it is found again, and stays."""
    umask = os.umask(0o777)
    try:
        directory = private.private_directory()
    finally:
        os.umask(umask)
    path = parents[1] / NAME
    assert directory.path == str(path) and path.stat().st_mode & 0o7777 == 0o700
    again = private.private_directory()
    (found,) = private.existing()
    assert again.path == found.path == directory.path and os.path.samestat(os.fstat(found.fd), path.stat())
    for each in (directory, again, found):
        each.close()
    assert path.exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda first: first.chmod(0o777),
        lambda first: (first / NAME).symlink_to(first.parent),
        lambda first: (first / NAME).touch(),
        lambda first: ((first / NAME).mkdir(), (first / NAME).chmod(0o720)),
        lambda first: ((first / NAME).mkdir(), (first / NAME).chmod(0o702)),
    ],
    ids=["a parent in which others may rename", "a link", "a file", "open to the group", "open to others"],
)
def test_what_is_not_private(parents: list[Path], spoil: Callable[[Path], object]) -> None:
    """What others can have put there or may write to is passed over for the next place; where there is none that is told."""
    spoil(parents[1])
    directory = private.private_directory()
    assert directory.path == str(parents[2] / NAME)
    directory.close()
    (parents[2] / NAME).rmdir()
    spoil(parents[2])
    with pytest.raises(AccessDenied, match="no private directory"):
        private.private_directory()
    assert private.existing() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_sticky_parent_of_another_owner(parents: list[Path]) -> None:
    """Its owner may rename whatever lies in it, so a directory of ours there may be one that lay elsewhere."""
    (parents[1] / NAME).mkdir(0o700)
    os.chown(parents[1], 1234, 1234)
    directory = private.private_directory()
    assert directory.path == str(parents[2] / NAME)
    assert [found.path for found in private.existing()] == [directory.path]
    directory.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make directories of other users")
def test_of_another_owner(parents: list[Path]) -> None:
    """A directory of that name which another user made is not ours."""
    (parents[1] / NAME).mkdir(0o700)
    os.chown(parents[1] / NAME, 1234, 1234)
    directory = private.private_directory()
    assert directory.path == str(parents[2] / NAME)
    directory.close()
