"""Postfix's lookup tables that are made from a text file by postmap: what they hold, and whether they are up to date.

Tables of other kinds (SQL, LDAP, regular expressions) cannot be listed, and pass. Source: Postfix 3.7, DATABASE_README, postmap(1).
Errors: none; what cannot be listed has no values.
"""

from __future__ import annotations

import os

from sasldb.postfix.config.restriction_lists import split

_SUFFIX = {"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb", "dbm": ".pag", "sdbm": ".pag"}
_TEXT = ("texthash",)
CURRENT, STALE, UNMADE, NO_SOURCE = "current", "stale", "unmade", "no source"
_POSTMAP = ("/usr/sbin/postmap", "/usr/local/sbin/postmap", "/opt/local/sbin/postmap")
_PATIENCE = 10.0  # seconds


def plain(name: str) -> str:
    """Return the name of a table (`hash:/path`) without `proxy:`, through which Postfix opens the same table."""
    return ":".join(_parts(name))


def named(text: str) -> list[str]:
    """Return the names of the tables in a parameter's value, without `proxy:`, and each once."""
    return list(dict.fromkeys(plain(name) for _, name in split(text)))


def suffix(kind: str) -> str | None:
    """Return what postmap appends to the source's name for a table of `kind`; None for a kind that it does not make."""
    return _SUFFIX.get(kind)


def state(name: str) -> str:
    """Return how the table `name` (`hash:/path`) stands to its source: one of the constants; CURRENT for what has none."""
    kind, path = _parts(name)
    if kind in _TEXT:
        return CURRENT if os.path.exists(path) else NO_SOURCE
    if kind not in _SUFFIX:
        return CURRENT
    made = path + _SUFFIX[kind]
    try:
        source = os.stat(path).st_mtime_ns
    except OSError:
        return CURRENT if os.path.exists(made) else NO_SOURCE
    try:
        return STALE if os.stat(made).st_mtime_ns < source else CURRENT
    except OSError:
        return UNMADE


def files(name: str) -> list[str]:
    """Return the files of the table that are there: its source, and what postmap made of it."""
    kind, path = _parts(name)
    if kind not in (*_SUFFIX, *_TEXT):
        return []
    names = [path, path + _SUFFIX[kind]] if kind in _SUFFIX else [path]
    return [name for name in names if os.path.exists(name)]


def values(name: str, config_dir: str | None = None) -> set[str]:
    """Return the words of all values of the table (text, commas and blanks taken away); empty where it cannot be listed."""
    return words(listed(name, config_dir) or [])


def words(pairs: list[tuple[str, str]]) -> set[str]:
    """Return the words of the values of (key, value)."""
    return {word for _, value in pairs for word in value.replace(",", " ").split()}


def listed(name: str, config_dir: str | None = None) -> list[tuple[str, str]] | None:
    """Return (key, value) of all that the table has (text); None where it cannot be listed."""
    import subprocess

    kind, path = _parts(name)
    postmap = next((program for program in _POSTMAP if os.access(program, os.X_OK)), None)
    if kind not in (*_SUFFIX, *_TEXT) or postmap is None:
        return None
    argv = [postmap, *(["-c", config_dir] if config_dir else []), "-s", f"{kind}:{path}"]
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = [line.partition("\t") for line in os.fsdecode(done.stdout).splitlines()]
    return None if done.returncode else [(key, value) for key, tab, value in lines if tab]


def _parts(name: str) -> tuple[str, str]:
    """Return kind and path; `proxy:` in front of both is taken away."""
    kind, _, path = name.partition(":")
    return _parts(path) if kind == "proxy" else (kind, path)
