"""The table of commands: one module each, imported when its command is called and not before.

To add a command: write a module here with a click command named `command`, and add its row. The order of rows is that of
`sasldb --help`; the summary stands here as well, so that help need not import every command. tests/cli/test_commands.py
compares table, folder and commands.
"""

from __future__ import annotations

SUMMARIES = {
    "Users": {
        "list": "List the users of a database.",
    },
    "Database": {
        "init": "Make an empty database.",
    },
}

MODULES = {
    "init": "init",
    "list": "listing",
}
