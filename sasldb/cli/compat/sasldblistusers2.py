"""sasldblistusers2: list the users of a database, a drop-in for the command of Cyrus SASL.

Prints `user@realm: property` a record, in the file's own order, and streams: memory does not grow with the number of users. A pipe or
file gets names as the bytes that they are, a terminal with what does not print escaped: anybody may have chosen them. A malformed key, which the original loops on for ever, is passed over and counted on stderr. Exit status: 1 after a wrong
call or a configuration that does not parse, else 0, as in 2.1.28: also when the list failed or nobody took it.
"""

from __future__ import annotations

import os

from sasldb import syslog
from sasldb.cli.compat import streams, usage
from sasldb.cli.compat.scanner import MISTAKE, OPERAND, scan
from sasldb.errors import Conflict, Locked, SasldbError, SiteConfigError
from sasldb.libsasl import config
from sasldb.model.text import printable
from sasldb.store.reading import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LETTERS = b"vhf:?"
APPLICATION = b"sasldblistusers"
_CHUNK = 1 << 17  # bytes that are gathered before a write


def main(argv: Sequence[bytes]) -> int:
    """Run the command with `argv` (bytes, the program's name first) and return its exit status."""
    streams.hold()
    streams.let_pipes_break()
    streams.leave_no_core()
    database, status = _parse(argv)
    if database is None:
        return status
    try:
        config.read(APPLICATION, os.environb)  # only to see that it parses
    except SiteConfigError:
        streams.tell(b"Couldn't initialize server API\n")
        return 1
    _list(usage.base_name(argv[0]), os.fsdecode(database or config.DEFAULT_DATABASE))
    return 0


def _parse(argv: Sequence[bytes]) -> tuple[bytes | None, int]:
    """Return the database's path, b"" for the default one; or (None, exit status) when all is said."""
    if len(argv) == 2 and not argv[1].startswith(b"-"):
        return argv[1], 0
    database = b""
    wrong = unknown = False
    for letter, value in scan(argv[1:], LETTERS, b"POSIXLY_CORRECT" not in os.environb):
        if letter == b"f":
            database = value
        elif letter == b"v":
            streams.tell(usage.version(argv[0]))
            return None, 0
        else:
            wrong = True
            if letter != OPERAND:
                unknown = letter != b"h"
        if letter == MISTAKE:
            spoken = usage.called_as(argv[0], os.environb)
            streams.tell(b"%b: %b\n" % (spoken, value))
    if wrong:
        streams.tell(usage.usage(usage.SASLDBLISTUSERS2, argv[0]))
        if unknown:
            streams.tell(b"Unrecognized command line option\n")
        return None, 1
    return database, 0


def _list(name: bytes, path: str) -> None:
    """Print the records of the database `path`; say on stderr what could not be listed."""
    malformed = 0
    on_terminal = os.isatty(streams.STDOUT)
    gathered: list[bytes] = []
    size = 0
    try:
        with Database(path, checked=False) as database:
            for batch in database.key_batches():
                lines, skipped = _lines([_shown(key) for key in batch] if on_terminal else batch)
                malformed += skipped
                gathered.append(lines)
                size += len(lines)
                if size >= _CHUNK:
                    if not streams.write(streams.STDOUT, b"".join(gathered)):
                        return
                    gathered, size = [], 0
        streams.write(streams.STDOUT, b"".join(gathered))
    except SasldbError as error:
        streams.write(streams.STDOUT, b"".join(gathered))
        if isinstance(error, (Conflict, Locked)):
            streams.tell(b"%b: %b\n" % (name, printable(str(error)).encode()))
        streams.tell(b"listusers failed\n")
        syslog.send(name, syslog.ERROR, f"listusers failed: {error}")
    if malformed:
        records = b"1 record" if malformed == 1 else b"%d records" % malformed
        streams.tell(b"%b: %b with a malformed key not listed\n" % (name, records))


def _shown(key: bytes) -> bytes:
    """Return `key` as a terminal gets it; the NULs between its names stay."""
    return b"\0".join(map(streams.shown, key.split(b"\0")))


def _lines(keys: list[bytes]) -> tuple[bytes, int]:
    """Return the lines for `keys`, and how many of them are malformed. Works on whole lists: a million keys are 0.2 seconds."""
    sound = [key for key in keys if key.count(0) == 2]
    if not sound:
        return b"", len(keys)
    pieces = b"\n".join(sound).split(b"\0")  # user, realm, "property\nuser", realm, ... "property"
    woven = [b"@"] * (2 * len(pieces) - 1)
    woven[0::2] = pieces
    woven[3::4] = [b": "] * len(sound)
    woven.append(b"\n")
    return b"".join(woven), len(keys) - len(sound)
