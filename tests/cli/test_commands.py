"""The table of commands agrees with the folder and with the commands; every command explains itself."""

from __future__ import annotations

import inspect

import click
import pytest

from sasldb.cli.commands import MODULES, SUMMARIES
from sasldb.cli.main import sasldb
from tests.conftest import ROOT

NAMES = [name for section in SUMMARIES.values() for name in section]
WITHOUT_DATABASE = {"completion", "testsaslauthd"}
each_command = pytest.mark.parametrize("name", NAMES)


def load(name: str) -> click.Command:
    """Return the click command `name`."""
    command = sasldb.get_command(click.Context(sasldb), name)
    assert command is not None
    return command


def test_table_and_folder_agree() -> None:
    """Every module of the folder is a command of the table, and the other way round."""
    modules = {path.stem for path in (ROOT / "sasldb/cli/commands").glob("*.py")} - {"__init__"}
    assert set(MODULES) == set(NAMES)
    assert set(MODULES.values()) == modules and len(modules) == len(NAMES)


@each_command
def test_summary_is_the_commands_own(name: str) -> None:
    """The summary in `sasldb --help` is the first line of the command's own help."""
    summaries = {name: summary for section in SUMMARIES.values() for name, summary in section.items()}
    assert (load(name).help or "").splitlines()[0] == summaries[name]
    assert load(name).name == name


@each_command
def test_help_has_an_example(name: str) -> None:
    """The help of a command ends with an example that is a call of that command."""
    *_, heading, line = inspect.cleandoc(load(name).help or "").splitlines()
    assert heading.startswith("Example: ")
    assert line.startswith(f"  sasldb {name}")


@each_command
def test_every_option_is_explained(name: str) -> None:
    """Every option has a help text that is a sentence."""
    for option in load(name).params:
        if isinstance(option, click.Option):
            assert option.help and option.help.endswith("."), option.name


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT_DATABASE])
def test_every_command_takes_a_file(name: str) -> None:
    """-f/--file and -a/--app are there, under these names."""
    spelled = {frozenset(option.opts) for option in load(name).params}
    assert {frozenset(("-f", "--file")), frozenset(("-a", "--app"))} <= spelled
