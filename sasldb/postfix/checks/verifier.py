"""Who verifies a password, and checks of saslauthd where it does: smtpd reaches it, and asks it for nothing that it cannot do.

`beyond_saslauthd` and `unreachable` are checks of the table in `checks.table`: they return the Problem or None, and raise Unseen.
"""

from __future__ import annotations

import errno
import os
import stat
from grp import getgrgid
from shlex import quote

from sasldb.libsasl import mechanisms, saslauthd
from sasldb.policy import daemon
from sasldb.postfix.checks.finding import Problem
from sasldb.postfix.checks.guards import guarded
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen

_GROUPS = ("sasl", "saslauth")  # that distributions make for saslauthd's directory


def beyond_saslauthd(site: Site) -> Problem | None:
    """Look for mechanisms that saslauthd cannot serve."""
    beyond = [name for name in site.mechanisms if name not in (*mechanisms.SHADOW_MECHANISMS, "ANONYMOUS")]
    if methods(site) != ["saslauthd"] or not beyond or other_stores(site) or site.populated:
        return None
    seen = f"pwcheck_method: saslauthd, and {' '.join(beyond)} offered"
    why = (
        "saslauthd can only compare a password that the client sends: PLAIN and LOGIN. All else looks into a database."
    )
    problem = Problem(seen, why, fixes.conf_option(site, "mech_list", "PLAIN LOGIN"))
    return guarded(site, problem, site.offering, list(mechanisms.SHADOW_MECHANISMS))


def unreachable(site: Site) -> Problem | None:
    """Try, as smtpd, to reach saslauthd where it is asked."""
    if "saslauthd" not in methods(site) or "auxprop" in methods(site):
        return None
    for jail, tried in _tried(site):
        if tried.errno:
            return _unreached(site, socket(site), tried, jail)
    return None


def _unreached(site: Site, path: str, tried: daemon.Attempt, jail: str | None) -> Problem:
    where = f"{jail or ''}{tried.directory or path}"
    seen = f"{jail or ''}{path}: {os.strerror(tried.errno)}, tried as {site.user}"
    why = "pwcheck_method is saslauthd, so every PLAIN and LOGIN fails while smtpd does not reach it."
    if site.populated:
        why += f" The users of {site.database} are not asked for: that takes `pwcheck_method: auxprop`."
    if tried.errno in (errno.EACCES, errno.EPERM):
        group = _admitted(where)
        if not group:
            return Problem.without_remedy(seen, why, f"{where} lets in no group that {site.user} could be put into.")
        command = f"usermod -a -G {quote(group)} {quote(site.user)}"
        return Problem(seen, why, fixes.together(command, fixes.reload(site)), safe=group in _GROUPS)
    if jail and not os.path.isdir(os.path.dirname(f"{jail}{path}")):
        reason = f"saslauthd has to make its socket there: -m {quote(os.path.dirname(f'{jail}{path}'))}"
        return Problem.without_remedy(seen, why, reason)
    return Problem(seen, why, "service saslauthd start", safe=False)


def _admitted(path: str) -> str:
    """Return the group that the directory lets through, or the socket lets write; "" for none, for root's, and for one without a name."""
    try:
        status = os.stat(path)
        needed = stat.S_IXGRP if stat.S_ISDIR(status.st_mode) else stat.S_IWGRP
        return getgrgid(status.st_gid).gr_name if status.st_mode & needed and status.st_gid else ""
    except (OSError, KeyError):
        return ""


def deliberate(site: Site) -> bool:
    """Tell whether saslauthd alone is asked, and offered nothing that it cannot serve: then it is what the administrator means."""
    listed = site.conf.words(b"mech_list")
    typed = {name.lower() for name in mechanisms.SHADOW_MECHANISMS}
    return methods(site) == ["saslauthd"] and bool(listed) and set(listed or ()) <= typed


def answers(site: Site) -> bool:
    """Tell whether each smtpd reaches saslauthd, or root, where it is another application. Raises Unseen."""
    return all(tried.errno == 0 for _, tried in _tried(site))


def _tried(site: Site) -> list[tuple[str | None, daemon.Attempt]]:
    """Return (jail or None, what came of reaching saslauthd as smtpd there) for each view. Raises Unseen."""
    path, user = socket(site), "root" if site.foreign else site.user
    tried = [(view.jail, daemon.attempt(daemon.CONNECT, path, user, view.jail)) for view in site.views]
    if any(attempt is None for _, attempt in tried):
        raise Unseen(f"whether {path} is reached can be tried by root alone")
    return [(jail, attempt) for jail, attempt in tried if attempt]


def socket(site: Site) -> str:
    """Return saslauthd's socket as smtpd names it."""
    named = site.conf.get(b"saslauthd_path")
    return os.fsdecode(named) if named else f"{saslauthd.DIRECTORY}/{saslauthd.SOCKET}"


def other_stores(site: Site) -> list[str]:
    """Return the plug-ins beside sasldb that are asked, installed, and have the option that they need."""
    named = site.conf.words(b"auxprop_plugin")
    asked = [name for name in mechanisms.NEEDS if named is None or name in named]
    return [name for name in asked if name in site.plugins and site.conf.get(mechanisms.NEEDS[name])]


def methods(site: Site) -> list[str]:
    """Return the words of pwcheck_method; libsasl's default is auxprop."""
    return site.conf.words(b"pwcheck_method") or ["auxprop"]
