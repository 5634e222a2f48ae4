"""What another user may do is tried, inside its root directory."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from sasldb.errors import SiteConfigError
from sasldb.policy.daemon import CONNECT, READ, WRITE, attempt

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
USER = "nobody"


def errno_of(what: str, path: Path | str, jail: Path | None = None) -> int:
    """Return the error number of an attempt as nobody."""
    tried = attempt(what, str(path), USER, str(jail) if jail else None)
    assert tried is not None
    return tried.errno


def test_reading_and_writing(open_path: Path) -> None:
    """A file that others may read can be read and not written; the process that asks stays what it is."""
    (open_path / "file").touch(0o644)
    assert errno_of(READ, open_path / "file") == 0
    assert errno_of(WRITE, open_path / "file") == errno.EACCES
    (open_path / "file").chmod(0o640)
    assert errno_of(READ, open_path / "file") == errno.EACCES
    assert errno_of(READ, open_path / "none") == errno.ENOENT
    assert os.geteuid() == 0


def test_the_directory_to_blame(open_path: Path) -> None:
    """A directory that may not be searched is named; where the file itself is shut, none is."""
    (open_path / "shut/below").mkdir(parents=True)
    (open_path / "shut/below/file").touch(0o644)
    (open_path / "shut").chmod(0o700)
    tried = attempt(READ, str(open_path / "shut/below/file"), USER, None)
    assert tried and (tried.errno, tried.directory) == (errno.EACCES, str(open_path / "shut"))
    (open_path / "shut").chmod(0o755)
    (open_path / "shut/below/file").chmod(0o600)
    tried = attempt(READ, str(open_path / "shut/below/file"), USER, None)
    assert tried and (tried.errno, tried.directory) == (errno.EACCES, "")


def test_inside_a_jail(open_path: Path) -> None:
    """Paths, and links, are those of the jail."""
    (open_path / "etc").mkdir()
    (open_path / "etc/db").touch(0o644)
    (open_path / "etc/out").symlink_to(open_path / "etc/db")
    assert errno_of(READ, "/etc/db", open_path) == 0
    assert errno_of(READ, "/etc/out", open_path) == errno.ENOENT
    assert errno_of(READ, "/etc/passwd", open_path) == errno.ENOENT


def test_sockets(open_path: Path) -> None:
    """A socket can be reached where its mode lets it, and refuses where nobody listens."""
    path = open_path / "mux"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0o666)
        assert errno_of(CONNECT, path) == 0
        path.chmod(0o600)
        assert errno_of(CONNECT, path) == errno.EACCES
    path.chmod(0o666)
    assert errno_of(CONNECT, path) == errno.ECONNREFUSED


def test_a_fifo_does_not_block(open_path: Path) -> None:
    """Nobody writes to it, and the attempt ends all the same."""
    os.mkfifo(open_path / "fifo")
    (open_path / "fifo").chmod(0o666)
    assert errno_of(READ, open_path / "fifo") == 0
    assert stat.S_ISFIFO((open_path / "fifo").stat().st_mode)


def test_an_unknown_user(tmp_path: Path) -> None:
    """A user who does not exist is an error of the configuration."""
    with pytest.raises(SiteConfigError, match="no such user"):
        attempt(READ, str(tmp_path), "no-such-user", None)
