"""Which saslauthd makes a socket, and what it compares passwords with: the arguments of the running processes tell.

Source: saslauthd(8) of Cyrus SASL 2.1.28; Linux, proc(5). Raises nothing: what cannot be seen is not known.
"""

from __future__ import annotations

import os

DIRECTORY = "/var/run/saslauthd"
SOCKET = "mux"  # in the directory of option -m
SASLDB = "sasldb"
_LONGEST = 1 << 16  # bytes of a command line; whoever owns a process chooses its length


def backend(path: str) -> str:
    """Return the -a of the saslauthd whose socket is `path` (as seen by us), "" where that is not known."""
    directory = os.path.realpath(os.path.dirname(path))
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if not name.isdigit() or not serves(name, directory):
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                argv = [os.fsdecode(word) for word in file.read(_LONGEST).split(b"\0")]
        except OSError:  # it ended meanwhile
            continue
        if os.path.basename(argv[0]) == "saslauthd" and os.path.realpath(_value(argv, "-m") or DIRECTORY) == directory:
            return _value(argv, "-a")
    return ""


def serves(process: str, directory: str) -> bool:
    """Tell whether a process may be the saslauthd of a socket in `directory`: it is root's, or of the directory's owner.

    Any user can start a program of that name, and make who reads its arguments wait.
    """
    try:
        return os.stat(f"/proc/{process}").st_uid in (0, os.stat(directory).st_uid)
    except OSError:
        return False


def _value(argv: list[str], option: str) -> str:
    """Return what follows `option`, in the same word or as the next; "" where it is not given."""
    for word, following in zip(argv, [*argv[1:], ""]):
        if word.startswith(option):
            return word[len(option) :] or following
    return ""
