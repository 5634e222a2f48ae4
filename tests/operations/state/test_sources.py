"""Where a desired state is read from: a directory of files named after users, as Kubernetes mounts a secret; a file; a pipe."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sasldb.errors import ExchangeError, SasldbError
from sasldb.operations.state.desired import Desired
from sasldb.operations.state.sources import load
from tests.conftest import ROOT


def passwords(desired: Desired) -> dict[str, bytes]:
    """Return each user's password."""
    return {str(wish.user): wish.password.reveal() for wish in desired.wishes.values() if wish.password is not None}


def secret(directory: Path, files: dict[str, bytes], mode: int = 0o600) -> Path:
    """Make a directory with these files."""
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_bytes(content)
        (directory / name).chmod(mode)
    return directory


def test_directory(tmp_path: Path) -> None:
    """Each file is a user in the caller's realm, or in its own; a newline at the end does not count; dot files do not either."""
    path = secret(
        tmp_path / "d", {"alice": b"wonderland\n", "bob@example.org": b"builder", ".hidden": b"x", "..x": b"y"}
    )
    desired = load(str(path), "example.com")
    assert passwords(desired) == {"alice@example.com": b"wonderland", "bob@example.org": b"builder"}
    assert desired.prune == frozenset() and desired.notes == ()


def test_directory_prunes_when_told(tmp_path: Path) -> None:
    """A directory prunes the realms that the caller names."""
    path = secret(tmp_path / "d", {"alice": b"wonderland"})
    assert load(str(path), "example.com", ["example.com", "x"]).prune == {b"example.com", b"x"}


def test_empty_directory(tmp_path: Path) -> None:
    """An empty directory desires nothing; with pruning it is refused, for it may be a mount that is not there."""
    path = secret(tmp_path / "d", {})
    assert len(load(str(path))) == 0
    with pytest.raises(SasldbError, match="pruning would delete every user"):
        load(str(path), prune=["example.com"])


def mounted(path: Path) -> Path:
    """Make a mount as Kubernetes has it: each name a link into ..data, which is a link to the current version."""
    path.mkdir()
    secret(path / "..2024_01", {"alice": b"wonderland", "bob": b"builder"})
    (path / "..data").symlink_to("..2024_01")
    for name in "alice", "bob":
        (path / name).symlink_to(f"..data/{name}")
    return path


def test_kubernetes(tmp_path: Path) -> None:
    """A mounted secret is read through its links; a new version is one as a whole, with users that came and went."""
    path = mounted(tmp_path / "m")
    assert passwords(load(str(path), "x")) == {"alice@x": b"wonderland", "bob@x": b"builder"}
    secret(path / "..2024_02", {"alice": b"other", "carol": b"new"})
    (path / "..data_tmp").symlink_to("..2024_02")
    (path / "..data_tmp").rename(path / "..data")
    assert passwords(load(str(path), "x")) == {"alice@x": b"other", "carol@x": b"new"}


@pytest.mark.parametrize(
    "content, message",
    [(b"", "it is empty"), (b"a\nb\n", "more than one line"), (b"a\r\n", "a carriage return"), (b"a\0", "a NUL")],
)
def test_bad_password(tmp_path: Path, content: bytes, message: str) -> None:
    """A file that holds no password is named with the reason."""
    path = secret(tmp_path / "d", {"alice": content})
    with pytest.raises(ExchangeError, match=f"d/alice: {message}"):
        load(str(path))


def test_no_regular_file(tmp_path: Path) -> None:
    """A directory or FIFO among the passwords is refused at once."""
    path = secret(tmp_path / "d", {})
    (path / "sub").mkdir()
    with pytest.raises(ExchangeError, match="d/sub: not a regular file"):
        load(str(path))
    (path / "sub").rmdir()
    os.mkfifo(path / "pipe")
    with pytest.raises(ExchangeError, match="d/pipe: not a regular file"):
        load(str(path))


def test_dangling_link(tmp_path: Path) -> None:
    """A link that leads nowhere is an error, not a user to pass over."""
    path = secret(tmp_path / "d", {})
    (path / "alice").symlink_to("nope")
    with pytest.raises(SasldbError, match="d/alice: No such file"):
        load(str(path))


def test_no_name(tmp_path: Path) -> None:
    """A file whose name has no user in it is refused."""
    with pytest.raises(ExchangeError, match="d/@x: an empty user"):
        load(str(secret(tmp_path / "d", {"@x": b"y"})))


def test_twice(tmp_path: Path) -> None:
    """Two files that mean one user are an error."""
    with pytest.raises(SasldbError, match="alice@x: stands twice"):
        load(str(secret(tmp_path / "d", {"alice": b"y", "alice@x": b"z"})), "x")


def test_readable_by_everybody(tmp_path: Path) -> None:
    """That everybody may read the passwords is told once, not for each file."""
    path = secret(tmp_path / "d", {"alice": b"y", "bob": b"z"}, mode=0o644)
    assert load(str(path), "x").notes == (f"{path}: everybody may read passwords in it",)


def test_pipe(tmp_path: Path) -> None:
    """A state may come through a pipe, as from `<(sops -d state.yml)`."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"users: [{name: a@b, password: x}]",))
    writer.start()
    assert passwords(load(str(path))) == {"a@b": b"x"}
    writer.join()


OWN_TERMINAL = """
import sys
from sasldb.operations.state.sources import content
assert content(sys.argv[1])[0] == b"users: []\\n"
try:
    open("/dev/tty").close()
except OSError:
    print("none")
"""


def test_terminal() -> None:
    """Reading a state from a terminal does not make that the terminal of a process that has none, a daemon for one."""
    ours, theirs = pty.openpty()
    os.write(ours, b"users: []\n\x04")
    argv = [sys.executable, "-c", OWN_TERMINAL, os.ttyname(theirs)]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        timeout=30,
        check=True,
        env=environment,
    )
    os.close(theirs)
    os.close(ours)
    assert done.stdout == b"none\n"


def test_unreadable_directory(open_path: Path) -> None:
    """A directory that may not be listed is named with the system's reason."""
    path = secret(open_path / "d", {"alice": b"x"})
    path.chmod(0o311)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(SasldbError, match="d: Permission denied"):
            load(str(path), "x")
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("name, reason", [("nope.yml", "No such file"), ("a\0b", "not the name of a file")])
def test_unreadable(tmp_path: Path, name: str, reason: str) -> None:
    """What cannot be read is named."""
    with pytest.raises(SasldbError, match=reason):
        load(str(tmp_path / name))
