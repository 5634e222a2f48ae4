"""The password prompts under a shell with job control: whoever stops, continues or ends the job finds the terminal as it was."""

from __future__ import annotations

import fcntl
import os
import random
import select
import signal
import termios
import time
from pathlib import Path

import pytest

from sasldb.cli.compat.terminal import Hidden
from tests.cli.compat.records import key, load
from tests.cli.compat.session import CAUGHT, READY, SHELLS, Session
from tests.cli.conftest import make_database
from tests.conftest import Commands

ONE, TWO = "Password: ", "Again (for verification): "
CALLS = {"saslpasswd2": "-c -f t.db u@R", "sasldb": "add -f t.db u@R"}
each_shell = pytest.mark.parametrize("shell", SHELLS)
each_command = pytest.mark.parametrize("program", CALLS)
ENDING = [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT, signal.SIGUSR1, signal.SIGALRM]


def call(commands: Commands, program: str) -> str:
    """Return the command line that sets the password of u@R."""
    return f"{getattr(commands, program)} {CALLS[program]}"


def stored(directory: Path) -> bytes:
    """Return the password of u@R."""
    return (load(directory / "t.db") or {})[key(b"u", b"R")]


def give_password(session: Session, prompt: str = ONE) -> None:
    """Answer, with `prompt` there already, what is still asked; see that it worked."""
    session.type(b"secret\r")  # what the key Enter sends
    if prompt == ONE:
        session.wait(TWO, hidden=True)
        session.type(b"secret\r")
    session.wait(READY)
    assert b"status 0 " in session.run("echo status $? $$")


def reach(session: Session, line: str, prompt: str) -> None:
    """Run the command `line` until `prompt` is there."""
    session.run(line, until=ONE)
    session.until("without echo", lambda: not session.echoes)
    if prompt == TWO:
        session.type(b"secret\n")
        session.wait(TWO, hidden=True)


@each_shell
@each_command
@pytest.mark.parametrize("prompt", [ONE, TWO], ids=["first", "second"])
@pytest.mark.parametrize("how", ["^Z", "TSTP", "TTIN", "TTOU"])
def test_stopped_and_continued(
    shell: str, program: str, prompt: str, how: str, commands: Commands, tmp_path: Path
) -> None:
    """Stopped, twice, it leaves the terminal as it was; in the foreground again it asks again, without echo."""
    with Session(shell, tmp_path) as session:
        before = session.settings()
        reach(session, call(commands, program), prompt)
        for _ in range(2):
            session.type(b"secr")
            if how == "^Z":
                session.type(b"\x1a")
            else:
                os.killpg(session.foreground, getattr(signal, f"SIG{how}"))
            session.wait("Stopped")
            session.wait(READY)
            assert session.settings() == before
            session.run("fg", until=prompt)
            session.until("without echo", lambda: not session.echoes)
        give_password(session, prompt)
        assert session.settings() == before
    assert b"secr" not in session.shown
    assert stored(tmp_path) == b"secret"


@each_shell
@each_command
@pytest.mark.parametrize("prompt", [ONE, TWO], ids=["first", "second"])
def test_stopped_by_what_cannot_be_caught(
    shell: str, program: str, prompt: str, commands: Commands, tmp_path: Path
) -> None:
    """Continued after SIGSTOP it asks again, without echo whatever the shell has made of the terminal, and puts back what was there."""
    with Session(shell, tmp_path) as session:
        before = session.settings()
        reach(session, call(commands, program), prompt)
        os.killpg(session.foreground, signal.SIGSTOP)
        session.wait("Stopped")
        session.wait(READY)
        session.run("fg", until=prompt)
        session.until("without echo", lambda: not session.echoes)
        give_password(session, prompt)
        assert session.settings() == before
    assert b"secret" not in session.shown
    assert stored(tmp_path) == b"secret"


@each_shell
@each_command
def test_started_in_the_background(shell: str, program: str, commands: Commands, tmp_path: Path) -> None:
    """Started in the background it waits for the foreground, and what it puts back in the end is not a shell's own setting of before."""
    with Session(shell, tmp_path) as session:
        before = session.settings()
        session.run(f"{call(commands, program)} &")
        own = session.modes
        session.until("stopped", lambda: session.jobs == ["T"])
        assert session.modes == own and session.settings() == before
        session.run("fg", until=ONE)
        session.until("without echo", lambda: not session.echoes)
        give_password(session)
        assert session.settings() == before
    assert b"secret" not in session.shown
    assert stored(tmp_path) == b"secret"


@each_shell
@each_command
def test_continued_in_the_background(shell: str, program: str, commands: Commands, tmp_path: Path) -> None:
    """Continued in the background it touches nothing of the shell's terminal, and asks when it is in the foreground."""
    with Session(shell, tmp_path) as session:
        before = session.settings()
        reach(session, call(commands, program), ONE)
        session.type(b"\x1a")
        session.wait("Stopped")
        session.wait(READY)
        session.run("bg")
        own = session.modes
        session.until("stopped", lambda: session.jobs == ["T"])
        assert session.modes == own and session.settings() == before
        session.run("fg", until=ONE)
        session.until("without echo", lambda: not session.echoes)
        give_password(session)
        assert session.settings() == before
    assert b"secret" not in session.shown
    assert stored(tmp_path) == b"secret"


@each_shell
@each_command
@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("stopped", [False, True], ids=["at the prompt", "stopped"])
def test_ended(
    shell: str, program: str, number: signal.Signals, stopped: bool, commands: Commands, tmp_path: Path
) -> None:
    """Ended by a signal, at the prompt or while it is stopped, it leaves the terminal as it was, and the shell nothing of the answer."""
    make_database(tmp_path / "t.db", {b"v\0R\0userPassword": b"x"})
    with Session(shell, tmp_path) as session:
        before = session.settings()
        reach(session, call(commands, program), ONE)
        session.type(b"secr")
        if stopped:
            session.type(b"\x1a")
            session.wait("Stopped")
            session.wait(READY)
            session.type(f"kill -{number.name[3:]} %1; fg\n".encode())
        else:
            os.killpg(session.foreground, number)
        session.wait(READY)
        assert session.settings() == before
        assert b"nobody" in session.run("jobs; echo no''body")
    assert b"secr" not in session.shown
    assert load(tmp_path / "t.db") == {b"v\0R\0userPassword": b"x"}


@each_shell
@each_command
def test_killed_while_stopped_by_what_cannot_be_caught(
    shell: str, program: str, commands: Commands, tmp_path: Path
) -> None:
    """Killed in the background after SIGSTOP it gives echo back where the shell has not done so, and else leaves the shell's setting."""
    with Session(shell, tmp_path) as session:
        before, modes = session.settings(), session.modes
        reach(session, call(commands, program), ONE)
        job = session.foreground
        os.killpg(job, signal.SIGSTOP)
        session.wait("Stopped")
        session.wait(READY)
        for number in (signal.SIGTERM, signal.SIGCONT):
            os.killpg(job, number)
        session.until("gone", lambda: session.jobs in ([], ["Z"]))
        assert session.modes == modes
        assert session.settings() == before


@each_command
def test_an_orphan_asks_again(program: str, commands: Commands, tmp_path: Path) -> None:
    """Where nobody could continue it (the first process of a container), ^Z does not stop it: it asks again."""
    with Session("dash", tmp_path) as session:
        reach(session, f"exec {call(commands, program)}", ONE)
        session.type(b"secr\x1a")
        session.wait(ONE, hidden=True)
        session.type(b"secret\n")
        session.wait(TWO, hidden=True)
        session.type(b"secret\n")
        session.until("stored", lambda: (tmp_path / "t.db").exists())
    assert b"secr" not in session.shown
    assert stored(tmp_path) == b"secret"


@each_command
def test_who_ignores_a_signal_goes_on_ignoring_it(program: str, commands: Commands, tmp_path: Path) -> None:
    """A signal that the caller ignores (trap '') neither stops nor ends it."""
    with Session("dash", tmp_path) as session:
        reach(session, f"(trap '' TSTP HUP TERM; {call(commands, program)})", ONE)
        for number in (signal.SIGTSTP, signal.SIGHUP, signal.SIGTERM):
            os.killpg(session.foreground, number)
        give_password(session)
    assert stored(tmp_path) == b"secret"


def test_stopped_at_any_moment() -> None:
    """Whenever it is stopped, before, at, or after the prompts, the terminal is as it was; so it is in the end, and nothing was said."""
    master, slave = os.openpty()
    leader = os.fork()
    if leader == 0:
        status = 2
        try:
            status = stop_again_and_again(slave)
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(leader, 0)[1]) == 0
    assert not select.select([master], [], [], 0)[0], os.read(master, 65536)
    os.close(slave)
    os.close(master)


def stop_again_and_again(terminal: int) -> int:
    """Be a shell on `terminal`, with a job that hides what is typed 2000 times over; return 0 where nothing was left hidden."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in CAUGHT:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    for descriptor in (0, 1, 2):
        os.dup2(terminal, descriptor)
    before = termios.tcgetattr(0)
    job = os.fork()
    if job == 0:
        try:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            for _ in range(2000):
                with Hidden(1):
                    pass
        finally:
            os._exit(0)
    os.setpgid(job, job)  # before its first signal: the group of a session leader is not stopped
    pauses = random.Random(1)
    while True:
        time.sleep(pauses.random() / 1000)
        os.kill(job, signal.SIGTSTP)
        _, status = os.waitpid(job, os.WUNTRACED)
        if termios.tcgetattr(0) != before:
            os.kill(job, signal.SIGKILL)
            return 1
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        os.kill(job, signal.SIGCONT)
