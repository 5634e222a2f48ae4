"""Checks of the other side: this Postfix as a client that logs in elsewhere (smtp_sasl_...), and the store of its passwords.

Each function is a check of the table in `checks.table`; all is well where smtp_sasl_auth_enable is not set.
"""

from __future__ import annotations

import grp
import os
from shlex import quote

from sasldb.files.names import user_name
from sasldb.files.ownership import Ownership
from sasldb.policy.access import members, somebody
from sasldb.postfix.checks.finding import ERROR, Problem, WARNING
from sasldb.postfix.checks.users import stale_map
from sasldb.postfix.config import disclosure, maps
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site

_MAPS = "smtp_sasl_password_maps"
_TLS_OPTIONS = "smtp_sasl_tls_security_options"


def no_passwords(site: Site) -> Problem | None:
    """Look for a client that shall log in, and has no passwords, or the server's database for them."""
    if not _on(site):
        return None
    why = "The client takes login and password from there; it has nothing to do with the sasldb, which is the server's."
    if not _maps(site):
        return Problem.without_remedy(f"smtp_sasl_auth_enable = yes, and {_MAPS} is empty", why, "name a map.", WARNING)
    wrong = [name for name in _maps(site) if "sasldb" in name.rpartition("/")[2]]
    if not wrong:
        return None
    seen = f"{_MAPS} = {disclosure.value_of(_MAPS, wrong[0])}"
    return Problem.without_remedy(seen, why, f"name a map such as hash:{site.postfix.config_dir}/sasl_passwd.")


def stale(site: Site) -> Problem | None:
    """Look for password maps that postmap has not brought up to date."""
    for name in _maps(site):
        problem = stale_map(site, name, "a new password has no effect.")
        if problem:
            return problem
    return None


def exposed(site: Site) -> Problem | None:
    """Look for passwords that others may read."""
    for proxied in (False, True):
        names = [name for name in _maps(site) if name.startswith("proxy:") == proxied]
        states = {path: os.stat(path) for name in names for path in maps.files(name)}
        bad = [path for path, status in states.items() if status.st_uid != 0 or status.st_mode & 0o007]
        shared = [path for path, status in states.items() if _is_shared(status, site.group_id if proxied else 0)]
        if not bad and not shared:
            continue
        quoted = " ".join(quote(path) for path in states if path in (*bad, *shared))
        seen = f"{(bad or shared)[0]} is {Ownership.of(states[(bad or shared)[0]])}"
        if proxied:
            why = f"Postfix opens it by proxymap, as {site.user}, and nobody else need read it."
            command = f"chown root:{quote(site.group)} {quoted} && chmod 0640 {quoted}"
        else:
            why = f"Postfix opens it as root, before it becomes {site.user}: nobody else need read it."
            command = f"chown root:root {quoted} && chmod 0600 {quoted}"
        why = f"It holds the passwords of this host's accounts elsewhere. {why}"
        used = _used([status for path, status in states.items() if path in (*bad, *shared)], site)
        if used:
            why += f" See first whether {used} needs it."
        return Problem(seen, why, command, ERROR if bad else WARNING, safe=not used)
    return None


def _used(states: list[os.stat_result], site: Site) -> str:
    """Return by whom files may be in use, by owner or group, other than smtpd's user; "" where by nobody."""
    for status in states:
        who = members(status.st_gid) if status.st_mode & 0o060 else []
        who += [user_name(status.st_uid)] if somebody(status.st_uid) else []
        if set(who) - {site.user}:
            return next(name for name in who if name != site.user)
    return ""


def _is_shared(status: os.stat_result, group: int) -> bool:
    """Tell whether a file lets in a group that is not `group`; root's group counts only where others than root are in it."""
    if not status.st_mode & 0o070 or (group and status.st_gid == group):
        return False
    try:
        return status.st_gid != 0 or bool(set(grp.getgrgid(0).gr_mem) - {"root"})
    except KeyError:
        return False


def refusing(site: Site) -> Problem | None:
    """Look for a client that refuses what nearly every provider offers."""
    options = site.postfix[_TLS_OPTIONS]
    if not _on(site) or "noplaintext" not in options:
        return None
    seen = f"{_TLS_OPTIONS} = {options}"
    why = "A server that offers only PLAIN and LOGIN cannot be used, even under TLS: `No worthy mechs found`."
    command = fixes.main_cf(site, _TLS_OPTIONS, "noanonymous")
    return Problem(seen, why, fixes.together(command, fixes.reload(site)), WARNING)


def _on(site: Site) -> bool:
    return site.postfix["smtp_sasl_auth_enable"].lower() == "yes"


def _maps(site: Site) -> list[str]:
    return site.postfix[_MAPS].replace(",", " ").split() if _on(site) or site.postfix[_MAPS] else []
