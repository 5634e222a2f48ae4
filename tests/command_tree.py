"""All commands of `sasldb`, those below others included, for the tests that hold commands, help and manual together."""

from __future__ import annotations

import click

from sasldb.cli.main import sasldb


def tree(group: click.Group = sasldb, above: str = "") -> dict[str, click.Command]:
    """Return full name (`list`, `postfix`, `postfix check`) -> command, in the order of `--help`; a group comes before its commands."""
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        found[above + name] = command
        if isinstance(command, click.Group):
            found.update(tree(command, f"{above}{name} "))
    return found


def leaves() -> dict[str, click.Command]:
    """Return those of `tree` that do something themselves."""
    return {name: command for name, command in tree().items() if not isinstance(command, click.Group)}
