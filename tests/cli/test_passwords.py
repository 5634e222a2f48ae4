"""Where a password comes from: a person at a terminal, standard input, a file, a descriptor, or nowhere."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from click.testing import CliRunner

import sasldb as library
from sasldb.cli.main import sasldb as program
from sasldb.cli.passwords import PasswordSource
from sasldb.secrets import scram
from tests.cli.compat.terminal import Dialogue, Step, Terminal
from tests.cli.conftest import Sasldb, make_database
from tests.conftest import Commands

ALICE = {b"alice\0x\0userPassword": b"old"}
PROMPT, AGAIN = "Password: ", "Again (for verification): "


def talk(
    commands: Commands, directory: Path, arguments: list[str], *steps: Step, piped: bool = False, hasty: bool = False
) -> Dialogue:
    """Run sasldb on a terminal and take the steps there."""
    argv = [commands.sasldb, *arguments]
    return Terminal(commands.sasldb, argv, directory, {"PATH": "/usr/bin:/bin"}, piped, hasty).play(*steps)


def stored(directory: Path, login: str = "alice@x") -> bytes:
    """Return the plaintext that is stored."""
    with library.open(str(directory / "db")) as database:
        account = database.get(login)
    assert account is not None
    return account.properties["userPassword"]


def test_asked_twice(commands: Commands, tmp_path: Path) -> None:
    """A person is asked twice, on standard error, and nothing that is typed is shown; the terminal is as before."""
    done = talk(
        commands, tmp_path, ["add", "-f", "db", "alice@x"], PROMPT, b"se cret\n", AGAIN, b"se cret\n", piped=True
    )
    assert (done.status, done.piped) == (0, b"added alice@x\n")
    assert done.shown == b"Password: \r\nAgain (for verification): \r\nsasldb: made db\r\n"
    assert all(modes & termios.ECHO == 0 for modes in done.modes) and done.restored
    assert stored(tmp_path) == b"se cret"


@pytest.mark.parametrize(
    "steps, reason",
    [
        ((PROMPT, b"one\n", AGAIN, b"two\n"), b"the two do not match"),
        ((PROMPT, b"\n"), b"it is empty"),
        ((PROMPT, b"\x04"), b"it is empty"),
        ((PROMPT, b"one\n", AGAIN, b"\x04"), b"the two do not match"),
    ],
    ids=["differ", "empty", "end of file", "end of file the second time"],
)
def test_typed_in_vain(commands: Commands, tmp_path: Path, steps: tuple[Step, ...], reason: bytes) -> None:
    """What is typed twice must be the same, and something; else the exit status is 3 and the password the old one."""
    make_database(tmp_path / "db", ALICE)
    done = talk(commands, tmp_path, ["passwd", "-f", "db", "alice@x"], *steps)
    assert os.waitstatus_to_exitcode(done.status) == 3
    assert b"sasldb: password: " + reason in done.shown and b"one" not in done.shown
    assert done.restored and stored(tmp_path) == b"old"


@pytest.mark.parametrize(
    "steps", [(PROMPT, b"secret\n", AGAIN, b"secret\n"), (PROMPT, b"secret\nsecret\n")], ids=["each prompt", "pasted"]
)
def test_answered_at_once(commands: Commands, tmp_path: Path, steps: tuple[Step, ...]) -> None:
    """A program that answers as soon as a prompt is there, or both at once, is neither shown nor left waiting."""
    for number in range(10):
        done = talk(commands, tmp_path, ["add", "-f", f"{number}.db", "alice@x"], *steps, hasty=True)
        assert done.status == 0 and b"secret" not in done.shown and done.restored
        with library.open(str(tmp_path / f"{number}.db")) as database:
            assert database.verify("alice@x", b"secret")


def test_testsaslauthd_answered_at_once(commands: Commands, tmp_path: Path) -> None:
    """So it is where testsaslauthd asks; here for nothing, as there is no saslauthd."""
    for _ in range(10):
        done = talk(commands, tmp_path, ["testsaslauthd", "-u", "x", "-f", "mux"], PROMPT, b"secret\n", hasty=True)
        assert done.shown == b"Password: \r\n0: connect() : No such file or directory\r\n" and done.restored


def test_end_of_file_at_the_prompt_leaves_output_clean(commands: Commands, tmp_path: Path) -> None:
    """The newline after a line that ^D ended goes where the prompt went, not into what the command prints."""
    make_database(tmp_path / "db", ALICE)
    verify = ["verify", "-f", "db", "--json", "alice@x"]
    done = talk(commands, tmp_path, verify, PROMPT, b"old\x04\x04", piped=True)
    assert done.status == 0 and done.shown == b"Password: \r\n"
    assert json.loads(done.piped)["verdict"] == "ok" and done.piped.startswith(b"{")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("second", [False, True], ids=["first", "second"])
def test_signals(commands: Commands, tmp_path: Path, number: signal.Signals, second: bool) -> None:
    """A signal ends the command by that signal, with the terminal as before and nothing changed."""
    make_database(tmp_path / "db", ALICE)
    typed: list[Step] = [b"one\n", AGAIN] if second else []
    done = talk(commands, tmp_path, ["passwd", "-f", "db", "alice@x"], PROMPT, *typed, int(number))
    assert os.waitstatus_to_exitcode(done.status) == -number
    assert done.restored and stored(tmp_path) == b"old"


@pytest.mark.parametrize("command, status", [("add", b"alice@x: in db already"), ("passwd", b"bob@x: no such user")])
def test_not_asked_for_nothing(commands: Commands, tmp_path: Path, command: str, status: bytes) -> None:
    """Whoever can have no password is told before one is typed."""
    make_database(tmp_path / "db", ALICE)
    done = talk(commands, tmp_path, [command, "-f", "db", "alice@x" if command == "add" else "bob@x"])
    assert os.waitstatus_to_exitcode(done.status) == 3
    assert status in done.shown and b"Password" not in done.shown


def test_terminal_is_no_standard_input(commands: Commands, tmp_path: Path) -> None:
    """--password-stdin on a terminal, where the password would be shown, is refused."""
    done = talk(commands, tmp_path, ["add", "-f", "db", "alice@x", "--password-stdin"])
    assert os.waitstatus_to_exitcode(done.status) == 2
    assert b"would be shown on the terminal" in done.shown


# A session on the terminal of argument 1, whose other arguments run as a job in the background that is not stopped when it reads.
BACKGROUND = """
import fcntl, os, signal, sys, termios
os.setsid()
terminal = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
job = os.fork()
if not job:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.dup2(terminal, 0)
    os.execv(sys.argv[2], sys.argv[2:])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(job, 0)[1]))
"""


def test_a_terminal_that_cannot_be_read(commands: Commands, tmp_path: Path) -> None:
    """What the system refuses at the prompt is told, exit status 3, and nothing is changed."""
    make_database(tmp_path / "db", ALICE)
    ours, theirs = pty.openpty()
    command = [commands.sasldb, "passwd", "-f", "db", "alice@x"]
    argv = [sys.executable, "-c", BACKGROUND, os.ttyname(theirs), *command]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=tmp_path) as session:
        assert session.stderr is not None and session.stderr.read(len(PROMPT)) == PROMPT.encode()
        os.write(ours, b"new\n")
        assert session.stderr.read() == b"sasldb: password: the terminal cannot be read\n"
    os.close(theirs)
    os.close(ours)
    assert session.returncode == 3 and stored(tmp_path) == b"old"


@pytest.mark.parametrize("handed_over", [True, False])
def test_a_descriptor_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handed_over: bool) -> None:
    """A descriptor that is open, and was not handed over but opened by the program itself, is a usage error."""
    (tmp_path / "password").write_bytes(b"secret\n")
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "password").open("rb") as file:
        os.set_inheritable(file.fileno(), handed_over)
        done = CliRunner().invoke(program, ["add", "-f", "db", "alice@x", f"--password-fd={file.fileno()}"])
        assert done.exit_code == (0 if handed_over else 2)
        assert handed_over or f"descriptor {file.fileno()} is not open" in done.output
    assert (tmp_path / "db").exists() == handed_over


def test_help_of_generate(sasldb: Sasldb) -> None:
    """The help of --generate shows how its value is written, and what it does."""
    done = sasldb("add", "--help")
    text = b" ".join(done.stdout.split())
    assert done.returncode == 0 and b"--generate[=LENGTH] " in text
    assert re.search(rb"--generate\[=LENGTH\] [A-Z][a-z]+ [^-]*password", text), text


def test_nobody_to_ask(sasldb: Sasldb) -> None:
    """Without a terminal a source must be named; what comes on standard input unasked is not taken."""
    done = sasldb("add", "-f", "db", "alice@x", stdin=b"secret\n")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"no terminal to ask for the password" in done.stderr and b"--password-stdin" in done.stderr


def test_standard_input(sasldb: Sasldb, tmp_path: Path) -> None:
    """--password-stdin takes all of standard input, less one newline."""
    done = sasldb("add", "-f", "db", "alice@x", "--password-stdin", stdin=b" se cret \n")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"added alice@x\n", b"sasldb: made db\n")
    assert stored(tmp_path) == b" se cret "


@pytest.mark.parametrize("data", [b"secret\r\n", b"secret\nmore\n", b"sec\0ret", b"\n", b""])
@pytest.mark.parametrize("source", ["stdin", "file", "fd"])
def test_mistakes_of_scripts(sasldb: Sasldb, tmp_path: Path, data: bytes, source: str) -> None:
    """What a script hands over by mistake is refused, wherever it comes from; the message does not show it."""
    (tmp_path / "password").write_bytes(data)
    (tmp_path / "password").chmod(0o600)
    option = {"stdin": "--password-stdin", "file": "--password-file=password", "fd": "--password-fd=0"}[source]
    done = sasldb("add", "-f", "db", "alice@x", option, stdin=data)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"sasldb: password: ") and b"sec" not in done.stderr
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize("option", ["--password-stdin", "--password-file=empty", "--password-fd=0"])
def test_the_password_comes_first(sasldb: Sasldb, tmp_path: Path, option: str) -> None:
    """A password that nobody has to type is looked at before the user is, so that its mistakes are told where both are wrong."""
    make_database(tmp_path / "db", ALICE)
    (tmp_path / "empty").touch(0o600)
    done = sasldb("add", "-f", "db", "alice@x", option, stdin=b"\n")
    assert (done.returncode, done.stderr) == (3, b"sasldb: password: it is empty\n")


def test_raw(sasldb: Sasldb, tmp_path: Path) -> None:
    """--raw takes every byte, and still no NUL, for libsasl would cut there."""
    sasldb("add", "-f", "db", "alice@x", "--password-stdin", "--raw", stdin=b"a\r\nb\n")
    assert stored(tmp_path) == b"a\r\nb\n"
    done = sasldb("add", "-f", "db", "bob@x", "--password-stdin", "--raw", stdin=b"a\0b")
    assert (done.returncode, done.stderr) == (3, b"sasldb: bob@x: a NUL in the password, where libsasl would cut it\n")


def test_file(sasldb: Sasldb, tmp_path: Path) -> None:
    """--password-file reads a file, and warns if everybody may."""
    (tmp_path / "password").write_bytes(b"secret\n")
    (tmp_path / "password").chmod(0o604)
    done = sasldb("add", "-f", "db", "alice@x", "--password-file", "password")
    assert done.returncode == 0 and stored(tmp_path) == b"secret"
    assert b"sasldb: password: everybody may read this password; run: chmod o= password\n" in done.stderr
    absent = sasldb("passwd", "-f", "db", "alice@x", "--password-file", "absent")
    assert (absent.returncode, absent.stderr) == (3, b"sasldb: absent: No such file or directory\n")


def test_pipe_as_file(commands: Commands, tmp_path: Path) -> None:
    """A shell's process substitution serves as a file, without a warning."""
    script = f"{commands.sasldb} add -f db alice@x --password-file <(printf 'secret\\n')"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"sasldb: made db\n")
    assert stored(tmp_path) == b"secret"


def test_descriptor(commands: Commands, tmp_path: Path) -> None:
    """--password-fd reads a descriptor that was handed over."""
    reading, writing = os.pipe()
    os.write(writing, b"secret\n")
    os.close(writing)
    argv = [commands.sasldb, "add", "-f", "db", "alice@x", "--password-fd", str(reading)]
    done = subprocess.run(argv, cwd=tmp_path, pass_fds=[reading], capture_output=True, timeout=30, check=False)
    os.close(reading)
    assert done.returncode == 0 and stored(tmp_path) == b"secret"


@pytest.mark.parametrize("number", ["3", "17", "-1", "99999999999999999999", "x"])
def test_descriptor_of_nobody(sasldb: Sasldb, number: str) -> None:
    """A descriptor that nobody handed over is a wrong call, also where the interpreter has one of that number."""
    done = sasldb("add", "-f", "db", "alice@x", f"--password-fd={number}")
    assert (done.returncode, done.stdout) == (2, b"") and b"--password-fd" in done.stderr


def test_a_source_does_not_show_itself() -> None:
    """A source in a log or a traceback tells nothing of where the password is."""
    assert repr(PasswordSource("/run/secret-name", None, False)) == "PasswordSource(...)"


@pytest.mark.parametrize(
    "options",
    [
        ["--password-stdin", "--password-fd=0"],
        ["--password-file=x", "--password-stdin"],
        ["--generate", "--password-file=x"],
        ["--generate=9", "--password-fd=0"],
    ],
)
def test_one_source(sasldb: Sasldb, options: list[str]) -> None:
    """More than one source is a wrong call."""
    done = sasldb("add", "-f", "db", "alice@x", *options, stdin=b"secret\n")
    assert done.returncode == 2 and b"more than one source" in done.stderr


@pytest.mark.parametrize("option, length", [("--generate", 20), ("--generate=40", 40)])
@pytest.mark.parametrize("command", ["add", "passwd"])
def test_generate(sasldb: Sasldb, tmp_path: Path, option: str, length: int, command: str) -> None:
    """A made-up password is all that is on standard output, and is the one that is stored; the user may stand behind the option."""
    make_database(tmp_path / "db", ALICE if command == "passwd" else {})
    done = sasldb(command, "-f", "db", option, "alice@x")
    assert done.returncode == 0 and done.stderr.endswith(b" alice@x\n") and done.stderr.count(b"\n") == 1
    assert done.stdout == stored(tmp_path) + b"\n" and len(done.stdout) == length + 1


def test_generate_is_for_words_before_the_dashes(sasldb: Sasldb, tmp_path: Path) -> None:
    """Behind -- the word is a user's name."""
    assert sasldb("add", "-f", "db", "-u", "x", "--password-stdin", "--", "--generate", stdin=b"pw").returncode == 0
    assert stored(tmp_path, "--generate@x") == b"pw"


@pytest.mark.parametrize("length", ["7", "257", "many", ""])
def test_generate_length(sasldb: Sasldb, length: str) -> None:
    """A length that no password should have is a wrong call."""
    done = sasldb("add", "-f", "db", f"--generate={length}", "alice@x")
    assert (done.returncode, done.stdout) == (2, b"") and b"--generate" in done.stderr


def test_generate_in_a_dry_run(sasldb: Sasldb, tmp_path: Path) -> None:
    """A dry run prints no password: it would not be anybody's."""
    done = sasldb("add", "-f", "db", "--generate", "--dry-run", "alice@x")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr == b"sasldb: would make db\nsasldb: would add alice@x\n" and os.listdir(tmp_path) == []


def test_not_printed_if_it_failed(sasldb: Sasldb, tmp_path: Path) -> None:
    """A made-up password that was not stored is not printed."""
    make_database(tmp_path / "db", ALICE)
    done = sasldb("add", "-f", "db", "--generate", "alice@x")
    assert (done.returncode, done.stdout) == (3, b"")


@pytest.mark.parametrize("command, user", [("add", "bob@x"), ("passwd", "alice@x")])
def test_not_printed_if_it_was_not_stored(commands: Commands, tmp_path: Path, command: str, user: str) -> None:
    """So it is where writing fails, after all that could be looked at before was right."""
    make_database(tmp_path / "db", ALICE)

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    argv = [commands.sasldb, command, "-f", "db", "--generate", user]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, timeout=30, preexec_fn=small, check=False)
    assert (done.returncode, done.stdout) == (3, b"") and b"File too large" in done.stderr
    assert stored(tmp_path) == b"old"


RICH = {
    b"alice\0x\0userPassword": b"old",
    b"alice\0x\0authPassword": scram.make(b"old"),
    b"alice\0x\0homeDirectory": b"/home/alice",
    b"alice\0x\0cmusaslsecretCRAM-MD5": b"of long ago",
    b"bob\0x\0userPassword": b"builder",
}


@pytest.mark.parametrize("options", [[], ["--no-plaintext"]], ids=["as it was", "no plaintext"])
@pytest.mark.parametrize("reader", ["full", "gone", "closed"])
@pytest.mark.parametrize("command, user", [("add", "carol@x"), ("passwd", "alice@x")])
def test_not_stored_if_it_was_not_printed(
    commands: Commands, tmp_path: Path, command: str, user: str, reader: str, options: list[str]
) -> None:
    """A generated password that nobody could read is not left behind: every property of the user is what it was."""
    make_database(tmp_path / "db", RICH)
    line = {"full": ">/dev/full", "gone": "| true", "closed": ">&-"}[reader]
    code = f'set -o pipefail; (sleep 0.2; exec "$@") {line}; exit $?'
    argv = ["bash", "-c", code, "bash", commands.sasldb, command, "-f", "db", "--generate", *options, user]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, timeout=30, check=False)
    assert done.returncode == (128 + signal.SIGPIPE if reader == "gone" else 3)
    with library.open(str(tmp_path / "db")) as database:
        assert dict(database.records()) == RICH


def test_a_database_that_was_made_for_it_stays_and_is_told(commands: Commands, tmp_path: Path) -> None:
    """Where the password of the first user cannot be printed, the new database is left, empty, and named."""
    with open("/dev/full", "wb") as full:
        argv = [commands.sasldb, "add", "-f", "db", "--generate", "alice@x"]
        done = subprocess.run(argv, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=30, check=False)
    told = b"sasldb: made db\nsasldb: standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (3, told)
    with library.open(str(tmp_path / "db")) as database:
        assert dict(database.records()) == {}


def test_verify_asks_once(commands: Commands, tmp_path: Path) -> None:
    """A password that is only checked is asked for once, and the question is not in the output."""
    make_database(tmp_path / "db", ALICE)
    done = talk(commands, tmp_path, ["verify", "-f", "db", "--json", "alice@x"], PROMPT, b"old\n", piped=True)
    assert done.status == 0 and b"Again" not in done.shown
    assert json.loads(done.piped)["verdict"] == "ok"
