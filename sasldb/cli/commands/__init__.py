"""The table of commands: one module each, imported when its command is called and not before.

To add a command: write a module here with a click command named `command`, and add its row. The order of rows is that of
`sasldb --help`; the summary stands here as well, so that help need not import every command. tests/cli/test_commands.py
compares table, folder and commands.
"""

from __future__ import annotations

SUMMARIES = {
    "Users": {
        "add": "Add a user.",
        "passwd": "Set a user's password.",
        "delete": "Delete users.",
        "rename": "Rename a user.",
        "rename-realm": "Move all users of a realm to another.",
        "copy-realm": "Copy all users of a realm to another.",
        "harden": "Replace stored plaintext passwords.",
        "apply": "Bring a database to a desired state.",
        "list": "List the users of a database.",
        "show": "Show what is stored for a user.",
        "count": "Count the users of a database.",
    },
    "Checks": {
        "postfix": "Set up and check what lies between Postfix and a database.",
        "verify": "Check a password, without a login.",
        "resolve": "Tell which record a login leads to.",
        "login": "Log in to a server, and tell what it says.",
        "testsaslauthd": "Ask saslauthd whether a password is right.",
        "audit": "Find what is wrong with a database.",
        "diff": "Compare two databases.",
    },
    "Database": {
        "init": "Make an empty database.",
    },
    "Shell": {
        "completion": "Print the completion script for a shell.",
    },
}

MODULES = {
    "add": "add",
    "apply": "apply",
    "audit": "audit",
    "completion": "completion",
    "copy-realm": "copy_realm",
    "count": "count",
    "delete": "delete",
    "diff": "diff",
    "harden": "harden",
    "init": "init",
    "list": "listing",
    "login": "login",
    "passwd": "passwd",
    "postfix": "postfix",
    "rename": "rename",
    "rename-realm": "rename_realm",
    "resolve": "resolve",
    "show": "show",
    "testsaslauthd": "testsaslauthd",
    "verify": "verify",
}
