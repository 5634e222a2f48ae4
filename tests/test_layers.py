"""The shape of the house: who may import whom, how large a module is, what a command loads when it starts.

The imports are read from the source, those inside functions and for type checkers too, so that none can hide.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Commands

PACKAGE = ROOT / "sasldb"
BASE = {"bounds", "errors", "model"}
DISK = {*BASE, "files", "formats"}
LIBSASL = {*BASE, "files", "libsasl"}
STORE = {*DISK, "policy", "secrets", "store"}
SITE = {*STORE, "libsasl", "postfix.config", "postfix.site", "syslog"}
# Room -> the other rooms that it may import. Rooms that do not name each other are side by side.
SEES = {
    "bounds": set[str](),
    "errors": set[str](),
    "model": {"errors"},
    "syslog": {"model"},
    "files": BASE,
    "formats": BASE,
    "secrets": BASE,
    "policy": {*BASE, "files"},
    "libsasl": {*BASE, "files"},
    "postfix.config": {*BASE, "files"},
    "login": BASE,
    "store": STORE,
    "postfix.site": SITE,
    "postfix.checks": SITE,
    "postfix.setup": SITE,
    "operations": {*SITE, "login", "postfix.checks"},
    "cli": {*SITE, "login", "postfix.checks", "postfix.setup", "operations"},
    "__init__": {*BASE, "policy", "store"},
}
LONGEST = 300
DRAWERS = {"utils", "util", "helpers", "helper", "common", "core", "misc", "tools"}
SLOW_TO_LOAD = {
    *("argparse", "base64", "click", "contextlib", "dataclasses", "enum", "hashlib", "inspect", "json", "logging"),
    *("pathlib", "random", "re", "secrets", "socket", "subprocess", "tempfile", "typing"),
}

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.stat().st_size)
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))


def room_of(module: Path) -> str:
    """Return the room that a source file of the package is in, with dots: the longest name of a room that its path begins with."""
    return room_named(list(module.relative_to(PACKAGE).with_suffix("").parts))


def room_named(parts: list[str]) -> str:
    """Return the room in which the dotted name `parts` is; "sasldb" for the package's public names."""
    return next((room for size in (2, 1) if (room := ".".join(parts[:size])) in SEES), "sasldb")


def imported(module: Path) -> Iterator[str]:
    """Yield the full dotted name of everything that a source file imports, anywhere in it."""
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(module: Path) -> set[str]:
    """Return the rooms of this package that a source file imports; `sasldb` stands for the package's public names."""
    names = [name.split(".") for name in imported(module)]
    return {room_named(parts[1:]) for parts in names if parts[0] == "sasldb"}


def test_every_room_has_its_place() -> None:
    """No folder or file of the package is outside the plan of layers."""
    rooms = {room_of(module) for module in MODULES}
    assert rooms == set(SEES)


@each_module
def test_imports_run_one_way(module: Path) -> None:
    """A room imports only itself and the rooms below it: nothing upward, nothing sideways."""
    room = room_of(module)
    assert rooms_imported(module) - {room} - SEES[room] == set()


def test_the_drop_ins_stand_alone() -> None:
    """cli/compat imports nothing of the click commands beside it, and no click."""
    names = {name for module in (PACKAGE / "cli/compat").glob("*.py") for name in imported(module)}
    assert {name for name in names if name.startswith("sasldb.cli.")} <= {
        name for name in names if name.startswith("sasldb.cli.compat.")
    }
    assert {name for name in names if name.partition(".")[0] == "click"} == set()


@each_module
def test_modules_are_short(module: Path) -> None:
    """A module that grows past 300 lines is a room that wants a wall."""
    assert len(module.read_text().splitlines()) < LONGEST


@each_module
def test_no_drawers(module: Path) -> None:
    """No module or folder is named for holding all sorts of things."""
    assert set(module.relative_to(PACKAGE).with_suffix("").parts) & DRAWERS == set()


@each_module
def test_only_cli_talks(module: Path) -> None:
    """No room below cli prints, prompts, or touches the standard streams."""
    if room_of(module) == "cli":
        return
    talk = set()
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Name) and node.id in ("print", "input"):
            talk.add(node.id)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.stdin", "sys.stdout", "sys.stderr"):
            talk.add(ast.unparse(node))
    talk |= {name for name in imported(module) if name.startswith(("sys.std", "getpass"))}
    assert talk == set()


@pytest.mark.parametrize(
    "command, arguments, stdin",
    [
        ("saslpasswd2", ["-c", "-p", "-u", "example.com", "alice"], b"secret\n"),
        ("saslpasswd2", ["-d", "-u", "example.com", "alice"], b""),
        ("sasldblistusers2", [], b""),
    ],
    ids=["set", "delete", "list"],
)
def test_the_drop_ins_start_quickly(
    tmp_path: Path, commands: Commands, command: str, arguments: list[str], stdin: bytes
) -> None:
    """A drop-in, from start to end, loads no module that costs more than its work, but for what berkeleydb itself loads."""
    setup = [commands.saslpasswd2, "-p", "-f", "db", "-u", "example.com", "bob"]
    subprocess.run(setup, input=b"secret\n", cwd=tmp_path, check=True, timeout=30)
    loaded = modules_loaded([getattr(commands, command), "-f", "db", *arguments], stdin, tmp_path)
    needed = modules_loaded(
        ["-c", f"import sys; sys.path.append({site_packages()!r}); import berkeleydb"], b"", tmp_path
    )
    assert "berkeleydb" in needed and "sasldb.errors" in loaded
    assert (loaded - needed) & SLOW_TO_LOAD == set()


def modules_loaded(arguments: list[str], stdin: bytes, directory: Path) -> set[str]:
    """Run Python with `arguments`, isolated as bin/ runs it, and return the names of all modules that it imported."""
    argv = [sys.executable, "-I", "-X", "importtime", *arguments]
    done = subprocess.run(argv, input=stdin, cwd=directory, capture_output=True, check=True, timeout=30)
    rows = done.stderr.decode().splitlines()
    return {row.rpartition("|")[2].strip() for row in rows if row.startswith("import time:")}


def site_packages() -> str:
    """Return the folder that berkeleydb is installed in."""
    import berkeleydb

    return str(Path(berkeleydb.__file__).parent.parent)
