"""What others can name, and no command lets reach a terminal as it is: users, files, arguments, processes, what a server says."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.compat.terminal import Terminal
from tests.cli.conftest import make_database
from tests.conftest import ROOT, Commands, CyrusTools
from tests.login.servers import Peer, Server

RED = "\x1b[31m"
EVIL = RED + "\r\x07\x9b\u202e\n\udcff"  # as text; U+009B begins a sequence in eight bits, U+202E turns the line round
NAME = os.fsencode(EVIL)
USERS = {
    NAME + b"\0R\0userPassword": b"secret",
    b"alice\0" + NAME + b"\0userPassword": b"other",
    b"bob\0R\0" + NAME: b"secret",
    NAME: b"malformed",
}
LISTED = [NAME + b"@R: userPassword", b"alice@" + NAME + b": userPassword", b"bob@R: " + NAME]
SHOWN = rb"\x1b[31m\x0d\x07\xc2\x9b\xe2\x80\xae\x0a\xff"
RAW = [RED.encode(), b"\x07", b"\xc2\x9b", "\u202e".encode(), b"\xff"]
WAITING = (  # the clock runs a hundred times as fast, from when the command waits for its lock
    "import sys, time; sys.path.insert(0, {root!r}); clock = time.monotonic\n"
    "time.monotonic = lambda: 100 * clock()\n"
    "from sasldb.cli.{module} import main\n"
    "sys.exit(main({arguments}))\n"
)


def on_a_terminal(directory: Path, program: str, *arguments: str) -> bytes:
    """Run `program` with a terminal as all its streams and return what it shows; nothing is typed there."""
    environ = {"PATH": "/usr/bin:/bin", "SASL_CONF_PATH": "none", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    return Terminal(program, [program, *arguments], directory, environ).play().shown


def harmless(shown: bytes) -> bool:
    """Tell whether nothing but lines of printable text was shown."""
    text = shown.replace(b"\r\n", b"\n").decode("utf-8", "surrogateescape")
    return all(character.isprintable() or character == "\n" for character in text)


CALLS: dict[str, list[str]] = {
    "list": ["list", "-f", "db"],
    "list, CSV": ["list", "-f", "db", "--csv"],
    "list, JSON": ["list", "-f", "db", "--json"],
    "list, passwords": ["list", "-f", "db", "--show-passwords"],
    "count": ["count", "-f", "db"],
    "show": ["show", "-f", "db", f"{EVIL}@R"],
    "show nobody": ["show", "-f", "db", EVIL],
    "add": ["add", "-f", "db", "--password-file", "secret", f"new{EVIL}@R"],
    "add again": ["add", "-f", "db", "--password-file", "secret", f"{EVIL}@R"],
    "passwd": ["passwd", "-f", "db", "--password-file", "secret", f"{EVIL}@R"],
    "passwd, no such file": ["passwd", "-f", "db", "--password-file", EVIL, f"{EVIL}@R"],
    "delete": ["delete", "-f", "db", f"{EVIL}@R", f"alice@{EVIL}"],
    "rename": ["rename", "-f", "db", f"{EVIL}@R", f"other{EVIL}"],
    "rename-realm": ["rename-realm", "-f", "db", EVIL, f"{EVIL}2"],
    "rename-realm, taken": ["rename-realm", "-f", "db", EVIL, EVIL],
    "copy-realm": ["copy-realm", "-f", "db", EVIL, f"{EVIL}2"],
    "harden": ["harden", "-f", "db", "--all"],
    "audit": ["audit", "-f", "db", "--local-domain", "R"],
    "diff": ["diff", "db", "other"],
    "diff, no such file": ["diff", "db", EVIL],
    "verify": ["verify", "-f", "db", "--password-file", "secret", f"{EVIL}@R"],
    "verify, nobody": ["verify", "-f", "db", "--password-file", "secret", f"none{EVIL}@R"],
    "verify a batch": ["verify", "-f", "db", "--batch", "batch"],
    "resolve": ["resolve", "-f", "db", "--local-domain", EVIL, "alice", f"{EVIL} @R"],
    "apply": ["apply", "-f", "db", "--diff", "state.json"],
    "apply, a bad file": ["apply", "-f", "db", f"{EVIL}.json"],
    "apply, no such file": ["apply", "-f", "db", f"none{EVIL}"],
    "apply, a directory": ["apply", "-f", "db", "--realm", EVIL, "state.d"],
    "init, no directory": ["init", "-f", f"{EVIL}/db"],
    "init, there already": ["init", "-f", f"{EVIL}.db"],
    "a name of no database": ["list", "-f", f"{EVIL}.json"],
    "a link to nowhere": ["delete", "-f", f"{EVIL}.link", "alice@R"],
    "an application": ["list", "-a", EVIL],
    "an owner": ["init", "-f", "new", "--owner", EVIL],
    "no such command": [EVIL],
    "no such option": ["list", f"--{EVIL}"],
    "no such choice": ["add", "-f", "db", "--scram", EVIL, "alice@R"],
    "a surplus argument": ["init", EVIL],
    "no number": ["add", "-f", "db", f"--generate={EVIL}", "alice@R"],
    "an address": ["login", EVIL, "alice", "--password-file", "secret"],
    "a CA": ["login", "smtps://127.0.0.1:9", EVIL, "--password-file", "secret", "--ca-file", EVIL],
    "testsaslauthd": ["testsaslauthd", "-u", EVIL, "-p", "secret", "-f", EVIL],
    "testsaslauthd, no such option": ["testsaslauthd", f"-{EVIL}"],
    "postfix check": ["postfix", "check", "-f", f"{EVIL}.db", "-c", EVIL],
    "postfix check, no file": ["postfix", "check", "-f", f"none{EVIL}"],
    "postfix check of an application": ["postfix", "check", "-f", f"{EVIL}.db", "-a", EVIL],
    "postfix setup": ["postfix", "setup", "--dry-run", "-c", EVIL, "-f", f"{EVIL}.db"],
    "postfix client": ["postfix", "client", "--dry-run", "-c", EVIL, "--password-file", "secret", EVIL, EVIL],
    "completion": ["completion", EVIL],
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory in which everything has such a name, or such names in it."""
    make_database(tmp_path / "db", USERS)
    make_database(tmp_path / f"{EVIL}.db", USERS)
    make_database(tmp_path / "other", {b"bob\0" + NAME + b"2\0userPassword": b"x"})
    (tmp_path / f"{EVIL}.link").symlink_to(f"none{EVIL}")
    files = {
        "secret": b"secret\n",
        "batch": NAME.replace(b"\n", b"").replace(b"\r", b"") + b"@R\tsecret\n",
        "state.json": json.dumps({"realm": EVIL, "users": [{"name": "carol", "password": "x"}]}).encode(),
        f"{EVIL}.json": b'{"' + RED.encode().replace(b"\x1b", b"\\u001b") + b'": 1}',
        "state.d/carol": b"x\n",
        f"{EVIL}/main.cf": b"mynetworks = 127.0.0.1\nmyhostname = %b\nsmtpd_sasl_local_domain = %b\n"
        % (RED.encode(), RED.encode()),
        f"{EVIL}/master.cf": b"smtp inet n - n - - smtpd\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_command_shows_text(call: list[str], place: Path, commands: Commands) -> None:
    """Whatever is named, and whatever comes of it, a terminal gets printable characters and line ends."""
    shown = on_a_terminal(place, commands.sasldb, *call)
    assert shown and harmless(shown), shown
    assert b"Traceback" not in shown


@pytest.mark.parametrize("verbose", [[], ["-v"]], ids=["", "verbose"])
@pytest.mark.parametrize("words", [b"220 %b\r\n", b"554 %b\r\n", b"%b\r\n", b"220-%b\r\n220 %b\r\n"])
def test_what_a_server_says(words: bytes, verbose: list[str], place: Path, commands: Commands) -> None:
    """So it is with the words of a server that somebody else runs, in the transcript too."""
    text = NAME.replace(b"\r", b"").replace(b"\n", b"")

    def talk(peer: Peer) -> None:
        peer.say(words.replace(b"%b", text))
        while line := peer.hear():
            offer = b"250-%b\r\n250 AUTH PLAIN %b\r\n" % (text, text)
            peer.say(offer if line.startswith(b"EHLO") else b"535 %b\r\n" % text)

    with Server(talk, talk) as server:
        address = f"smtp://127.0.0.1:{server.port}"
        call = ["login", address, "alice", "--password-file", "secret", "--pace", "0", "-f", "db", *verbose]
        shown = on_a_terminal(place, commands.sasldb, *call)
    assert b"x1b[31m" in shown and harmless(shown), shown


def test_the_list_on_a_terminal(place: Path, commands: Commands) -> None:
    """Difference 9: on a terminal sasldblistusers2 writes as \\xNN what does not print, one record a line."""
    shown = on_a_terminal(place, commands.sasldblistusers2, "db")
    told = b"sasldblistusers2: 1 record with a malformed key not listed"
    assert sorted(shown.splitlines()) == sorted([told, *(line.replace(NAME, SHOWN) for line in LISTED)])


def test_the_list_in_a_pipe(place: Path, commands: Commands, cyrus: CyrusTools) -> None:
    """In a pipe, and in a file, are exactly the bytes that the real tool gives; the error goes to the terminal all the same."""
    make_database(place / "sound", {key: value for key, value in USERS.items() if key != NAME})
    argv = [commands.sasldblistusers2, "sound"]
    ours, real = (
        subprocess.run([program, "sound"], cwd=place, capture_output=True, timeout=30, check=True).stdout
        for program in (commands.sasldblistusers2, cyrus.sasldblistusers2)
    )
    assert sorted(ours.split(b"\n")) == sorted(real.split(b"\n"))
    assert all(line + b"\n" in ours for line in LISTED)
    with open(place / "file", "wb") as file:
        subprocess.run(argv, cwd=place, stdout=file, timeout=30, check=True)
    assert (place / "file").read_bytes() == ours


@pytest.mark.parametrize("program", ["saslpasswd2", "sasldblistusers2"])
def test_a_usage_error_of_a_drop_in(program: str, place: Path, commands: Commands, cyrus: CyrusTools) -> None:
    """A word that looks like an option, as a file's name may, is escaped on a terminal; a pipe gets what the real tool says."""
    shown = on_a_terminal(place, getattr(commands, program), f"-{EVIL}")
    usage = shown.replace(b"\t", b"")
    assert rb"invalid option -- '\x1b'" in shown and harmless(usage), shown
    said = [
        subprocess.run([path, f"-{EVIL}"], cwd=place, capture_output=True, check=False, timeout=30).stderr
        for path in (getattr(commands, program), getattr(cyrus, program))
    ]
    ours, real = ([line.partition(b": ")[2] for line in text.splitlines() if b"invalid" in line] for text in said)
    assert ours == real and b"invalid option -- '\x1b'" in ours


@contextmanager
def holder(path: Path, name: bytes) -> Iterator[int]:
    """Have another process, which calls itself `name`, hold the lock of the file `path`; yield its number."""
    ready, holding = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with open("/proc/self/comm", "wb") as comm:
                comm.write(name)
            fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX)
            os.write(holding, b"x")
            signal.pause()
        finally:
            os._exit(0)
    os.close(holding)
    try:
        assert os.read(ready, 1) == b"x"
        yield child
    finally:
        os.close(ready)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize("piped", [False, True], ids=["terminal", "pipe"])
@pytest.mark.parametrize("program", ["saslpasswd2", "sasldb"])
def test_who_holds_the_lock(program: str, piped: bool, place: Path) -> None:
    """A process may call itself what it likes: the message that it holds the lock says so in printable characters."""
    if program == "sasldb":
        module, arguments = "main", "['delete', '-f', 'db', 'bob@R']"
    else:
        module, arguments = "compat.saslpasswd2", "[b'/x/saslpasswd2', b'-d', b'-f', b'db', b'bob@R']"
    code = WAITING.format(root=str(ROOT), module=module, arguments=arguments)
    with holder(place / "db", b"\x1b[2J\x07\xff\n evil") as child:
        if piped:
            argv = [sys.executable, "-c", code]
            environ = {"PATH": "/usr/bin:/bin", "SASL_CONF_PATH": "none"}
            done = subprocess.run(argv, cwd=place, env=environ, capture_output=True, timeout=30, check=False)
            shown = done.stderr
        else:
            shown = on_a_terminal(place, sys.executable, "-c", code)
    assert rb"process %d (\x1b[2J\x07\xff\x0a evil)" % child in shown and harmless(shown), shown
