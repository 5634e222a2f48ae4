"""Where the last try at a host is noted: a place that nobody else can look into, or none."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sasldb.login import ledger
from tests.conftest import lacking

NOBODY, OTHER = 65534, 65533
HOST = "mail.example.com"


@pytest.fixture
def roots(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a directory with `run`, `tmp` and `runtime` of user nobody, which stand for /run, /tmp and that user's XDG_RUNTIME_DIR."""
    with tempfile.TemporaryDirectory(prefix="sasldb-ledger-") as directory:
        path = Path(directory)
        path.chmod(0o755)
        for name, mode, user in (("run", 0o755, 0), ("tmp", 0o1777, 0), ("runtime", 0o700, NOBODY)):
            (path / name).mkdir()
            (path / name).chmod(mode)
            if os.geteuid() == 0:
                os.chown(path / name, user, user)
        monkeypatch.setattr(ledger, "RUNTIME", str(path / "run"))
        monkeypatch.setattr(ledger, "TEMPORARY", str(path / "tmp"))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(path / "runtime"))
        yield path


def place(user: int) -> str:
    """Return where the file for `HOST` is, as `user` sees it: the path of its directory; "" where there is none."""
    if os.geteuid() != 0:
        lacking("namespace", "only root can become somebody else")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if user:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            fd = ledger.open_for(HOST)
            os.write(writing, b"" if fd is None else os.readlink(f"/proc/self/fd/{fd}").encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        path = pipe.read().decode()
    os.waitpid(child, 0)
    return os.path.dirname(path)


def test_root(roots: Path) -> None:
    """Root's lies in /run, whatever the environment of whoever became root says."""
    assert place(0) == str(roots / "run/sasldb") == place(0)


def test_others(roots: Path) -> None:
    """Another user's lies in that user's own runtime directory."""
    assert place(NOBODY) == str(roots / "runtime/sasldb") == place(NOBODY)


def test_a_job_without_the_environment(roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs outside a session finds the same place as what runs in one: the system's runtime directory of that user."""
    session = roots / f"run/user/{NOBODY}"
    session.mkdir(0o700, parents=True)
    session.parent.chmod(0o755)
    os.chown(session, NOBODY, NOBODY)
    inside = place(NOBODY)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert place(NOBODY) == inside == str(session / "sasldb")


@pytest.mark.parametrize(
    "fault", ["somebody else's", "open to the group", "open to all", "a link", "relative", "absent", "unset"]
)
def test_a_runtime_directory_that_is_not_trusted(roots: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """A runtime directory that is not that user's alone is not used, but one in /tmp."""
    runtime = roots / "runtime"
    if fault == "somebody else's":
        os.chown(runtime, OTHER, OTHER)
    elif fault.startswith("open"):
        runtime.chmod(0o770 if fault.endswith("group") else 0o701)
    elif fault == "a link":
        runtime.rename(roots / "real")
        runtime.symlink_to(roots / "real")
    elif fault == "relative":
        monkeypatch.chdir(roots)
        monkeypatch.setenv("XDG_RUNTIME_DIR", "runtime")
    elif fault == "absent":
        runtime.rmdir()
    else:
        monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert place(NOBODY) == str(roots / f"tmp/sasldb-{NOBODY}")


def test_each_user_has_an_own_one(roots: Path) -> None:
    """In /tmp the directory bears the user's number, and nobody else may look into it."""
    made = Path(place(OTHER))  # the environment's runtime directory is another user's
    status = made.stat()
    assert made == roots / f"tmp/sasldb-{OTHER}"
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (OTHER, 0o700)


@pytest.mark.parametrize("fault", ["somebody else's", "open to others", "a link", "a file"])
def test_a_directory_that_somebody_else_put_there(roots: Path, fault: str) -> None:
    """What is in the way in /tmp, and is not this user's own directory, is not used, and left as it is; there is no file then."""
    trap, aim = roots / f"tmp/sasldb-{OTHER}", roots / "aim"
    aim.mkdir(0o700)
    os.chown(aim, OTHER, OTHER)
    if fault == "a link":
        trap.symlink_to(aim)
    elif fault == "a file":
        trap.touch()
    else:
        trap.mkdir()
        trap.chmod(0o777 if fault == "open to others" else 0o700)
        os.chown(trap, *(2 * [OTHER if fault == "open to others" else NOBODY]))
    assert place(OTHER) == ""
    assert list(aim.iterdir()) == [] and (not trap.is_dir() or list(trap.iterdir()) == [])


@pytest.mark.parametrize("fault", ["link", "fifo", "directory"])
def test_what_is_no_file(roots: Path, fault: str) -> None:
    """A link, a FIFO or a directory in the place of the file is neither followed nor waited for: the next place is taken."""
    path = Path(place(0))
    (name,) = path.iterdir()
    name.unlink()
    aim = roots / "aim"
    aim.write_bytes(b"kept")
    if fault == "link":
        name.symlink_to(aim)
    elif fault == "fifo":
        os.mkfifo(name)
    else:
        name.mkdir()
    assert place(0) == str(roots / "tmp/sasldb-0")
    assert aim.read_bytes() == b"kept"


def test_nowhere(roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no directory can be made, and so on a machine that is read-only, there is no file, and no error."""
    monkeypatch.setattr(ledger, "RUNTIME", "/proc")
    monkeypatch.setattr(ledger, "TEMPORARY", str(roots / "nowhere"))
    assert ledger.open_for(HOST) is None


@pytest.mark.parametrize("mask", [0, 0o077, 0o777])
def test_nothing_is_told(roots: Path, mask: int) -> None:
    """Directory and file are for their owner alone, whatever the umask; they hold a number, and no name of a host."""
    before = os.umask(mask)
    try:
        path = Path(place(0))
    finally:
        os.umask(before)
    (file,) = path.iterdir()
    if mask != 0o777:
        assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)
    fd = ledger.open_for(HOST)
    assert fd is not None and ledger.read(fd) == 0
    for number in (2**64 - 1, 7):
        ledger.write(fd, number)
        assert ledger.read(fd) == number
    os.close(fd)
    assert file.read_bytes() == b"00000000000000000007\n" and not {"mail", "example"} & set(file.name.split("."))


@pytest.mark.parametrize("content", [b"", b"x" * 50, b"-1", b"\0" * 20, "\u0664".encode(), b" 1"])
def test_a_content_that_is_none(roots: Path, content: bytes) -> None:
    """Whatever else is in the file counts as no try."""
    fd = ledger.open_for(HOST)
    assert fd is not None
    os.pwrite(fd, content, 0)
    assert ledger.read(fd) == 0
    os.close(fd)
