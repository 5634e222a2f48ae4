"""`sasldb postfix`: commands about Postfix, one module each, imported when it is called.

To add one: write a module here with a click command named `command`, and add its row below.
"""

from __future__ import annotations

from importlib import import_module

import click

SUMMARIES = {
    "setup": "Set up SMTP AUTH.",
    "check": "Find out why logins fail, and how to mend it.",
    "sender-login-maps": "Bring the sender login map up to date.",
    "client": "Have Postfix log in elsewhere.",
}

MODULES = {
    "check": "check",
    "client": "client",
    "sender-login-maps": "sender_login_maps",
    "setup": "setup",
}


class Subcommands(click.Group):
    """The commands of this folder, loaded one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of `--help`."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command `cmd_name`; None where there is none of that name."""
        if cmd_name not in MODULES:
            return None
        found: click.Command = import_module(f"{__name__}.{MODULES[cmd_name]}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.command("postfix", cls=Subcommands, no_args_is_help=False)
def command() -> None:
    """Set up and check what lies between Postfix and a database.

    \b
    Example: users of the database shall log in
      sasldb postfix setup
    """
