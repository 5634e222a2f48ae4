"""Checks of what runs: Postfix itself, and smtpd processes that were started before something was changed.

An smtpd reads main.cf, the conf file and the plug-ins when it starts, and serves up to 100 clients.
Each function is a check of the table in `checks.table`. Source: Linux, proc(5).
"""

from __future__ import annotations

import os
import time
from shlex import quote

from sasldb.operations.checks import remedies
from sasldb.operations.checks.finding import Problem, Unseen
from sasldb.operations.checks.site import Site

_START = 19  # of the fields of /proc/PID/stat behind the name, counted from 0: clock ticks since the system started
_PARENT = 1


def stopped(site: Site) -> Problem | None:
    """Look whether Postfix runs."""
    if site.master is None:
        raise Unseen("whether Postfix runs can be seen by root alone")
    if site.master:
        return None
    return Problem("Postfix does not run", "Nobody answers.", postfix(site, "start"), safe=False)


def postfix(site: Site, verb: str) -> str:
    """Return the command that has this Postfix `start` or `stop`."""
    option = f" -c {quote(site.option)}" if site.option else ""
    return f"postfix{option} {verb}"


def outdated(site: Site) -> Problem | None:
    """Look for smtpd processes older than what they read when they started."""
    if not site.master:
        raise Unseen("when smtpd was started can be seen by root alone")
    watched = [f"{site.postfix.config_dir}/main.cf", f"{site.postfix.config_dir}/master.cf", site.conf.path]
    changed = {path: os.stat(path).st_mtime for path in watched if os.path.exists(path)}
    starts = [start for start in map(_StartOfSmtpd(site.master), os.listdir("/proc")) if start]
    late = [path for path, when in changed.items() if any(when > start for start in starts)]
    if not late:
        return None
    seen = f"{late[0]} was changed after an smtpd that still runs was started"
    why = "That process goes on with what it read before, for up to 100 clients."
    return Problem(seen, why, remedies.reload(site))


class _StartOfSmtpd:
    """A function of a name in /proc: when that process was started (seconds since the epoch), 0.0 where it is no smtpd of this Postfix."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        self._tick = os.sysconf("SC_CLK_TCK")

    def __call__(self, name: str) -> float:
        if not name.isdigit():
            return 0.0
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                program, _, rest = file.read().rpartition(")")
        except OSError:
            return 0.0  # it ended meanwhile
        fields = rest.split()
        if not program.endswith("(smtpd") or int(fields[_PARENT]) != self._master:
            return 0.0
        return self._boot + int(fields[_START]) / self._tick
