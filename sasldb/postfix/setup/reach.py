"""What smtpd has to reach for a backend, and the saslauthd that was asked for: tried and looked at after a setup.

That saslauthd can be reached at all is a check's matter (`saslauthd-unreachable`). Servers at another end of the network are not asked.
Sources: Cyrus SASL 2.1.28, options.html (sql_engine, sql_hostnames, ldapdb_uri), saslauthd(8); the sockets of PostgreSQL and MariaDB are
those compiled into their clients on Debian. Errors: SiteConfigError where smtpd's user does not exist. Where only root can see, nothing is told.
"""

from __future__ import annotations

import getopt
import os
from urllib.parse import unquote

from sasldb.libsasl import saslauthd
from sasldb.policy import daemon
from sasldb.postfix.setup.request import LDAPDB, SQL
from sasldb.postfix.site.site import Site

EXTERNAL = "EXTERNAL"
SOCKET = "/var/run/saslauthd/mux"
_LDAPI = "ldapi://"
_SOCKETS = {"pgsql": "/var/run/postgresql/.s.PGSQL.5432", "mysql": "/run/mysqld/mysqld.sock"}
_LONGEST = 1 << 16  # characters of a command line; whoever owns a process chooses its length
_OPTIONS = "a:cdhO:lm:n:rs:t:vV"  # of saslauthd


def trouble(site: Site, backend: str) -> list[str]:
    """Return a sentence for each thing that is not as the `backend` needs it, of the `site` as it is now."""
    values = {entry.key: os.fsdecode(entry.value) for entry in reversed(site.conf.entries)}
    found = []
    if backend == SQL:
        found = [_tried(site, *file) for file in _database(values)]
    elif backend == LDAPDB:
        found = [_tried(site, daemon.CONNECT, path) for path in sockets(values.get(b"ldapdb_uri", ""))]
    elif backend.startswith("saslauthd-"):
        path = values.get(b"saslauthd_path", SOCKET)
        found = [_running(f"{view.jail or ''}{path}", backend.partition("-")[2]) for view in site.views]
    return [sentence for sentence in found if sentence]


def sockets(uri: str) -> list[str]:
    """Return the paths of the sockets that ldapdb_uri names."""
    return [unquote(word[len(_LDAPI) :]) for word in uri.split() if word.startswith(f"{_LDAPI}%2")]


def reached(site: Site, path: str, jail: str | None) -> bool | None:
    """Tell whether smtpd can connect to the socket `path` in `jail`; None where that cannot be tried."""
    tried = daemon.attempt(daemon.CONNECT, path, site.user, jail)
    return None if tried is None else not tried.errno


def _database(values: dict[bytes, str]) -> list[tuple[str, str]]:
    """Return (what to do, path) of a database that is a file or a server at a socket of this machine."""
    engine = values.get(b"sql_engine", "mysql")
    if engine.startswith("sqlite"):
        path = values.get(b"sql_database", "")
        return [(daemon.READ, path)] if path.startswith("/") else []
    local = values.get(b"sql_hostnames", "") in ("", *(["localhost"] if engine == "mysql" else []))
    return [(daemon.CONNECT, _SOCKETS[engine])] if local and engine in _SOCKETS else []


def _tried(site: Site, what: str, path: str) -> str:
    for view in site.views:
        tried = daemon.attempt(what, path, site.user, view.jail)
        if tried is not None and tried.errno:
            return f"{view.jail or ''}{path}: {os.strerror(tried.errno)}, tried as {site.user}"
    return ""


def _running(socket: str, mechanism: str) -> str:
    """Look for a saslauthd that listens at `socket`, and serves another mechanism."""
    place = os.path.realpath(os.path.dirname(socket))
    for process in filter(str.isdigit, os.listdir("/proc")):
        if not saslauthd.serves(process, place):
            continue
        try:
            with open(f"/proc/{process}/cmdline", encoding="utf-8", errors="surrogateescape") as file:
                program, *arguments = file.read(_LONGEST).rstrip("\0").split("\0")
            if os.path.basename(program) != "saslauthd":
                continue
            given = dict(getopt.getopt(arguments, _OPTIONS)[0])
        except (OSError, ValueError, getopt.GetoptError):
            continue
        at, other = given.get("-m", os.path.dirname(SOCKET)), given.get("-a", mechanism)
        if os.path.realpath(at) == place and other != mechanism:
            return f"saslauthd at {at} runs with -a {other}, not with -a {mechanism}"
    return ""
