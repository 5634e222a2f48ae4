"""Postfix's own programs that do something: reload, and make lookup tables.

They are taken from Postfix's command_directory, and get an environment of their own. Source: postfix(1), postmap(1); Postfix 3.7.
Errors: `SiteConfigError` with what the program said.
"""

from __future__ import annotations

import os
import subprocess
import tempfile

from sasldb.errors import SiteConfigError
from sasldb.siteconf import maps
from sasldb.siteconf.instance import Instance

PATIENCE = 60.0  # seconds; postfix looks its files over first
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


def reload(instance: Instance) -> None:
    """Have the running Postfix read its configuration anew."""
    _run(instance, "postfix", ["reload"])


def table(instance: Instance, kind: str, source: bytes) -> bytes | None:
    """Return what postmap makes of the text `source` as a table of `kind`, as octets; None for a kind that is read as text.

    It works on a copy in a private directory.
    """
    suffix = maps.suffix(kind)
    if suffix is None:
        return None
    with tempfile.TemporaryDirectory(prefix="sasldb-postmap-") as directory:
        path = os.path.join(directory, "table")
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(source)
            _run(instance, "postmap", [f"{kind}:{path}"])
            with open(path + suffix, "rb") as file:
                return file.read()
        except OSError as error:
            raise SiteConfigError(f"{kind}:{path}", f"no table was made: {error.strerror}") from error


def _run(instance: Instance, name: str, arguments: list[str]) -> None:
    program = os.path.join(instance["command_directory"], name)
    argv = [program, *(["-c", instance.option] if instance.option else []), *arguments]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, env=_ENVIRONMENT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SiteConfigError(program, f"no answer within {PATIENCE:.0f} seconds") from error
    except OSError as error:
        raise SiteConfigError(program, f"cannot be run: {error.strerror}") from error
    if done.returncode:
        words = os.fsdecode(done.stderr).strip().splitlines()
        raise SiteConfigError(program, words[-1] if words else f"exit status {done.returncode}")
