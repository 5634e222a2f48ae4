"""The two sides of a comparison: one case, run by the real tool and by ours, each in a fresh directory of the same content.

`main` is the program that runs inside the private namespaces: it reads pickled cases on stdin and answers each with its outcomes. Both tools get the same argv[0], so every message must come out the same.
"""

from __future__ import annotations

import grp
import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.compat.records import load, meaning

ROOT = Path(__file__).resolve().parents[3]
CHECKOUT = Path("/etc/sasldb-checkout")  # of the private /etc: there nobody may enter it, wherever the checkout lies
PLUGINS = "/usr/lib/x86_64-linux-gnu/sasl2"
CONF = "conf"  # what SASL_CONF_PATH is in every case that does not say otherwise
LONG_AGO = 1_000_000_000  # seconds since the epoch
PATIENCE = 20.0  # seconds
_POSTFIX = "postfix" if "postfix" in [entry.gr_name for entry in grp.getgrall()] else "root"
Values = Mapping[bytes, object]  # key -> the value's bytes, or its meaning
Pieces = tuple[tuple[float, bytes], ...]


@dataclass(frozen=True)
class Case:
    """One call and its surroundings.

    Attributes:
        name: what is tried. tool: which command. args: its arguments.
        stdin: the bytes that it reads, or pieces with the pause (seconds) before each. channel: what stdin is (see CHANNELS).
        files: path -> content, relative to the working directory or below /etc; a str is a link's target, None a directory.
        conf: content of saslpasswd.conf. environ: more variables (None removes). hostname: the host's name. nobody: run as that user.
        password: what the stored secrets should be made of. differs: names of the deliberate differences that apply.
    """

    name: str
    args: tuple[bytes, ...]
    tool: str = "saslpasswd2"
    stdin: bytes | Pieces = b"pw\n"
    channel: str = "pipe"
    files: Mapping[str, bytes | str | None] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    conf: bytes | None = None
    environ: Mapping[str, str | None] = field(default_factory=dict)
    hostname: str = "vm"
    nobody: bool = False
    password: bytes = b"pw"
    differs: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What a run came to. `databases`: path -> values, of every file that is a database; `others`: path -> content or target."""

    status: int
    stdout: bytes
    stderr: bytes
    databases: dict[str, Values]
    others: dict[str, bytes]
    before: dict[str, Values]
    others_before: dict[str, bytes]


class Run:
    """One side of a case, under way in a directory of its own."""

    def __init__(self, case: Case, ours: bool, home: Path) -> None:
        """Lay out `home`, which is made anew, and start the command there."""
        self._case = case
        self._home = home
        _lay_out(case, home)
        self._before = _left(home, case.password)
        launcher = str(CHECKOUT / "bin" / case.tool)
        nobody = {"user": 65534, "group": 65534, "extra_groups": []} if case.nobody else {}
        self._process = subprocess.Popen(
            [os.fsencode(launcher), *case.args],
            executable=launcher if ours else f"/usr/sbin/{case.tool}",
            cwd=home,
            env=_environment(case),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=CHANNELS[case.channel],
            **nobody,  # type: ignore[call-overload]
        )

    def finish(self) -> Outcome:
        """Feed it its stdin, wait for its end, and return what it came to."""
        case, process = self._case, self._process
        if isinstance(case.stdin, bytes):
            stdout, stderr = process.communicate(case.stdin, timeout=PATIENCE)
        else:
            for pause, piece in case.stdin:
                time.sleep(pause)
                try:
                    process.stdin.write(piece)
                    process.stdin.flush()
                except BrokenPipeError:
                    pass
            process.wait(PATIENCE)  # with stdin still open
            stdout, stderr = process.communicate(timeout=PATIENCE)
        return Outcome(process.returncode, stdout, stderr, *_left(self._home, case.password), *self._before)


def run(case: Case, sides: tuple[bool, ...], scratch: Path) -> list[Outcome]:
    """Return the outcome of each side (True is ours): both at once, unless they might meet in /etc."""
    socket.sethostname(case.hostname)
    homes = [scratch / ("ours" if ours else "real") for ours in sides]
    if not {b"-f", b"t.db"} <= set(case.args) or any(path.startswith("/") for path in case.files):
        return [Run(case, ours, home).finish() for ours, home in zip(sides, homes)]
    return [started.finish() for started in [Run(case, ours, home) for ours, home in zip(sides, homes)]]


def _lay_out(case: Case, home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o755)
    _clear_etc()
    (home / CONF).mkdir()
    files = dict(case.files)
    if case.conf is not None:
        files[f"{CONF}/saslpasswd.conf"] = case.conf
    for path, content in files.items():
        _make(home / path, content)
    for path, mode in case.modes.items():
        (home / path).chmod(mode)
    if case.nobody:
        os.chown(home, 65534, 65534)


def _environment(case: Case) -> dict[str, str]:
    wanted: dict[str, str | None] = {"PATH": "/usr/bin:/bin", "SASL_CONF_PATH": CONF, **case.environ}
    return {name: value for name, value in wanted.items() if value is not None}


def _make(path: Path, content: bytes | str | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        path.mkdir(exist_ok=True)
    elif isinstance(content, str):
        path.symlink_to(content)
    else:
        path.write_bytes(content)
        path.chmod(0o640)
        os.utime(
            path, (LONG_AGO, LONG_AGO)
        )  # of a fresh file that looks damaged ours thinks that somebody is writing it
        if path.name == "sasldb2":
            shutil.chown(path, "root", _POSTFIX)  # what a write would make of it


def _clear_etc() -> None:
    """Remove what a case may have put below /etc. This is a private /etc, and nothing runs without one."""
    for path in ("/etc/sasl2", "/etc/sasl"):
        shutil.rmtree(path, ignore_errors=True)
    Path("/etc/sasldb2").unlink(missing_ok=True)


def _left(home: Path, password: bytes) -> tuple[dict[str, Values], dict[str, bytes]]:
    """Return the databases and the other files there are now; secrets of `password` are told by their meaning."""
    databases: dict[str, Values] = {}
    others: dict[str, bytes] = {}
    for path in [*sorted(home.rglob("*")), Path("/etc/sasldb2"), Path("/etc/sasl2/sasldb2")]:
        name = str(path.relative_to(home)) if path.is_relative_to(home) else str(path)
        if path.is_symlink():
            others[name] = os.fsencode(os.readlink(path))
        elif path.is_file():
            records = load(path)
            if records is None:
                others[name] = path.read_bytes()
            else:
                values = {k: meaning(k.rpartition(b"\0")[2], v, password) for k, v in records.items()}
                databases[name] = values
        elif path.is_dir():
            others[name + "/"] = b""
    return databases, others


def _closed(*descriptors: int) -> Callable[[], None]:
    def close() -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    return close


def _opened(path: str, flags: int, descriptor: int) -> Callable[[], None]:
    def replace() -> None:
        os.dup2(os.open(path, flags), descriptor)

    return replace


def _nonblocking_pipe() -> None:
    reading, writing = os.pipe2(os.O_NONBLOCK)
    os.dup2(reading, 0)
    os.set_inheritable(writing, True)


CHANNELS: dict[str, Callable[[], None] | None] = {
    "pipe": None,
    "closed": _closed(0),
    "directory": _opened("/", os.O_RDONLY, 0),
    "write-only": _opened("/dev/null", os.O_WRONLY, 0),
    "nonblocking": _nonblocking_pipe,
    "null": _opened("/dev/null", os.O_RDONLY, 0),
    "file": _opened("stdin", os.O_RDONLY, 0),
    "stdout closed": _closed(1),
    "stderr closed": _closed(2),
    "all closed": _closed(0, 1, 2),
    "outputs closed": _closed(1, 2),
    "stdout full": _opened("/dev/full", os.O_WRONLY, 1),
}


def main() -> None:
    """Answer cases until stdin ends."""
    scratch = Path(sys.argv[1])
    CHECKOUT.mkdir()
    subprocess.run(["mount", "--bind", str(ROOT), str(CHECKOUT)], check=True)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.umask(0o022)
    while True:
        try:
            case, sides = pickle.load(requests)
        except EOFError:
            return
        try:
            answer: object = run(case, sides, scratch)
        except Exception as error:  # handed to the test, which fails with it
            answer = error
        pickle.dump(answer, answers)
        answers.flush()
