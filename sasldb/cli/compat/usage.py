"""What the two drop-in commands say about themselves: their name, their usage and their version.

From the word `usage` on the texts are those of Cyrus SASL 2.1.28, byte for byte; the notice of Carnegie Mellon University above them
is left out, for no software of theirs is in here. Raises nothing.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SETUP = "setup.cfg"

SASLPASSWD2 = b"""%(name)b: usage: %(name)b [-v] [-c [-p] [-n]] [-d] [-a appname] [-f sasldb] [-u DOM] userid
\t-p\tpipe mode -- no prompt, password read on stdin
\t-c\tcreate -- ask mechs to create the account
\t-d\tdisable -- ask mechs to disable/delete the account
\t-n\tno userPassword -- don't set plaintext userPassword property
\t  \t                   (only set mechanism-specific secrets)
\t-f sasldb\tuse given file as sasldb
\t-a appname\tuse appname as application name
\t-u DOM\tuse DOM for user domain
\t-v\tprint version numbers and exit
"""

SASLDBLISTUSERS2 = b"""%(name)b: usage: %(name)b [-v] [[-f] sasldb]
\t-f sasldb\tuse given file as sasldb
\t-v\tprint version numbers and exit
"""


def base_name(argument_zero: bytes) -> bytes:
    """Return the name under which the command speaks of itself: what follows the last `/`, which may be nothing."""
    return argument_zero.rpartition(b"/")[2]


def called_as(argument_zero: bytes, environ: Mapping[bytes, bytes]) -> bytes:
    """Return the word that the caller most likely typed.

    The kernel gives a script its path, and not what the caller had put in argv[0]. Where a search along PATH leads to that very
    path, the word was the bare name; else it was the path.
    """
    name = base_name(argument_zero)
    for directory in environ.get(b"PATH", b"").split(b":"):
        candidate = b"%b/%b" % (directory or b".", name)
        if os.access(candidate, os.X_OK):
            return name if candidate == argument_zero else argument_zero
    return argument_zero


def usage(text: bytes, argument_zero: bytes) -> bytes:
    """Return the usage `text` of the command called `argument_zero`."""
    return text % {b"name": base_name(argument_zero)}


def version(argument_zero: bytes) -> bytes:
    """Return the line that names this project and its version."""
    return b"%b (sasldb) %b\n" % (base_name(argument_zero), _version().encode())


def _version() -> str:
    """Return the version of the checkout that this file lies in, else that of the installed package."""
    checkout = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    try:
        with open(os.path.join(checkout, _SETUP), encoding="utf-8") as file:
            for line in file:
                key, equals, value = line.partition("=")
                if equals and key.strip() == "version":
                    return value.strip()
    except OSError:
        pass
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("sasldb")
    except PackageNotFoundError:
        return "of unknown version"
