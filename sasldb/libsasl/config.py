"""libsasl's configuration files: where they are looked for, and what they say.

An application NAME reads `NAME.conf` from the first directory that has one (SASL_CONF_PATH, else the compiled-in list) and no other.
A line is `key: value`; a word, a digit, `-` and `_` make a key, which is taken in lower case, and the first of two equal keys wins.
Quotes and a trailing `# comment` belong to the value. An unreadable file counts as absent, a directory as an empty file.

Source: Cyrus SASL 2.1.28 on Debian, observed (strace, and a file for each case). Lines are read 4095 bytes at a time, each piece being a
line of its own, and end at a NUL. Names, values and paths are bytes. Errors: `SiteConfigError`, with a line number
where a line does not parse and without one where no file name can be made.
"""

from __future__ import annotations

import os
import sys
from errno import EFBIG

from sasldb import bounds
from sasldb.errors import SiteConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_DATABASE = b"/etc/sasldb2"
CONF_PATH = b"SASL_CONF_PATH"
_ELSEWHERE = (b"/usr/lib64/sasl2", b"/usr/lib/sasl2", b"/usr/local/lib/sasl2")
LONGEST_APPLICATION = 4095  # bytes; libsasl takes a longer name for an invalid parameter
_LONGEST_PATH = 4096  # bytes: PATH_MAX
_RESERVE = 8  # bytes that libsasl adds to directory and name: `/`, `.conf` and two more
_LINE = 4095  # bytes that it reads at once
_BLANKS = b" \t\n\v\f\r"
_KEY = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


class Config:
    """What one file says: `path` (bytes; None where there was no file) and its values."""

    __slots__ = ("_values", "path")

    def __init__(self, path: bytes | None, values: Mapping[bytes, bytes]) -> None:
        self.path = path
        self._values = dict(values)

    def get(self, key: bytes) -> bytes | None:
        """Return the value (bytes, never empty) of `key` (in lower case), or None."""
        return self._values.get(key)

    def words(self, key: bytes) -> list[bytes] | None:
        """Return the blank-separated words of `key` in their order and in lower case, or None where it is not set."""
        value = self._values.get(key)
        return None if value is None else value.lower().split()

    def is_on(self, key: bytes) -> bool:
        """Tell whether the value starts with `1`, `y`, `t` or `on`, in lower case; anything else, and no value, is off."""
        return self._values.get(key, b"").startswith((b"1", b"y", b"t", b"on"))

    def __repr__(self) -> str:
        return f"Config({self.path!r}, {b' '.join(self._values).decode('ascii')})"


def library_directory() -> bytes:
    """Return the directory in which this machine's libsasl looks for its plug-ins; the usual one where there is none."""
    multiarch = getattr(sys.implementation, "_multiarch", "") or os.uname().machine + "-linux-gnu"
    usual = os.fsencode(f"/usr/lib/{multiarch}/sasl2")
    for directory in (usual, *_ELSEWHERE):
        if os.path.isdir(directory):
            return directory
    return usual


def directories(environ: Mapping[bytes, bytes]) -> list[bytes]:
    """Return the directories that are searched, in order; an empty SASL_CONF_PATH is the root directory, as in libsasl."""
    if CONF_PATH in environ:
        return environ[CONF_PATH].split(b":")
    return [b"/etc/sasl2", b"/etc/sasl", library_directory(), b"/usr/lib/sasl2"]


def read(application: bytes, environ: Mapping[bytes, bytes]) -> Config:
    """Return the configuration of `application` (a name without `/`); an empty one where no directory has its file.

    Raises:
        SiteConfigError: a line that libsasl does not take, a path too long for the system, or a file too large.
    """
    for directory in directories(environ):
        if len(directory) + len(application) + _RESERVE > _LONGEST_PATH:
            raise SiteConfigError(os.fsdecode(directory), "with the application's name, the path is too long")
        path = b"%b/%b.conf" % (directory, application)
        text = _content(path)
        if text is not None:
            return Config(path, parse(text, os.fsdecode(path)))
    return Config(None, {})


def database(config: Config, named: bytes | None) -> bytes:
    """Return the database's path: `named` (None where the caller named none), else `sasldb_path`, else the default one.

    A name that is empty means the default one, whatever `sasldb_path` says.
    """
    return (config.get(b"sasldb_path") if named is None else named) or DEFAULT_DATABASE


def parse(text: bytes, path: str) -> dict[bytes, bytes]:
    """Return key -> value of a file's content; `path` is for the message only.

    Raises:
        SiteConfigError: a line that is neither empty, a comment nor `key: value`.
    """
    values: dict[bytes, bytes] = {}
    for number, whole in enumerate(text.split(b"\n"), 1):
        for start in range(0, len(whole), _LINE):
            line = whole[start : start + _LINE].partition(b"\0")[0].strip(_BLANKS)
            if not line or line.startswith(b"#"):
                continue
            key, colon, value = line.partition(b":")
            value = value.lstrip(_BLANKS)
            if not colon or not value or not _KEY.issuperset(key):
                raise SiteConfigError(path, "not `key: value`", line=number)
            values.setdefault(key.lower(), value)
    return values


def _content(path: bytes) -> bytes | None:
    """Return the file's bytes, b"" of what cannot be read as a file, None where there is nothing to open.

    Raises:
        SiteConfigError: it has no end, or is too large. libsasl would read it for ever.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return bounds.read_all(descriptor)
    except OSError as error:
        if error.errno == EFBIG:
            raise SiteConfigError(os.fsdecode(path), bounds.TOO_LARGE) from error
        return b""
    finally:
        os.close(descriptor)
