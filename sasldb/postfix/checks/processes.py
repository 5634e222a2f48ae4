"""Checks of what runs: Postfix itself, and smtpd processes that were started before something was changed.

An smtpd reads main.cf, the conf file and the plug-ins when it starts, and serves up to 100 clients.
Each function is a check of the table in `checks.table`. Source: Linux, proc(5).
"""

from __future__ import annotations

import os
import time
from shlex import quote

from sasldb.postfix.checks.finding import Problem
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen

_START = 19  # of the fields of /proc/PID/stat behind the name, counted from 0: clock ticks since the system started
_PARENT = 1
_LONGEST = 4096  # characters
_QUEUE_MANAGERS = ("qmgr", "oqmgr")  # run from one reload to the next (Postfix 3.7, observed; qmgr(8))


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
    """Look for smtpd processes older than what they read when they started, where Postfix was not reloaded since.

    After a reload an smtpd from before ends with the client that it serves, so there is nothing to do.
    """
    if not site.master:
        raise Unseen("when smtpd was started can be seen by root alone")
    watched = [f"{site.postfix.config_dir}/main.cf", f"{site.postfix.config_dir}/master.cf", site.conf.path]
    changed = {path: os.stat(path).st_mtime for path in watched if os.path.exists(path)}
    started = _Starts(site.master)
    reloaded = max(started.of(_QUEUE_MANAGERS), default=0.0)
    late = [
        path for path, when in changed.items() if any(when > max(start, reloaded) for start in started.of(("smtpd",)))
    ]
    if not late:
        return None
    seen = f"{late[0]} was changed after an smtpd that still runs was started"
    why = "That process goes on with what it read before, for up to 100 clients."
    return Problem(seen, why, fixes.reload(site))


class _Starts:
    """When the children of this Postfix's master were started, in seconds since the epoch."""

    def __init__(self, master: int) -> None:
        """Look at all processes, once."""
        self._master = master
        self._boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        self._tick = os.sysconf("SC_CLK_TCK")
        self._found = [self._child(name) for name in os.listdir("/proc") if name.isdigit()]

    def of(self, names: tuple[str, ...]) -> list[float]:
        """Return the starts of those that run one of the programs `names`."""
        return [start for program, start in self._found if program in names]

    def _child(self, name: str) -> tuple[str, float]:
        """Return the program and the start of a process; ("", 0.0) where it is no child."""
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                program, _, rest = file.read(_LONGEST).rpartition(")")
        except OSError:
            return "", 0.0  # it ended meanwhile
        fields = rest.split()
        if int(fields[_PARENT]) != self._master:
            return "", 0.0
        return program.partition("(")[2], self._boot + int(fields[_START]) / self._tick
