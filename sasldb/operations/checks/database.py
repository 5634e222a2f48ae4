"""Checks of the database as smtpd finds it: it is there, smtpd may read it, and nobody else may.

Whether smtpd may is tried, with its user and groups and inside its root directory. Each function is a check of the table in `checks.table`.
"""

from __future__ import annotations

import errno
import os
import stat
from shlex import quote

from sasldb.files import trust
from sasldb.files.ownership import Ownership
from sasldb.operations.checks import remedies
from sasldb.operations.checks.finding import WARNING, Problem, Unseen
from sasldb.operations.checks.site import Site, View
from sasldb.siteconf import daemon

_SHUT = (errno.EACCES, errno.EPERM, errno.ELOOP)


def elsewhere(site: Site) -> Problem | None:
    """Look for users in a database that smtpd does not open."""
    places = [site.named] if site.named else _usual(site)
    if not site.uses_sasldb or (not site.named and (os.geteuid() != 0 or site.has_users(site.database))):
        return None  # as another user, `unreadable` tells that the database cannot be looked into
    ours = [os.path.realpath(path) for view in site.views for path in (view.path, view.inside)]
    for place in places:
        if os.path.realpath(place) in ours or not site.has_users(place):
            continue
        seen = f"the users are in {place}, and smtpd opens {site.views[0].path}"
        why = "Users are looked up in the latter alone; a missing or empty one is logged as a wrong password."
        copies = [remedies.copy(site, place, f"{view.jail}{place}") for view in site.views if view.jail]
        return Problem(seen, why, remedies.together(*copies, remedies.conf_option(site, "sasldb_path", place)))
    return None


def missing(site: Site) -> Problem | None:
    """Look for no database at all."""
    for view in site.views:
        if not site.uses_sasldb or os.path.lexists(view.path) or os.path.lexists(view.inside):
            continue
        why = "Users who are not there are logged as wrong passwords; a missing file is not logged."
        commands = [f"sasldb init -f {quote(view.inside)}"]
        commands += [remedies.copy(site, view.inside, view.path)] if view.jail else []
        return Problem(f"{view.path}: no such file", f"{why} Users have to be made anew.", remedies.together(*commands))
    return None


def directory(site: Site) -> Problem | None:
    """Try whether smtpd gets through the directories above."""
    for view, tried in _tried(site) if os.geteuid() == 0 else []:
        if tried.errno not in _SHUT or not tried.directory:
            continue
        shut = f"{view.jail or ''}{tried.directory}"
        seen = f"{shut} lets {site.user} not through ({description(shut)})"
        why = "smtpd reads the database as that user; it is logged as `Permission denied`."
        return Problem(seen, why, f"chgrp {quote(site.group)} {quote(shut)} && chmod g+x {quote(shut)}", safe=False)
    return None


def unreadable(site: Site) -> Problem | None:
    """Try whether smtpd can open the file."""
    for view, tried in _tried(site):
        if tried.errno in (0, errno.ENOENT):
            continue
        where = f", inside {view.jail}" if view.jail else ""
        seen = f"{view.path} ({description(view.path)}): {os.strerror(tried.errno)}, tried as {site.user}{where}"
        why = "smtpd reads the database as that user; no login works."
        if tried.errno not in _SHUT:
            return Problem.without_remedy(seen, why, "see what kind of file it is.")
        return Problem(seen, why, remedies.private(site, view.path))
    return None


def exposed(site: Site) -> Problem | None:
    """Look for passwords that others may read."""
    for path in _files(site):
        if os.stat(path).st_mode & 0o007:
            seen = f"{path} is {description(path)}"
            why = "The file holds passwords, and every user of this host may read or change them."
            return Problem(seen, why, remedies.private(site, path))
    return None


def owner(site: Site) -> Problem | None:
    """Look for a database that does not belong to root."""
    for path in _files(site):
        if os.stat(path).st_uid != 0:
            seen = f"{path} is {description(path)}"
            why = "Its owner can change every password; a hole in a program of that user would do."
            return Problem(seen, why, remedies.private(site, path), WARNING)
    return None


def open_directory(site: Site) -> Problem | None:
    """Look for a database in a directory that others may write to."""
    for path in _files(site):
        parent = os.path.dirname(os.path.realpath(path))
        status = os.stat(parent)
        if not trust.open_to_others(status):
            continue
        seen = f"{parent} is {description(parent)}, and holds a database"
        why = "Whoever may write to the directory can put another file in its place."
        if status.st_mode & stat.S_ISVTX:
            return Problem.without_remedy(seen, why, "the directory serves everybody: move the database.", WARNING)
        return Problem(seen, why, f"chown root {quote(parent)} && chmod go-w {quote(parent)}", WARNING)
    return None


def _tried(site: Site) -> list[tuple[View, daemon.Attempt]]:
    """Return what came of reading as smtpd, a view each."""
    if not site.uses_sasldb:
        return []
    tried = [(view, daemon.attempt(daemon.READ, view.inside, site.user, view.jail)) for view in site.views]
    if any(attempt is None for _, attempt in tried):
        raise Unseen(f"whether {site.user} can read {site.database} can be tried by root alone")
    return [(view, attempt) for view, attempt in tried if attempt]


def _files(site: Site) -> list[str]:
    """Return the database and, beside a copy in the jail, the one that it is a copy of; those that are there."""
    paths = [path for view in site.views for path in (view.path, view.inside)]
    try:
        return [path for path in dict.fromkeys(paths) if os.path.isfile(path)]
    except OSError:
        return []


def _usual(site: Site) -> list[str]:
    """Return the paths at which databases lie, whatever the conf says."""
    defaults = ["/etc/sasldb2", "/etc/sasl2/sasldb2", "/usr/local/etc/sasldb2", f"{site.inside}.db"]
    jails = [view.jail for view in site.views if view.jail]
    return [*defaults, *(f"{jail}{path}" for jail in jails for path in defaults)]


def description(path: str) -> str:
    """Return owner, group and mode as people write them."""
    try:
        return str(Ownership.of(os.stat(path)))
    except OSError as error:
        return str(error.strerror)
