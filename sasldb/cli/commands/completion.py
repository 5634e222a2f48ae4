"""`sasldb completion`: the script that lets a shell complete."""

from __future__ import annotations

import click

from sasldb.cli.completion import SHELLS, script


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
def command(shell: str) -> None:
    """Print the completion script for a shell.

    With it the shell completes commands and options, and users and realms where the database may be read.

    \b
    Example: for bash, from its next start on
      sasldb completion bash > /etc/bash_completion.d/sasldb
    """
    click.echo(script(shell), nl=False)
