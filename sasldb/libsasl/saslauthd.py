"""Which saslauthd makes a socket, and what it compares passwords with: the arguments of the running processes tell.

Source: saslauthd(8) of Cyrus SASL 2.1.28; Linux, proc(5). Raises nothing: what cannot be seen is not known.
"""

from __future__ import annotations

import os

DIRECTORY = "/var/run/saslauthd"
SOCKET = "mux"  # in the directory of option -m
SASLDB = "sasldb"
PROGRAM = "saslauthd"
_LONGEST = 1 << 16  # bytes of a command line; whoever owns a process chooses its length


def backend(path: str) -> str:
    """Return the -a of the saslauthd whose socket is `path` (as seen by us), "" where that is not known."""
    directory = os.path.realpath(os.path.dirname(path))
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if not name.isdigit() or not serves(name, directory):
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                argv = [os.fsdecode(word) for word in (file.read(_LONGEST) or b"").split(b"\0")]
        except OSError:  # it ended meanwhile
            continue
        if os.path.basename(argv[0]) == PROGRAM and os.path.realpath(_value(argv, "-m") or DIRECTORY) == directory:
            return _value(argv, "-a")
    return ""


def serves(process: str, directory: str) -> bool:
    """Tell whether a process may be the saslauthd of a socket in `directory`: it is root's, or of the directory's owner.

    Any user can start a program of that name, and make who reads its arguments wait; or start a set-user-ID program by that name, which
    acts as root, and whose real user or file tells.
    """
    try:
        owners = {0, os.stat(directory).st_uid}
        return os.stat(f"/proc/{process}").st_uid in owners and _users(process) <= owners and _is_program(process)
    except (OSError, ValueError):
        return False


def _users(process: str) -> set[int]:
    """Return the real, effective and saved users of a process; ValueError where they are not told."""
    with open(f"/proc/{process}/status", "rb") as file:
        found = [set(map(int, line.split()[1:])) for line in file if line.startswith(b"Uid:")]
    if not found:
        raise ValueError("no users in the status of the process")
    return found[0]


def _is_program(process: str) -> bool:
    """Tell whether a process runs a file of the name saslauthd; True where we may not see which file it is."""
    try:
        return os.path.basename(os.readlink(f"/proc/{process}/exe")).split(" ")[0] == PROGRAM
    except PermissionError:
        return True


def _value(argv: list[str], option: str) -> str:
    """Return what follows `option`, in the same word or as the next; "" where it is not given."""
    for word, following in zip(argv, [*argv[1:], ""]):
        if word.startswith(option):
            return word[len(option) :] or following
    return ""
