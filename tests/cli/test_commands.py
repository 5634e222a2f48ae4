"""The table of commands agrees with the folder and with the commands; every command explains itself."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import click
import pytest

from sasldb.cli.commands import MODULES, SUMMARIES
from tests.cli.conftest import Sasldb
from tests.command_tree import leaves, tree
from tests.conftest import ROOT

FOLDER = ROOT / "sasldb/cli/commands"
NAMES = [name for section in SUMMARIES.values() for name in section]
COMMANDS = tree()
WITHOUT_DATABASE = {"completion", "testsaslauthd"}
WITHOUT_DATABASE |= {"postfix setup", "postfix sender-login-maps", "postfix client"}  # of smtpd alone
each_command = pytest.mark.parametrize("name", COMMANDS)
each_group = pytest.mark.parametrize("name", set(COMMANDS) - set(leaves()))


def modules(folder: Path) -> set[str]:
    """Return the names of the modules and packages in a folder of commands."""
    return {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()} - {
        "__init__"
    }


def test_table_and_folder_agree() -> None:
    """Every module of the folder is a command of the table, and the other way round."""
    assert set(MODULES) == set(NAMES) and len(MODULES) == len(NAMES)
    assert set(MODULES.values()) == modules(FOLDER) and len(set(MODULES.values())) == len(NAMES)


@each_group
def test_table_and_folder_of_a_group_agree(name: str) -> None:
    """The same holds for commands below another, and their summaries there."""
    package = import_module(f"sasldb.cli.commands.{MODULES[name]}")
    assert set(package.MODULES.values()) == modules(FOLDER / MODULES[name])
    below = {full.rpartition(" ")[2]: command for full, command in COMMANDS.items() if full.startswith(f"{name} ")}
    assert list(below) == list(package.SUMMARIES) and set(below) == set(package.MODULES)
    assert {word: (command.help or "").splitlines()[0] for word, command in below.items()} == package.SUMMARIES


@each_command
def test_every_help_is_printed(name: str, sasldb: Sasldb) -> None:
    """--help of each command, and of each group, is its help on standard output, exit status 0."""
    done = sasldb(*name.split(), "--help")
    assert (done.returncode, done.stderr) == (0, b"")
    options = [option for option in COMMANDS[name].params if isinstance(option, click.Option) and not option.hidden]
    assert [word for option in options for word in option.opts if word.encode() not in done.stdout] == []
    assert (b"--generate [=" not in done.stdout) and (
        name not in ("add", "passwd") or b"--generate[=LENGTH]" in done.stdout
    )
    assert done.stdout.startswith(f"Usage: sasldb {name} ".encode()) and b"\n  --help" in done.stdout.replace(
        b"-h, ", b""
    )


@pytest.mark.parametrize("name", NAMES)
def test_summary_is_the_commands_own(name: str) -> None:
    """The summary in `sasldb --help` is the first line of the command's own help."""
    summaries = {name: summary for section in SUMMARIES.values() for name, summary in section.items()}
    assert (COMMANDS[name].help or "").splitlines()[0] == summaries[name]
    assert COMMANDS[name].name == name


@each_command
def test_help_has_an_example(name: str) -> None:
    """The help of a command ends with an example that is a call of that command."""
    *_, heading, line = inspect.cleandoc(COMMANDS[name].help or "").splitlines()
    assert heading.startswith("Example: ")
    assert line.startswith(f"  sasldb {name}")


@each_command
def test_every_option_is_explained(name: str) -> None:
    """Every option has a help text that is a sentence."""
    for option in COMMANDS[name].params:
        if isinstance(option, click.Option):
            assert option.help and option.help.endswith("."), option.name


@pytest.mark.parametrize("name", [name for name in leaves() if name not in WITHOUT_DATABASE])
def test_every_command_takes_a_file(name: str) -> None:
    """-f/--file and -a/--app are there, under these names."""
    spelled = {frozenset(option.opts) for option in COMMANDS[name].params}
    assert {frozenset(("-f", "--file")), frozenset(("-a", "--app"))} <= spelled
