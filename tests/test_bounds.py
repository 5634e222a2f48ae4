"""Nothing that a command reads as a whole can fill the memory: devices, pipes and files without end are named as errors."""

from __future__ import annotations

import ast
import os
import resource
import subprocess
from pathlib import Path

import pytest

from sasldb import bounds
from tests.cli.conftest import make_database
from tests.conftest import ROOT, Commands

MEMORY = 1 << 30  # bytes of addresses: some times what is read at most, and much less than without end
PACKAGE = ROOT / "sasldb"
OURS = {  # a file of one's own making, in a directory that nobody else can enter
    "postfix/config/control.py": 1,  # what postmap made
    "postfix/config/scratch.py": 1,  # what postconf edited
}
ALICE = {b"alice\0x\0userPassword": b"secret"}


def run(argv: list[str], directory: Path, source: str = "/dev/null") -> subprocess.CompletedProcess[bytes]:
    """Run a command with `source` as its standard input and little memory."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    environ = {"PATH": "/usr/bin:/bin", "SASL_CONF_PATH": str(directory)}
    with open(source, "rb") as stdin:
        return subprocess.run(
            argv,
            cwd=directory,
            env=environ,
            stdin=stdin,
            capture_output=True,
            timeout=60,
            preexec_fn=limit,
            check=False,
        )


@pytest.mark.parametrize(
    "call, name",
    [
        (["apply", "-f", "db", "/dev/zero"], b"/dev/zero"),
        (["apply", "-f", "db", "-"], b"standard input"),
        (["apply", "-f", "db", "large.json"], b"large.json"),
        (["apply", "-f", "db", "large.yml"], b"large.yml"),
        (["apply", "-f", "db", "secrets"], b"secrets"),
        (["apply", "-f", "db", "files.json"], b"secrets/8192"),
        (["verify", "-f", "db", "--batch", "/dev/zero"], b"/dev/zero"),
        (["verify", "-f", "db", "--batch", "-"], b"standard input"),
        (["list", "-a", "endless"], b"endless.conf"),
        (["add", "-a", "endless", "--password-file", "password", "bob@x"], b"endless.conf"),
        (["add", "-f", "new", "-a", "large", "--password-file", "password", "bob@x"], b"large.conf"),
        (["postfix", "check", "-c", ".", "-a", "large"], b"large.conf"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_input_without_end(call: list[str], name: bytes, commands: Commands, tmp_path: Path) -> None:
    """It is one line that names it, exit status 3, and nothing is changed."""
    make_database(tmp_path / "db", ALICE)
    for large in "large.json", "large.yml", "large.conf":
        (tmp_path / large).touch(0o600)
        os.truncate(tmp_path / large, bounds.LARGEST + 1)
    (tmp_path / "endless.conf").symlink_to("/dev/zero")
    (tmp_path / "password").touch(0o600)
    (tmp_path / "password").write_bytes(b"p" * 8192)
    if b"secrets" in name:
        (tmp_path / "secrets").mkdir()
        for number in range(8193):
            os.link(tmp_path / "password", tmp_path / "secrets" / str(number))
        users = ", ".join(f'{{"name": "{number}", "password_file": "secrets/{number}"}}' for number in range(8193))
        (tmp_path / "files.json").write_text(f'{{"users": [{users}]}}')
    before = (tmp_path / "db").read_bytes()
    done = run([commands.sasldb, *call], tmp_path, "/dev/zero")
    told = b": larger than 64 MiB, the most that is read\n"
    if name == b"secrets/8192":
        told = b": with the password files before it larger than 64 MiB, the most that is read\n"
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.endswith(name + told) and done.stderr.count(b"\n") == 1, done.stderr
    assert (tmp_path / "db").read_bytes() == before and not (tmp_path / "new").exists()


@pytest.mark.parametrize("raw", [[], ["--raw"]], ids=["", "raw"])
@pytest.mark.parametrize("option", ["--password-file=/dev/zero", "--password-stdin", "--password-fd=0"])
def test_a_password_without_end(option: str, raw: list[str], commands: Commands, tmp_path: Path) -> None:
    """No more of it is read than a password may have."""
    done = run([commands.sasldb, "add", "-f", "db", "alice@x", option, *raw], tmp_path, "/dev/zero")
    reason = b"more than 8192 bytes, which libsasl cannot read" if raw else b"a NUL, which is refused without --raw"
    assert (done.returncode, done.stderr) == (3, b"sasldb: password: " + reason + b"\n")


@pytest.mark.parametrize("name, told", [("saslpasswd2", b"saslpasswd2: generic failure\n"), ("sasldblistusers2", b"")])
def test_a_configuration_without_end(name: str, told: bytes, commands: Commands, tmp_path: Path) -> None:
    """A drop-in whose configuration never ends, which the real one reads for ever, fails; nothing is changed."""
    for application in "saslpasswd", "sasldblistusers":
        (tmp_path / f"{application}.conf").symlink_to("/dev/zero")
    (tmp_path / "password").write_bytes(b"secret\n")
    done = run(
        [getattr(commands, name), "-f", "db", *(["alice@x"] if told else [])], tmp_path, str(tmp_path / "password")
    )
    assert (done.returncode, done.stderr) == (1, told or b"Couldn't initialize server API\n")
    assert not (tmp_path / "db").exists()


def test_an_answer_without_end(commands: Commands, tmp_path: Path) -> None:
    """Of an answer to a question no more is read than matters; what never ends is no yes."""
    code = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {site_packages()!r}]\n"
    code += "from sasldb.cli.proposing import agreed\nsys.exit(agreed('so?'))"
    done = run(["/usr/bin/python3", "-I", "-c", code], tmp_path, "/dev/zero")
    assert (done.returncode, done.stderr) == (0, b"sasldb: so? [y/N] ")
    for answer, agreed in ((b"y\n", 1), (b"YES\n", 1), (b"\xff\n", 0), (b"", 0), (b"y" * 200, 0)):
        (tmp_path / "answer").write_bytes(answer)
        done = run(["/usr/bin/python3", "-I", "-c", code], tmp_path, str(tmp_path / "answer"))
        assert (done.returncode, done.stderr) == (agreed, b"sasldb: so? [y/N] ")


def site_packages() -> str:
    """Return the folder that click is installed in."""
    import click

    return str(Path(str(click.__file__)).parent.parent)


@pytest.mark.parametrize("size, whole", [(0, True), (bounds.LARGEST, True), (bounds.LARGEST + 1, False)])
def test_read_all(size: int, whole: bool, tmp_path: Path) -> None:
    """As much as is allowed is read, and not a byte more."""
    (tmp_path / "file").touch()
    os.truncate(tmp_path / "file", size)
    if whole:
        assert bounds.read_file(str(tmp_path / "file")) == bytes(size)
    else:
        with pytest.raises(OSError, match=bounds.TOO_LARGE):
            bounds.read_file(str(tmp_path / "file"))


def test_nothing_else_is_read_whole() -> None:
    """No module of the package reads a file to its end by itself."""
    found: dict[str, int] = {}
    for module in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_bytes())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            alone = node.func.attr in ("read", "readline") and not node.args and not node.keywords
            if alone or node.func.attr in ("readlines", "read_text", "read_bytes"):
                name = str(module.relative_to(PACKAGE))
                found[name] = found.get(name, 0) + 1
    assert found == OURS
