"""main.cf and master.cf as postconf would leave them: it edits copies in a private directory, and the real files are not touched.

So a change can be shown before it is made, and what is then made is what was shown; the next change can be planned on what the last one
came to. Source: postconf(1): -e, -F, -M and -P edit the files of the directory that -c names. Errors: `SiteConfigError`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from sasldb.errors import SiteConfigError
from sasldb.postfix.config import postconf
from sasldb.postfix.config.private import PrivateDirectory

FILES = ("main.cf", "master.cf")


class Scratch:
    """Copies of the configuration files of the directory `config_dir`; a context manager."""

    def __init__(self, config_dir: str) -> None:
        """Take it; the copies are made when the block begins."""
        self._config_dir = config_dir
        self._private = PrivateDirectory("sasldb-postconf-")

    def __enter__(self) -> Scratch:
        """Make the copies.

        Raises:
            SiteConfigError: they cannot be read.
        """
        self.directory = self._private.__enter__()
        try:
            for name in FILES:
                shutil.copyfile(os.path.join(self._config_dir, name), os.path.join(self.directory, name))
            self._age()
        except BaseException as error:
            self._private.__exit__()
            if isinstance(error, OSError):
                path = f"{self._config_dir}/{name}"
                raise SiteConfigError(path, f"cannot be read: {error.strerror}") from error
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._private.__exit__()

    def set(self, values: Mapping[str, str]) -> None:
        """Set parameters of main.cf, name -> value."""
        if values:
            self._edit(["-e", *(f"{name} = {value}".rstrip() for name, value in values.items())])

    def add_service(self, label: str, line: str) -> None:
        """Make the line of master.cf for service `label` (`submission/inet`) `line`."""
        self._edit(["-M", f"{label}={line}"])

    def set_service(self, label: str, values: Mapping[str, str]) -> None:
        """Set parameters for one service of master.cf alone, name -> value."""
        if values:
            self._edit(["-P", *(f"{label}/{name}={value}" for name, value in values.items())])

    def free_service(self, label: str) -> None:
        """Take one service of master.cf out of its chroot."""
        self._edit(["-F", f"{label}/chroot=n"])

    def contents(self) -> dict[str, bytes]:
        """Return the name -> content of both files."""
        found = {}
        for name in FILES:
            with open(os.path.join(self.directory, name), "rb") as file:
                found[name] = file.read()
        return found

    def _edit(self, arguments: list[str]) -> None:
        postconf.ask(arguments, self.directory)
        self._age()

    def _age(self) -> None:
        """Make main.cf old: Postfix's programs wait for one that has just been changed."""
        os.utime(os.path.join(self.directory, FILES[0]), (0, 0))
