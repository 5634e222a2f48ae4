"""Completion, typed into real shells: commands, options, files, and the users and realms of the database at hand."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Sasldb, make_database
from tests.conftest import ROOT, Require

USERS = {
    b"alice\0example.com\0userPassword": b"x",
    b"alice\0example.org\0userPassword": b"x",
    b"bob\0example.org\0authPassword": b"x",
}
STARTS = {
    "bash": (["bash", "--noprofile", "--norc", "-i"], "source <(sasldb completion bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -u -D; source <(sasldb completion zsh)"),
    "fish": (["fish", "--no-config", "--private"], "sasldb completion fish | source"),
}
PATIENCE = 20.0  # seconds
READY = "now ready"


class Shell:
    """An interactive shell on a pseudo-terminal in `directory`, with the completion script loaded."""

    def __init__(self, name: str, directory: Path) -> None:
        """Start the shell `name`."""
        argv, load = STARTS[name]
        self._pid, self._terminal = os.forkpty()
        if self._pid == 0:
            os.chdir(directory)
            environment = {
                "PATH": f"{ROOT}/bin:/usr/bin:/bin",
                "TERM": "dumb",
                "HOME": str(directory),
                "LC_ALL": "C.UTF-8",
            }
            os.execvpe(argv[0], argv, environment)
        self.type(f"{load}; echo now\\ ready\n")
        self.expect(READY)

    def type(self, keys: str) -> None:
        """Type `keys`."""
        os.write(self._terminal, keys.encode())

    def expect(self, text: str) -> None:
        """Wait until the terminal shows `text`."""
        shown = b""
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in shown:
            if time.monotonic() > deadline or not select.select([self._terminal], [], [], 1)[0]:
                if time.monotonic() > deadline:
                    raise AssertionError(f"no {text!r} in {shown!r}")
                continue
            shown += os.read(self._terminal, 65536)

    def close(self) -> None:
        """End the shell."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)


TYPED = (
    ("sasldb show -f db bo\t\n", "bob@example.org"),
    ("sasldb show -f db alice@example.c\t\n", "alice@example.com\r\n"),
    ("sasldb coun\t-f db -u example.o\t\n", "2\r\n"),
    ("sasldb count -f d\t\n", "3\r\n"),
    ("sasldb count --real\texample.com -f db\n", "1\r\n"),
)


@pytest.mark.parametrize("name", STARTS)
def test_typed(require: Require, tmp_path: Path, name: str) -> None:
    """A user, what stands behind its @, a command and a realm, a file, an option: what is completed runs, and does what it says."""
    require("shells", name)
    make_database(tmp_path / "db", USERS)
    shell = Shell(name, tmp_path)
    try:
        for keys, shown in TYPED:
            shell.type(keys)
            shell.expect(shown)
            shell.type("echo now\\ ready\n")
            shell.expect(READY)
    finally:
        shell.close()


def offered(sasldb: Sasldb, line: str, word: str) -> list[str]:
    """Return what is offered to bash for `line`, of which bash takes `word` for the word to complete."""
    done = sasldb(env={"_SASLDB_COMPLETE": "bash_complete", "_SASLDB_LINE": line, "_SASLDB_WORD": word})
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().split()


@pytest.mark.parametrize(
    "line, word, names",
    [
        ("sasldb pass", "pass", ["plain,passwd"]),
        ("sasldb passwd -f db ", "", ["plain,alice@example.com", "plain,alice@example.org", "plain,bob@example.org"]),
        ("sasldb passwd -f db alice@", "@", ["plain,@example.com", "plain,@example.org"]),
        ("sasldb delete -f db bob@example.org al", "al", ["plain,alice@example.com", "plain,alice@example.org"]),
        ("sasldb delete -u example.org -f db ", "", ["plain,alice", "plain,bob"]),
        ("sasldb rename-realm -f db e", "e", ["plain,example.com", "plain,example.org"]),
        ("sasldb list -f db -u ", "", ["plain,example.com", "plain,example.org"]),
        ("/usr/bin/sasldb show -f db b", "b", ["plain,bob@example.org"]),
        ("sasldb show -f ", "", ["file"]),
        ("sasldb show -f absent a", "a", []),
        ("sasldb show -f text a", "a", []),
        ('sasldb show -f db "bob@ex', "bob@ex", ["plain,bob@example.org"]),
    ],
)
def test_offers(sasldb: Sasldb, tmp_path: Path, line: str, word: str, names: list[str]) -> None:
    """The users or realms of the database that the line names; nothing where it cannot be read."""
    make_database(tmp_path / "db", USERS)
    (tmp_path / "text").write_text("no database\n" * 500)
    assert offered(sasldb, line, word) == names


def test_names_that_a_shell_would_run(sasldb: Sasldb, tmp_path: Path) -> None:
    """A name that a shell could take for more than a word is not offered."""
    wild = [
        "$(reboot)",
        "`reboot`",
        "a;reboot",
        "a b",
        "a|b",
        "-f",
        "--help",
        "~root",
        "a*",
        "a\nb",
        "a'b",
        "a\\b",
        "!!",
        "a&b",
    ]
    harmless = ["ok", "jürgen", "a.b+c_d-e"]
    make_database(tmp_path / "db", {f"{name}\0x\0userPassword".encode(): b"x" for name in wild + harmless})
    assert offered(sasldb, "sasldb show -f db ", "") == sorted(f"plain,{name}@x" for name in harmless)


def test_unreadable_database(sasldb: Sasldb, open_path: Path, public_bin: str) -> None:
    """A user who may not read the database is offered nothing of it, without a complaint."""
    make_database(open_path / "db", USERS)
    (open_path / "db").chmod(0)
    if os.geteuid() == 0:
        line = 'cd "$1" && exec setpriv --reuid=65534 --clear-groups "$2"'
        environment = {
            "PATH": "/usr/bin:/bin",
            "_SASLDB_COMPLETE": "bash_complete",
            "_SASLDB_LINE": "sasldb show -f db a",
        }
        argv = ["sh", "-c", line, "sh", str(open_path), f"{public_bin}/sasldb"]
        done = subprocess.run(argv, env=environment, capture_output=True, timeout=30, check=False)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"", b"")
    else:
        assert offered(sasldb, "sasldb show -f db a", "a") == []


@pytest.mark.parametrize("instruction", ["bash_source", "tcsh_complete", "", "nonsense"])
def test_strange_instructions(sasldb: Sasldb, instruction: str) -> None:
    """An instruction that no script of ours gives is answered with nothing."""
    done = sasldb("list", env={"_SASLDB_COMPLETE": instruction})
    assert (done.returncode, done.stdout) == (0, b"")


def test_unknown_shell(sasldb: Sasldb) -> None:
    """For another shell there is no script."""
    assert sasldb("completion", "tcsh").returncode == 2
