"""The password prompts under a shell with job control: whoever stops, continues or ends the job finds the terminal as it was."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.cli.compat.records import key, load
from tests.cli.compat.session import READY, SHELLS, Session
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
    session.type(b"secret\n")
    if prompt == ONE:
        session.wait(TWO, hidden=True)
        session.type(b"secret\n")
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
def test_in_the_background(shell: str, program: str, commands: Commands, tmp_path: Path) -> None:
    """Started in the background, or continued there, it touches nothing of the shell's terminal and waits for the foreground."""
    with Session(shell, tmp_path) as session:
        before = session.settings()
        session.run(f"{call(commands, program)} &")
        session.until("stopped", lambda: session.jobs == ["T"])
        assert session.settings() == before
        session.run("fg", until=ONE)
        session.until("without echo", lambda: not session.echoes)
        session.type(b"\x1a")
        session.wait("Stopped")
        session.wait(READY)
        session.run("bg")
        session.until("stopped", lambda: session.jobs == ["T"])
        assert session.settings() == before
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
    """Killed in the background after SIGSTOP it gives echo back, where the shell has not done so."""
    with Session(shell, tmp_path) as session:
        before = session.settings()
        reach(session, call(commands, program), ONE)
        os.killpg(session.foreground, signal.SIGSTOP)
        session.wait("Stopped")
        session.wait(READY)
        session.run("kill %1")
        session.run("kill -CONT %1")
        session.until("gone", lambda: session.jobs in ([], ["Z"]))
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
