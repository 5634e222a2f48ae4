"""Changes of one Postfix's configuration come one after the other, and nobody but root can hold them up."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sasldb.errors import Locked, NotFound, UnsafeFile
from sasldb.files.ownership import Ownership
from sasldb.postfix.setup.steps import FileStep, Plan, carry_out, take_back
from sasldb.postfix.setup.turn import FOLDER, Turn

OURS = Ownership(os.geteuid(), os.getegid(), 0o644)
NOBODY = 65534
# Takes the lock of argv[1] as the user argv[2], says so, and keeps it until its input ends.
HOLD = """
import fcntl, os, sys
os.setuid(int(sys.argv[2]))
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(fd, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def holding(path: Path, user: int) -> subprocess.Popen[bytes]:
    """Return a process of `user` that has locked `path`."""
    argv = [sys.executable, "-c", HOLD, str(path), str(user)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
    assert process.stdout is not None and process.stdout.readline() == b"held\n"
    return process


def planned(directory: Path) -> Plan:
    """Return a plan that changes main.cf."""
    path = directory / "main.cf"
    path.write_text("a = b\n")
    plan = Plan()
    plan.add(FileStep(str(path), b"a = c\n", OURS))
    return plan


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which root alone can")
def test_another_user_cannot_hold_it_up(open_path: Path) -> None:
    """A lock that another user has on the configuration directory, which is world-readable, hinders neither a change nor its undo."""
    with holding(open_path, NOBODY) as process:
        assert carry_out(planned(open_path), str(open_path), "setup") == [f"changed {open_path}/main.cf"]
        assert take_back(str(open_path), "setup", dry_run=False) == [f"restored {open_path}/main.cf"]
        process.kill()
    assert os.listdir(open_path) == ["main.cf"]


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which root alone can")
def test_another_user_cannot_open_what_is_locked(open_path: Path) -> None:
    """What is locked, and the backups in it, can be opened by no other user."""
    carry_out(planned(open_path), str(open_path), "setup")
    folder = open_path / FOLDER
    assert folder.stat().st_mode & 0o777 == 0o700 and folder.stat().st_uid == os.geteuid()
    script = f"import os; os.setuid({NOBODY}); os.open({str(folder)!r}, os.O_RDONLY)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30, check=False, cwd="/")
    assert b"PermissionError" in done.stderr


def test_the_wait_ends_and_names_the_holder(tmp_path: Path) -> None:
    """A command that cannot get its turn ends with one message, which names the process that has it; then nothing was changed."""
    (tmp_path / FOLDER).mkdir(0o700)
    with holding(tmp_path / FOLDER, os.geteuid()) as process:
        with pytest.raises(Locked, match=rf"still locked by process {process.pid} \(python[0-9.]*\) after 0.2 s"):
            with Turn(str(tmp_path), make=True, wait=0.2):
                pass
        process.kill()
    with Turn(str(tmp_path), make=True, wait=0.2):
        pass
    assert os.listdir(tmp_path) == []


def test_the_name_of_the_holder_is_escaped(tmp_path: Path) -> None:
    """Nothing of a process's name reaches a terminal raw."""
    (tmp_path / FOLDER).mkdir(0o700)
    name = tmp_path / "\x1b]0;x\x07"
    name.symlink_to(sys.executable)
    argv = [str(name), "-c", HOLD, str(tmp_path / FOLDER), str(os.geteuid())]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        with pytest.raises(Locked) as caught:
            with Turn(str(tmp_path), make=True, wait=0.0):
                pass
        process.kill()
    assert str(caught.value).isprintable() and "x1b]0;x" in str(caught.value)


def test_one_after_the_other(tmp_path: Path) -> None:
    """Who waits while the directory is removed with its last backup gets the lock of the new one."""
    first = Turn(str(tmp_path), make=True)
    script = "import sys; from sasldb.postfix.setup.turn import Turn\nwith Turn(sys.argv[1], True): print('in', flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", script, str(tmp_path)]
    with first:
        second = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert second.stdout is not None and second.stdout.readline() == b"in\n"
    fd = os.open(tmp_path / FOLDER, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)
    second.communicate()
    assert second.returncode == 0 and os.listdir(tmp_path) == []


def test_a_directory_that_others_can_open(tmp_path: Path) -> None:
    """A directory that others can open, or a link to another one, gets no backup; the message says what to do."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(UnsafeFile, match="other users can open it"):
        carry_out(planned(tmp_path), str(tmp_path), "setup")
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(0o700)
    folder.symlink_to("elsewhere")
    with pytest.raises(UnsafeFile, match="not a directory"):
        carry_out(planned(tmp_path), str(tmp_path), "setup")
    assert (tmp_path / "main.cf").read_text() == "a = b\n" and os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory to another user, which root alone can")
def test_a_directory_of_another_user(tmp_path: Path) -> None:
    """A directory that another user made gets no backup, and none is taken out of it."""
    (tmp_path / FOLDER).mkdir(0o700)
    os.chown(tmp_path / FOLDER, NOBODY, NOBODY)
    with pytest.raises(UnsafeFile, match=f"owned by user {NOBODY}"):
        carry_out(planned(tmp_path), str(tmp_path), "setup")
    with pytest.raises(UnsafeFile, match=f"owned by user {NOBODY}"):
        take_back(str(tmp_path), "setup", dry_run=False)


def test_nothing_to_undo(tmp_path: Path) -> None:
    """Where nothing was changed, an undo says so and makes no directory."""
    with pytest.raises(NotFound):
        take_back(str(tmp_path), "setup", dry_run=True)
    assert os.listdir(tmp_path) == []
