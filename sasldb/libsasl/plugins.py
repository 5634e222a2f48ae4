"""libsasl's plug-ins: which of those that store secrets are installed.

Three of them write to a sasldb on a password change: `sasldb` itself, `otp` and `scram`. They are looked for by file name in
SASL_PATH's directories, else in the machine's own; a dangling link, a directory and an unreadable file are not there.

Source: Cyrus SASL 2.1.28 on Debian, observed: a SASL_PATH that is set, even to nothing, replaces the built-in directory; a `=` ends
the list. Where SASL_PATH is not set and there is no plug-in directory at all, there is no Cyrus SASL to agree with, and the sasldb
plug-in counts as present so that the commands work on their own. Raises nothing.
"""

from __future__ import annotations

import os

from sasldb.libsasl.config import library_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = b"SASL_PATH"


class Plugins:
    """Which plug-ins are installed, each True or False: `sasldb`, `otp`, `scram`."""

    __slots__ = ("otp", "sasldb", "scram")

    def __init__(self, sasldb: bool, otp: bool, scram: bool) -> None:
        self.sasldb = sasldb
        self.otp = otp
        self.scram = scram

    def __repr__(self) -> str:
        return f"Plugins(sasldb={self.sasldb}, otp={self.otp}, scram={self.scram})"


def installed(environ: Mapping[bytes, bytes]) -> Plugins:
    """Return the plug-ins that libsasl would find, given SASL_PATH in `environ`."""
    if PATH in environ:
        directories = environ[PATH].partition(b"=")[0].split(b":")
    else:
        directories = [library_directory()]
        if not os.path.isdir(directories[0]):
            return Plugins(sasldb=True, otp=False, scram=False)
    return Plugins(_in(directories, b"sasldb"), _in(directories, b"otp"), _in(directories, b"scram"))


def _in(directories: list[bytes], name: bytes) -> bool:
    return any(_readable(b"%b/lib%b.so" % (directory, name)) for directory in directories if directory)


def _readable(path: bytes) -> bool:
    return os.path.isfile(path) and os.access(path, os.R_OK)
