"""Postfix's own programs that do something: reload, and make lookup tables.

They are taken from Postfix's command_directory, and get an environment of their own. Source: postfix(1), postmap(1); Postfix 3.7.
Errors: `SiteConfigError` with what the program said.
"""

from __future__ import annotations

import os
import subprocess
import time

from sasldb.errors import SiteConfigError
from sasldb.postfix.config import disclosure, maps
from sasldb.postfix.config.instance import Instance
from sasldb.postfix.config.private import PrivateDirectory, is_ending

PATIENCE = 60.0  # seconds; postfix looks its files over first
_GLANCE = 0.1  # seconds between looks for a signal
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


def reload(instance: Instance) -> None:
    """Have the running Postfix read its configuration anew."""
    _run(instance, "postfix", ["reload"])


def table(instance: Instance, kind: str, source: bytes, name: str | None = None) -> bytes | None:
    """Return what postmap makes of the text `source` as a table of `kind`, as bytes; None for a kind that is read as text.

    It works on a copy in a private directory. With `name`, the file that it stands for, what postmap only warns of is an error too: it
    leaves out a line that it cannot read, and an entry whose key, without regard to case, was there before.
    """
    suffix = maps.suffix(kind)
    if suffix is None:
        return None
    with PrivateDirectory("sasldb-postmap-") as directory:
        path = os.path.join(directory, "table")
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(source)
            complaints = _run(instance, "postmap", [f"{kind}:{path}"])
            if name is not None:
                _see_whole(complaints, path, name)
            with open(path + suffix, "rb") as file:
                return file.read()
        except OSError as error:
            raise SiteConfigError(f"{kind}:{name or path}", f"no table was made: {error.strerror}") from error


def _see_whole(complaints: list[str], path: str, name: str) -> None:
    """See that postmap took all of the table at `path`; a line that it quotes may have a password in it."""
    for line in complaints:
        _, ours, reason = line.partition(path)
        if ours:
            what, duplicate, key = reason.partition("duplicate entry: ")
            reason = f"{duplicate}{key}" if duplicate else what.partition(': "')[0].rpartition(": ")[2]
            raise SiteConfigError(name, f"postmap: {reason}", remedy="mend that line, then run this again")


def _run(instance: Instance, name: str, arguments: list[str]) -> list[str]:
    """Run a program of Postfix and return the lines of its complaints."""
    program = os.path.join(instance["command_directory"], name)
    argv = [program, *(["-c", instance.option] if instance.option else []), *arguments]
    try:
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=_ENVIRONMENT
        ) as process:
            try:
                complaints = _said(process, program)
            except BaseException:
                process.kill()
                raise
    except OSError as error:
        raise SiteConfigError(program, f"cannot be run: {error.strerror}") from error
    words = os.fsdecode(complaints).strip().splitlines()
    if process.returncode:
        raise SiteConfigError(
            program, disclosure.complaint(words[-1]) if words else f"exit status {process.returncode}"
        )
    return words


def _said(process: subprocess.Popen[bytes], program: str) -> bytes:
    """Wait for a program to end, or for this process to be ended, and return its standard error."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return process.communicate(timeout=_GLANCE)[1]
        except subprocess.TimeoutExpired as error:
            if is_ending():
                raise SiteConfigError(program, "interrupted") from error
            if time.monotonic() > deadline:
                raise SiteConfigError(program, f"no answer within {PATIENCE:.0f} seconds") from error
