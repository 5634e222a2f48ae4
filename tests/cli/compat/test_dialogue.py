"""The dialogue at a terminal: the same keys typed to the real tool and to ours."""

from __future__ import annotations

import fcntl
import os
import signal
import termios
import time
from pathlib import Path

import pytest

from sasldb.cli.compat.terminal import Hidden
from tests.cli.compat.records import PLAIN, USER, key, load, meaning
from tests.cli.compat.terminal import PATIENCE, Dialogue, Step, Terminal
from tests.conftest import Commands, CyrusTools

ONE, TWO = "Password: ", "Again (for verification): "
TIMES = 20  # enough for whoever answers at once to come before the terminal is ready, if it were not
DIALOGUES: dict[str, tuple[Step, ...]] = {
    "a password": (ONE, b"secret\n", TWO, b"secret\n"),
    "another one": (ONE, b"secret\n", TWO, b"other\n"),
    "a beginning of it": (ONE, b"secret\n", TWO, b"secre\n"),
    "nothing": (ONE, b"\n", TWO, b"\n"),
    "nothing, then something": (ONE, b"\n", TWO, b"x\n"),
    "end of file": (ONE, b"\x04", TWO, b"\x04"),
    "a partial line": (ONE, b"sec\x04\x04", TWO, b"sec\x04\x04"),
    "a partial and a whole line": (ONE, b"sec\x04\x04", TWO, b"sec\n"),
    "the erase key": (ONE, b"secrex\x7ft\n", TWO, b"secret\n"),
    "the kill key": (ONE, b"oops\x15secret\n", TWO, b"secret\n"),
    "a carriage return": (ONE, b"secret\r", TWO, b"secret\r"),
    "bytes": (ONE, b"\xff\xc3\xa4\n", TWO, b"\xff\xc3\xa4\n"),
}


def dialogue(
    program: str, home: Path, args: tuple[str, ...], *steps: Step, piped: bool = False, hasty: bool = False
) -> Dialogue:
    """Play one dialogue with `program` in the directory `home`."""
    home.mkdir(exist_ok=True)
    environ = {"PATH": "/usr/bin:/bin", "SASL_CONF_PATH": "."}
    return Terminal(program, ["saslpasswd2", *args, "u@R"], home, environ, piped, hasty).play(*steps)


@pytest.fixture
def both(cyrus: CyrusTools, commands: Commands, tmp_path: Path) -> list[tuple[str, Path]]:
    """Return program and directory of the real tool and of ours; ours under the name that the real one is given."""
    link = tmp_path / "saslpasswd2"
    link.symlink_to(commands.saslpasswd2)
    return [(cyrus.saslpasswd2, tmp_path / "real"), (str(link), tmp_path / "ours")]


@pytest.mark.parametrize("steps", DIALOGUES.values(), ids=DIALOGUES)
def test_same_dialogue(steps: tuple[Step, ...], both: list[tuple[str, Path]]) -> None:
    """The terminal shows the same, hides the same, is left the same, and the same password is stored."""
    real, ours = (dialogue(program, home, ("-c", "-f", "t.db"), *steps) for program, home in both)
    assert ours == real
    stored = [
        (load(home / "t.db") or {}).get(key(b"u", b"R")) if (home / "t.db").exists() else None for _, home in both
    ]
    assert stored[0] == stored[1]


def test_same_dialogue_without_plaintext(both: list[tuple[str, Path]]) -> None:
    """-n asks with the same words, and the secret stored is that of the password typed."""
    real, ours = (dialogue(program, home, ("-n", "-f", "t.db"), *DIALOGUES["a password"]) for program, home in both)
    assert ours == real
    records = load(both[1][1] / "t.db") or {}
    assert key(b"u", b"R", USER) not in records
    assert meaning(PLAIN, records[key(b"u", b"R", PLAIN)], b"secret") == "PLAIN"


@pytest.mark.parametrize(
    ("args", "steps"),
    [
        (("-p",), (b"secret\n",)),
        (("-p",), (b"sec\x04\x04",)),
        (("-p",), (b"\x04",)),
        (("-d",), ()),
        (("-x",), ()),
        (("-v", "-a"), ()),
    ],
)
def test_no_dialogue(args: tuple[str, ...], steps: tuple[Step, ...], both: list[tuple[str, Path]]) -> None:
    """With -p a line is read without a prompt and with echo, with -d nothing is read at all."""
    if args[0] in ("-x", "-v"):
        both = both[1:]  # their texts are the oracle's matter; here it is that the terminal is left alone
    played = [dialogue(program, home, ("-f", "t.db", *args), *steps) for program, home in both]
    assert played[0] == played[-1]
    assert played[-1].restored


def test_prompts_go_to_standard_output(both: list[tuple[str, Path]]) -> None:
    """With stdout in a pipe the prompts are there, and nothing but the newlines of echo and the error on the terminal."""
    real, ours = (
        dialogue(program, home, ("-f", "t.db"), ONE, b"\n", TWO, b"x\n", piped=True) for program, home in both
    )
    assert ours == real
    assert ours.piped == (ONE + TWO).encode()
    assert ours.shown == b"\r\n\r\nsaslpasswd2: passwords don't match; aborting\r\n"


def test_echo_is_off_while_it_waits(commands: Commands, tmp_path: Path) -> None:
    """At each prompt the terminal shows nothing of what is typed but its newline, and edits lines as usual."""
    played = dialogue(commands.saslpasswd2, tmp_path, ("-f", "t.db"), ONE, b"hidden\n", TWO, b"hidden\n")
    for modes in played.modes:
        assert not modes & termios.ECHO
        assert modes & termios.ECHONL and modes & termios.ICANON and modes & termios.ISIG
    assert b"hidden" not in played.shown


@pytest.mark.parametrize(
    "steps", [(ONE, b"secret\n", TWO, b"secret\n"), (ONE, b"secret\nsecret\n")], ids=["each prompt", "pasted"]
)
def test_answered_at_once(steps: tuple[Step, ...], commands: Commands, tmp_path: Path) -> None:
    """Difference 5: a program that answers as soon as a prompt is there, or both at once, is neither shown nor left waiting."""
    for number in range(TIMES):
        home = tmp_path / str(number)
        played = dialogue(commands.saslpasswd2, home, ("-c", "-f", "t.db"), *steps, hasty=True)
        assert played.status == 0 and b"secret" not in played.shown and played.restored
        assert (load(home / "t.db") or {})[key(b"u", b"R")] == b"secret"


def test_what_was_typed_before_the_first_prompt_is_no_password(commands: Commands, tmp_path: Path) -> None:
    """As with Cyrus, what was typed while another command ran does not answer the first prompt."""
    before = 'echo started; read -r line; exec "$@"'
    argv = ["sh", "-c", before, "sh", commands.saslpasswd2, "-c", "-f", "t.db", "u@R"]
    environ = {"PATH": "/usr/bin:/bin", "SASL_CONF_PATH": "."}
    steps: tuple[Step, ...] = ("started", b"go\nearly\n", ONE, b"secret\n", TWO, b"secret\n")
    assert Terminal("/bin/sh", argv, tmp_path, environ, hasty=True).play(*steps).status == 0
    assert (load(tmp_path / "t.db") or {})[key(b"u", b"R")] == b"secret"


@pytest.mark.parametrize("key_or_signal", [b"\x03", b"\x1c", signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("prompts", [1, 2])
def test_a_signal_restores_the_terminal(key_or_signal: Step, prompts: int, both: list[tuple[str, Path]]) -> None:
    """Difference 5: who ends the command at a prompt gets the terminal back as it was; the status is that of the signal."""
    steps: tuple[Step, ...] = (ONE, b"secret\n", TWO, key_or_signal) if prompts == 2 else (ONE, key_or_signal)
    real, ours = (dialogue(program, home, ("-f", "t.db"), *steps) for program, home in both)
    assert (ours.status & 0x7F, ours.shown) == (real.status & 0x7F, real.shown)
    assert ours.restored and not real.restored
    assert not (both[1][1] / "t.db").exists()


def test_a_long_line_is_not_cut(commands: Commands, tmp_path: Path) -> None:
    """Difference 4: a line of 3000 characters, of which the real tool takes 2048, is stored whole."""
    line = b"x" * 3000 + b"\n"
    assert dialogue(commands.saslpasswd2, tmp_path, ("-f", "t.db"), ONE, line, TWO, line).status == 0
    assert (load(tmp_path / "t.db") or {})[key(b"u", b"R")] == line[:-1]


def prompting() -> tuple[int, int]:
    """Start a process that asks for a password on a new terminal, and return its number and the terminal, once it asks."""
    master, slave = os.openpty()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for descriptor in (0, 1, 2):
                os.dup2(slave, descriptor)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            with Hidden(1) as person:
                person.ask(ONE.encode())
        finally:
            os._exit(1)
    os.close(slave)
    assert os.read(master, len(ONE)) == ONE.encode()
    return child, master


def test_no_signal_is_missed() -> None:
    """A signal that comes just before the wait for an answer ends the command, and not only when something is typed."""
    for number in range(600):
        child, master = prompting()
        moment = time.perf_counter() + number % 100 * 1e-6
        while time.perf_counter() < moment:
            pass
        os.kill(child, signal.SIGTERM)
        assert wait_for(child) == signal.SIGTERM
        os.close(master)


def wait_for(child: int) -> int:
    """Return the wait status of `child`, which must end soon."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.0002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise TimeoutError("the command did not end")
