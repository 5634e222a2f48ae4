"""The conf file of libsasl, changed where it must be: comments and every other line stay.

Errors: `SiteConfigError` where there is something that cannot be changed line by line.
"""

from __future__ import annotations

from sasldb.errors import SiteConfigError
from sasldb.libsasl import conffile, config
from sasldb.libsasl.conffile import ConfFile, SECRETS
from sasldb.postfix.config import disclosure
from sasldb.postfix.setup.backends import Lines

HEADING = b"# For smtpd. Written by: sasldb postfix setup\n"


def changed(file: ConfFile, content: bytes, lines: Lines) -> bytes:
    """Return `content`, that of `file` (b"" where there is none), with `lines` in it, key -> value, or without a key (None).

    Raises:
        SiteConfigError: a directory, a dangling link, or a line that libsasl does not take.
    """
    if file.state not in (conffile.MISSING, conffile.FILE):
        raise SiteConfigError(file.path, file.state, remedy="remove it, or run: sasldb postfix check")
    if file.wrong:
        raise SiteConfigError(
            file.path, "not `key: value`", line=file.wrong[0][0], remedy="run: sasldb postfix check --fix"
        )
    if file.state == conffile.MISSING:
        content = HEADING
    outstanding = dict(lines)
    kept = []
    for line in content.splitlines(keepends=True):
        pairs = config.parse(line, file.path)
        key = next(iter(pairs), b"")
        if key not in lines:
            kept.append(line)
        elif key in outstanding:
            value = outstanding.pop(key)
            if value is not None:
                kept.append(line if value == pairs[key] else _line(key, value))
    if kept and not kept[-1].endswith(b"\n"):
        kept[-1] += b"\n"
    kept += [_line(key, value) for key, value in outstanding.items() if value is not None]
    return b"".join(kept)


def has_secret(content: bytes) -> bool:
    """Tell whether a password stands in a conf's content."""
    keys = {line.partition(b":")[0].strip().lower() for line in content.splitlines() if b":" in line}
    return not keys.isdisjoint(SECRETS)


def shown(lines: list[bytes]) -> list[str]:
    """Return the lines of a conf as they may be shown."""
    return disclosure.conf(lines, HEADING)


def _line(key: bytes, value: bytes) -> bytes:
    return b"%b: %b\n" % (key, value)
