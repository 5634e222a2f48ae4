"""The table of the mechanisms that a login can be tried with, those first in which the server proves itself.

A mechanism whose package is not installed is a row all the same, with the reason. Errors: `MechanismError`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from sasldb.errors import MechanismError
from sasldb.login import cram_md5, digest_md5, ntlm, plain, scram
from sasldb.login.exchange import Credentials, Exchange


class Mechanism:
    """One row: its `name`, what `begin`s an exchange, whether it sends the password `in_plain`, the `package` that it needs or ""."""

    __slots__ = ("_module", "begin", "in_plain", "name", "package")

    def __init__(
        self,
        name: str,
        begin: Callable[[Credentials], Exchange],
        in_plain: bool = False,
        package: str = "",
        module: str = "",
    ) -> None:
        self.name = name
        self.begin = begin
        self.in_plain = in_plain
        self.package = package
        self._module = module

    def check_available(self) -> None:
        """See that the mechanism can be tried here.

        Raises:
            MechanismError: a package is missing.
        """
        if self._module and find_spec(self._module) is None:
            remedy = "install the extra login: pip install 'sasldb[login]'"
            raise MechanismError(self.name, f"needs {self.package}, which is not installed", remedy)

    def __repr__(self) -> str:
        return f"Mechanism({self.name})"


def _scram(name: str) -> Mechanism:
    return Mechanism(name, lambda credentials: scram.exchange(name, credentials), package="scramp", module="scramp")


TABLE = (
    _scram("SCRAM-SHA-512"),
    _scram("SCRAM-SHA-256"),
    _scram("SCRAM-SHA-1"),
    Mechanism(digest_md5.NAME, digest_md5.exchange),
    Mechanism(cram_md5.NAME, cram_md5.exchange),
    Mechanism(ntlm.NAME, ntlm.exchange, package="pyspnego", module="spnego"),
    Mechanism("PLAIN", plain.plain, in_plain=True),
    Mechanism("LOGIN", plain.login, in_plain=True),
)
NAMES = tuple(row.name for row in TABLE)


def named(name: str) -> Mechanism:
    """Return the row of mechanism `name`, in whatever case.

    Raises:
        MechanismError: it is not in the table.
    """
    for row in TABLE:
        if row.name == name.upper():
            return row
    raise MechanismError(name, "not a mechanism that is spoken here", "these are: " + ", ".join(NAMES))
