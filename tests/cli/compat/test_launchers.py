"""The launchers under bin/: where they may be started from, what they let in, and what they load."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sasldb.cli.compat.usage import called_as
from tests.conftest import ROOT, Commands

NAMES = ("saslpasswd2", "sasldblistusers2")
# What costs more than it does for these commands; `click` is only for `sasldb`.
HEAVY = {
    "click",
    "argparse",
    "re",
    "enum",
    "typing",
    "dataclasses",
    "pathlib",
    "subprocess",
    "logging",
    "hashlib",
    "socket",
    "inspect",
}


def run(*argv: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command without a terminal, with little around it."""
    environment = {"PATH": "/usr/bin:/bin", "SASL_CONF_PATH": "none", **environ}
    return subprocess.run(argv, cwd=cwd, input=b"pw\n", env=environment, capture_output=True, timeout=30, check=False)


@pytest.mark.parametrize("name", NAMES)
def test_run_from_anywhere(commands: Commands, tmp_path: Path, name: str) -> None:
    """From another directory and through links, with nothing activated, the commands find their checkout."""
    (tmp_path / "one").symlink_to(getattr(commands, name))
    (tmp_path / "two").symlink_to("one")
    done = run(str(tmp_path / "two"), "-v", cwd=tmp_path)
    assert (done.returncode, done.stderr.split()[1]) == (0, b"(sasldb)")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_loaded_from_the_working_directory(commands: Commands, tmp_path: Path, name: str) -> None:
    """Modules that lie in the working directory, beside the link or in PYTHONPATH are not those that run."""
    (tmp_path / "sasldb").mkdir()
    for module in ("sasldb/__init__.py", "os.py", "errno.py", "berkeleydb.py"):
        (tmp_path / module).write_text("raise SystemExit('loaded from the wrong place')\n")
    (tmp_path / "link").symlink_to(getattr(commands, name))
    assert run(str(tmp_path / "link"), "-v", cwd=tmp_path, PYTHONPATH=str(tmp_path)).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_its_own_directory_is_no_place_for_modules(commands: Commands, tmp_path: Path, name: str) -> None:
    """pip drops the -I of the first line; even so a module beside the launcher is not loaded."""
    (tmp_path / "bin").mkdir()
    shutil.copy(getattr(commands, name), tmp_path / "bin")
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    (tmp_path / "sasldb").symlink_to(ROOT / "sasldb")
    for module in ("errno.py", "sasldb.py", "berkeleydb.py"):
        (tmp_path / "bin" / module).write_text("raise SystemExit('loaded from the wrong place')\n")
    assert run(sys.executable, str(tmp_path / "bin" / name), "-v", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("name", [*NAMES, "sasldb"])
def test_packages_of_the_checkout_come_first(commands: Commands, tmp_path: Path, name: str) -> None:
    """What script/setup has installed goes before Debian's packages of the same name, and after the standard library."""
    package = tmp_path / "sasldb/cli/compat"
    package.mkdir(parents=True)
    for file in (tmp_path / "sasldb/cli/main.py", package / "saslpasswd2.py", package / "sasldblistusers2.py"):
        file.write_text("import os, sys\ndef main(*_):\n    os.write(1, '\\n'.join(sys.path).encode())\n    return 0\n")
    (tmp_path / "bin").mkdir()
    shutil.copy(getattr(commands, name), tmp_path / "bin")
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    done = run(str(tmp_path / "bin" / name), cwd=tmp_path)
    home, *others = done.stdout.decode().splitlines()
    (ours,) = [at for at, entry in enumerate(others) if entry.startswith(f"{tmp_path}/.venv/")]
    assert home == str(tmp_path) and ours > 1
    assert [entry for entry in others[:ours] if entry.endswith("-packages")] == []
    assert [entry for entry in others[ours:] if not entry.endswith("-packages")] == []


@pytest.mark.parametrize("name", NAMES)
def test_little_is_loaded(commands: Commands, tmp_path: Path, name: str) -> None:
    """Neither command imports click, nor any module that takes longer to load than all of theirs."""
    run(commands.saslpasswd2, "-f", "t.db", "u@R", cwd=tmp_path)
    argv = ["-f", "t.db", *(["v@R"] if name == "saslpasswd2" else [])]
    done = run("/usr/bin/python3", "-I", "-S", "-X", "importtime", getattr(commands, name), *argv, cwd=tmp_path)
    loaded = {
        line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines() if line.startswith("import time:")
    }
    assert "sasldb.errors" in loaded and done.returncode == 0
    assert not loaded & HEAVY


def test_the_name_that_was_typed(tmp_path: Path) -> None:
    """A path that a search along PATH leads to was typed as a bare name; any other was typed as it is."""
    found = tmp_path / "saslpasswd2"
    found.touch(0o755)
    path = os.fsencode(found)
    first = {b"PATH": b"/nowhere:" + os.fsencode(tmp_path)}
    assert called_as(path, first) == b"saslpasswd2"
    assert called_as(path, {b"PATH": b"/nowhere"}) == path
    assert called_as(b"./saslpasswd2", first) == b"./saslpasswd2"
    assert called_as(path, {}) == path


def test_strange_names(commands: Commands, tmp_path: Path) -> None:
    """What follows the last slash of argv[0] is the name in the usage, though it be nothing; the complaint has all of argv[0]."""
    for name, shown in ((b"foo/", b""), (b"", b""), (b"/x/y/foo", b"foo"), (b"\xff", b"\xff")):
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom sasldb.cli.compat.saslpasswd2 import main\nmain([{name!r}, b'-x'])"
        done = run(sys.executable, "-c", code, cwd=tmp_path)
        assert done.stderr.startswith(b"%b: invalid option -- 'x'\n%b: usage: %b [-v] [-c" % (name, shown, shown))


def test_a_broken_pipe_is_quiet(commands: Commands, tmp_path: Path) -> None:
    """Whoever stops reading a list stops the command, without a traceback."""
    shell = f"{commands.saslpasswd2} -f t.db u@R; (sleep 0.2; exec {commands.sasldblistusers2} t.db) | true"
    assert run("sh", "-c", shell, cwd=tmp_path).stderr == b""
