"""Where the copy of a default database lies that a chrooted smtpd reads: inside Postfix's queue directory.

Every change of a default database asks for it. So postconf is not asked: that is a process, which takes longer than the change itself.
main.cf of the default Postfix is read for queue_directory alone, by the rules of its format, and only a value that stands there literally
is taken. Where it is made of other parameters no copy is kept; `sasldb postfix check` asks postconf, and finds one that fell behind.
Source: Postfix, postconf(5): comments, lines that go on, and of two values the last one counts.

Raises nothing.
"""

from __future__ import annotations

import os

from sasldb.files.refusals import close

DEFAULT_DATABASES = ("/etc/sasldb2", "/etc/sasl2/sasldb2")
MAIN_CF = "/etc/postfix/main.cf"
_USUAL = "/var/spool/postfix"
_PARAMETER = b"queue_directory"
_LONGEST = 1 << 20  # bytes of main.cf


def queue_directory() -> str | None:
    """Return the queue directory of the default Postfix, the usual one where there is no Postfix, None where only postconf knows."""
    try:
        fd = os.open(MAIN_CF, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            value = _last_value(os.read(fd, _LONGEST))
        finally:
            close(fd)
    except OSError:
        return _USUAL
    if value is None:
        return _USUAL
    literal = value[:1] == b"/" and b"$" not in value
    return os.fsdecode(value.rstrip(b"/")) if literal else None


def copy_of(database: str) -> str | None:
    """Return where the copy of a default database has its place; None for any other, and where the queue directory is not known."""
    jail = queue_directory() if database in DEFAULT_DATABASES else None
    return None if jail is None else jail + database


def copy_in_jail(*names: str) -> str | None:
    """Return the copy in Postfix's chroot of the default database that has one of `names`, or is a link to it; None where none is in use.

    Of two default databases only one may be there; then a copy under the name of the other is taken for its own.
    """
    jail = queue_directory()
    if jail is None:
        return None
    copied = [database for database in DEFAULT_DATABASES if os.path.lexists(jail + database)]
    if not copied:
        return None
    meant = [database for database in DEFAULT_DATABASES if database in names or leads_to(database) in names]
    others = [database for database in copied if meant and not os.path.lexists(database)]
    return next((jail + database for database in meant + others if database in copied), None)


def governed() -> list[str]:
    """Return the names of the default databases and of their copies."""
    jails = dict.fromkeys((_USUAL, queue_directory() or _USUAL))
    return [*DEFAULT_DATABASES, *(jail + database for jail in jails for database in DEFAULT_DATABASES)]


def leads_to(name: str) -> str:
    """Return the path without links that `name` leads to, as far as that can be seen."""
    try:
        return os.path.realpath(name)
    except OSError:
        return name  # a link that goes away just now


def _last_value(text: bytes) -> bytes | None:
    """Return what main.cf says of the queue directory, None where it says nothing."""
    value: bytes | None = None
    meant = False
    for line in text.split(b"\n") if _PARAMETER in text else ():
        words = line.strip()
        if not words or words[:1] == b"#":
            continue
        if line[:1].isspace():
            value = value + b" " + words if meant and value is not None else value
            continue
        name, _, rest = line.partition(b"=")
        meant = name.strip() == _PARAMETER
        value = rest if meant else value
    return value if value is None else value.strip()
