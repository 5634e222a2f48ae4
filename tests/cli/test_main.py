"""sasldb itself: help, version, exit status, and how it ends when something goes wrong around it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sasldb as library
from sasldb.cli.rendering import telling_of
from sasldb.errors import ReportLost
from tests.cli.conftest import Sasldb, make_database
from tests.conftest import Commands

ALICE = {b"alice\0example.com\0userPassword": b"secret"}


def test_version(sasldb: Sasldb) -> None:
    """--version names the program, the project and the version, on stdout, and ends with 0."""
    done = sasldb("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"sasldb (sasldb) ") and done.stdout.count(b"\n") == 1


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_in_sections(sasldb: Sasldb, word: str) -> None:
    """--help names each command in its section, on stdout, and ends with 0."""
    done = sasldb(word)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\nUsers:\n  add " in done.stdout and b"\n  list          List the users" in done.stdout
    assert b"\nDatabase:\n  init " in done.stdout


@pytest.mark.parametrize(
    "arguments, message, help_of",
    [
        ([], "Missing command.", "sasldb"),
        (["no-such"], "No such command 'no-such'.", "sasldb"),
        (["list", "--no-such"], "No such option '--no-such'.", "sasldb list"),
        (["init", "surplus"], "Got unexpected extra argument (surplus)", "sasldb init"),
        (["init", "--mode", "0666"], "mode 0666: the file holds passwords", "sasldb init"),
        (["init", "--owner", "no such user"], "owner no such user: no such name on this host", "sasldb init"),
    ],
    ids=["no command", "unknown command", "unknown option", "surplus argument", "mode for others", "unknown owner"],
)
def test_wrong_calls(sasldb: Sasldb, arguments: list[str], message: str, help_of: str) -> None:
    """A wrong call ends with 2, says what is wrong and where help is, and prints nothing on stdout."""
    done = sasldb(*arguments)
    lines = done.stderr.decode().replace(": --no-such", " '--no-such'").splitlines()  # click before and after 8.2
    assert (done.returncode, done.stdout) == (2, b"")
    assert lines[0].startswith(f"sasldb: {message}")
    assert lines[1:] == [f"sasldb: for help, run: {help_of} --help"]


def test_failure(sasldb: Sasldb) -> None:
    """An operation that fails ends with 3 and one line, without a traceback."""
    done = sasldb("list", "-f", "absent")
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr == b"sasldb: absent: no such file; to make it, run: sasldb init -f absent\n"


def test_failure_shows_no_control_character(sasldb: Sasldb) -> None:
    """What does not print in a path is escaped in the message."""
    done = sasldb("list", "-f", b"\x1b[31m\xff\n")
    assert done.stderr.startswith(rb"sasldb: \x1b[31m\xff\x0a: no such file")


def many_users(path: Path) -> None:
    """Make a database whose list is longer than a pipe holds."""
    make_database(path, {b"user%d\0example.com\0userPassword" % number: b"x" for number in range(20_000)})


def test_reader_who_goes_away(commands: Commands, tmp_path: Path) -> None:
    """When nobody reads the list any more, the command ends by SIGPIPE, quietly."""
    many_users(tmp_path / "db")
    argv = [commands.sasldb, "list", "-f", "db"]
    with subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == -signal.SIGPIPE


def test_interrupt(commands: Commands, tmp_path: Path) -> None:
    """^C ends the command by SIGINT, quietly."""
    many_users(tmp_path / "db")
    argv = [commands.sasldb, "list", "-f", "db"]
    with subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()  # it is at work now, and will wait for us to read on
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == b""
        assert process.returncode == -signal.SIGINT


@pytest.mark.parametrize("arguments", [["list", "-f", "db"], ["--version"], ["init", "-f", "new"]], ids=lambda a: a[0])
def test_full_output(commands: Commands, tmp_path: Path, arguments: list[str]) -> None:
    """Output that cannot be written is a failure, told in one line, and not that of a change that was made."""
    make_database(tmp_path / "db", ALICE)
    with open("/dev/full", "wb") as full:
        argv = [commands.sasldb, *arguments]
        done = subprocess.run(argv, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=30, check=False)
    made = arguments[0] == "init"
    told = b"; the change was made and stands" if made else b""
    assert done.returncode == (1 if made else 3)
    assert done.stderr == b"sasldb: standard output: No space left on device" + told + b"\n"


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_closed_descriptors(commands: Commands, tmp_path: Path, closed: int) -> None:
    """With a standard descriptor closed, the database is not written into as if it were one, and stays whole."""
    script = f'exec {closed}>&-; exec "$@"'
    argv = ["sh", "-c", script, "sh", commands.sasldb, "init", "-f", "db"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, timeout=30, check=False)
    assert done.returncode == (1 if closed == 1 else 0)
    content = (tmp_path / "db").read_bytes()
    assert len(content) == 12288 and b"sasldb" not in content and b"made" not in content


@pytest.mark.parametrize("lost", ["2>&-", "2>/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full"])
@pytest.mark.parametrize("file, status", [("absent", 3), ("--no-such", 2), ("new", 0)])
def test_lost_errors(commands: Commands, tmp_path: Path, file: str, status: int, lost: str) -> None:
    """The exit status is the same where nobody can read what standard error has to say."""
    tmp_path.chmod(0o777)  # which is warned of
    arguments = {"absent": "list -f absent", "--no-such": "--no-such", "new": "init -f new"}[file]
    argv = ["sh", "-c", f'exec "$0" {arguments} {lost}', commands.sasldb]
    done = subprocess.run(argv, cwd=tmp_path, stdout=subprocess.DEVNULL, timeout=30, check=False)
    assert done.returncode == (1 if file == "new" and lost.startswith(">") else status)


def test_nothing_but_the_commands_is_loaded(commands: Commands) -> None:
    """--help loads neither the commands nor libdb."""
    argv = [os.path.realpath("/usr/bin/python3"), "-I", "-X", "importtime", commands.sasldb, "--help"]
    done = subprocess.run(argv, capture_output=True, timeout=30, check=True)
    loaded = {row.rpartition(b"|")[2].strip() for row in done.stderr.splitlines()}
    assert b"sasldb.cli.main" in loaded
    assert loaded & {b"sasldb.cli.commands.init", b"sasldb.cli.commands.listing", b"sasldb.cli.options"} == set()
    assert loaded & {b"berkeleydb", b"sasldb.store.reading"} == set()


def test_an_empty_path_is_no_default(commands: Commands, tmp_path: Path) -> None:
    """`-f "$UNSET"` is a wrong call, and not leave to change the system's own database."""
    argv = [commands.sasldb, "add", "-f", "", "--generate", "alice@example.com"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, timeout=30, check=False)
    assert done.returncode == 2 and done.stdout == b"" and b"empty path" in done.stderr


@pytest.mark.parametrize("command", ["add", "passwd"])
def test_a_made_up_password_that_nobody_reads_is_not_stored(commands: Commands, tmp_path: Path, command: str) -> None:
    """Where it cannot be printed, nothing is changed; exit status 3."""
    make_database(tmp_path / "db", ALICE)
    user = "new@example.com" if command == "add" else "alice@example.com"
    with open("/dev/full", "wb") as full:
        argv = [commands.sasldb, command, "-f", "db", "--generate", user]
        done = subprocess.run(argv, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (3, b"sasldb: standard output: No space left on device\n")
    with library.open(str(tmp_path / "db")) as database:
        assert dict(database.records()) == ALICE


def test_a_change_that_cannot_be_told_stands(commands: Commands, tmp_path: Path) -> None:
    """When standard output is full after a change, the status is 1 and the words say that it stands."""
    make_database(tmp_path / "db", ALICE)
    with open("/dev/full", "wb") as full:
        argv = [commands.sasldb, "delete", "-f", "db", "alice@example.com"]
        done = subprocess.run(argv, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=30, check=False)
    assert done.returncode == 1 and b"the change was made and stands" in done.stderr
    listed = subprocess.run([commands.sasldb, "list", "-f", "db"], cwd=tmp_path, capture_output=True, check=True)
    assert b"alice" not in listed.stdout


def test_without_dev_null(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there is no /dev/null, what could not be printed stays the error that is reported."""
    monkeypatch.setattr(os, "devnull", str(tmp_path / "missing"))
    full = open("/dev/full", "w", encoding="utf-8")  # what is left in it fails again when it is closed
    monkeypatch.setattr(sys, "stdout", full)
    with pytest.raises(ReportLost), telling_of(changed=True):
        print("done")
    with pytest.raises(OSError):
        full.close()
