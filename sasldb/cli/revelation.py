"""Showing passwords, for the commands that may: only on demand, never into a file that everybody may read, and never in silence.

Errors: click.UsageError.
"""

from __future__ import annotations

import os
import stat
import sys

import click

from sasldb.cli.rendering import tell


def permit(show_passwords: bool) -> None:
    """Say that passwords are shown, if they are to be.

    Raises:
        click.UsageError: standard output is a file that everybody may read.
    """
    if not show_passwords:
        return
    status = os.fstat(sys.stdout.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_mode & stat.S_IROTH:
        raise click.UsageError("everybody may read the file that the passwords would go to; first run: umask 077")
    tell("passwords are shown in plain text")


def text(password: bytes | None) -> str | None:
    """Return a stored plaintext as text, as names are (see `model.text`); None for none."""
    from sasldb.model.text import to_text

    return None if password is None else to_text(password)
