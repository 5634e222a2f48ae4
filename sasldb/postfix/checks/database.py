"""Checks of the database as smtpd finds it: it is there, smtpd may read it, and nobody else may.

Whether smtpd may is tried, with its user and groups and inside its root directory. Each function is a check of the table in `checks.table`.
"""

from __future__ import annotations

import errno
import os
import stat
from shlex import quote

from sasldb.files.ownership import Ownership
from sasldb.files.place import Place
from sasldb.policy import daemon
from sasldb.policy.access import members, somebody
from sasldb.postfix.checks import owning
from sasldb.postfix.checks.finding import Problem, WARNING
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen
from sasldb.postfix.site.view import View

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
        seen = f"the users are in {place}, and {site.program} opens {site.views[0].path}"
        why = "Users are looked up in the latter alone; a missing or empty one is logged as a wrong password."
        inside = next((_below(view.jail, place) for view in site.views if view.jail), place)
        names = [
            View(inside, view.jail).name for view in site.views
        ]  # what is there is for `chroot-copy-stale` to judge
        copies = [fixes.copy(site, place, name) for name in names if not os.path.lexists(name)]
        remedy = fixes.together(*copies, fixes.conf_option(site, "sasldb_path", inside))
        named = bool(site.named)  # otherwise it may be another server's, whose users nobody asked to let in here
        return Problem(seen, why, remedy, safe=named)
    return None


def missing(site: Site) -> Problem | None:
    """Look for no database at all."""
    for view in site.views:
        if not site.uses_sasldb or view.there or os.path.exists(view.inside):
            continue
        names = dict.fromkeys(name for name in (view.inside, view.name) if os.path.islink(name))
        seen = f"{view.path}: {'a link that leads nowhere' if names else 'no such file'}"
        why = "Users who are not there are logged as wrong passwords; a missing file is not logged."
        clear = [f"rm {quote(name)}" for name in names]
        kept = next((other.path for other in site.views if site.has_users(other.path)), None)
        if kept:
            return Problem(seen, why, fixes.together(*clear, fixes.copy(site, kept, view.path)), safe=not names)
        make = fixes.new_database(site, view.inside)
        copy = fixes.copy(site, view.inside, view.name) if view.jail else ""
        remedy = fixes.together(*clear, make, copy)
        return Problem(seen, f"{why} Users have to be made anew.", remedy, safe=not names)
    return None


def directory(site: Site) -> Problem | None:
    """Try whether smtpd gets through the directories above."""
    for view, tried in _tried(site) if os.geteuid() == 0 else []:
        if tried.errno not in _SHUT or not tried.directory:
            continue
        shut = f"{view.jail or ''}{tried.directory}"
        user, group = site.reader or "", owning.first_group(site)
        seen = f"{shut} lets {user} not through ({description(shut)})"
        why = f"{site.program} reads the database as that user; it is logged as `Permission denied`."
        return Problem(seen, why, f"chgrp {quote(group)} {quote(shut)} && chmod g+x {quote(shut)}", safe=False)
    return None


def unreadable(site: Site) -> Problem | None:
    """Try whether smtpd can open the file."""
    for view, tried in _tried(site):
        if tried.errno in (0, errno.ENOENT):
            continue
        where = f", inside {view.jail}" if view.jail else ""
        seen = f"{view.path} ({description(view.path)}): {os.strerror(tried.errno)}, tried as {site.reader}{where}"
        why = f"{site.program} reads the database as that user; no login works."
        if tried.errno not in _SHUT:
            return Problem.without_remedy(seen, why, "see what kind of file it is.")
        return _private(site, view.path, seen, why)
    return None


def exposed(site: Site) -> Problem | None:
    """Look for passwords that others may read."""
    for path in _files(site):
        if os.stat(path).st_mode & 0o007:
            seen = f"{path} is {description(path)}"
            why = "The file holds passwords, and every user of this host may read or change them."
            return _private(site, path, seen, why)
    return None


def owner(site: Site) -> Problem | None:
    """Look for a database that does not belong to root."""
    for path in _files(site):
        if os.stat(path).st_uid != 0:
            seen = f"{path} is {description(path)}"
            why = "Its owner can change every password; a hole in a program of that user would do."
            remedy = owning.to_root(site, path)
            return Problem(seen, f"{why} {remedy.why}".strip(), remedy.command, WARNING, safe=remedy.safe)
    return None


def open_directory(site: Site) -> Problem | None:
    """Look for a database in a directory, or below one, that others may write to."""
    for path in _files(site):
        with Place(path) as place:
            exposed = place.exposed[-1:]
            holds = "a database" if exposed == [place.directory.path] else f"the directory of {path}"
        if not exposed:
            continue
        (parent,) = exposed
        status = os.stat(parent)
        seen = f"{parent} is {description(parent)}, and holds {holds}"
        why = "Whoever may write to the directory can put another file in its place."
        if status.st_mode & stat.S_ISVTX:
            return Problem.without_remedy(seen, why, "the directory serves everybody: move the database.", WARNING)
        safe = not somebody(status.st_uid) and not (status.st_mode & stat.S_IWGRP and members(status.st_gid))
        if not safe:
            why += " See first whether a program of that user or group has to."
        return Problem(seen, why, f"chown root {quote(parent)} && chmod go-w {quote(parent)}", WARNING, safe=safe)
    return None


def _private(site: Site, path: str, seen: str, why: str) -> Problem:
    """Return the problem that the right owner and mode mend."""
    remedy = owning.private(site, path)
    again = "" if site.foreign or "usermod" not in remedy.command else fixes.reload(site)
    return Problem(seen, f"{why} {remedy.why}".strip(), fixes.together(remedy.command, again), safe=remedy.safe)


def _tried(site: Site) -> list[tuple[View, daemon.Attempt]]:
    """Return what came of reading as smtpd, or as the other program, a view each."""
    if not site.uses_sasldb:
        return []
    reader = site.reader
    if reader is None:
        return []  # another program, of which nobody knows as which user it runs: the summary says so
    tried = [(view, daemon.attempt(daemon.READ, view.inside, reader, view.jail)) for view in site.views]
    if any(attempt is None for _, attempt in tried):
        raise Unseen(f"whether {reader} can read {site.database} can be tried by root alone")
    return [(view, attempt) for view, attempt in tried if attempt]


def _files(site: Site) -> list[str]:
    """Return the database and, beside a copy in the jail, the one that it is a copy of; those that are there."""
    paths = [path for view in site.views for path in (view.path, view.inside)]
    try:
        return [path for path in dict.fromkeys(paths) if os.path.isfile(path)]
    except OSError:
        return []


def _below(jail: str, path: str) -> str:
    """Return what a path is called inside `jail`: a name in there without the jail, any other as it is."""
    return path[len(jail) :] if path.startswith(f"{jail}/") else path


def _usual(site: Site) -> list[str]:
    """Return the paths at which databases lie, whatever the conf says; none for another application, whose users are not those of Postfix."""
    if site.foreign:
        return []
    defaults = ["/etc/sasldb2", "/etc/sasl2/sasldb2", "/usr/local/etc/sasldb2", f"{site.inside}.db"]
    jails = [view.jail for view in site.views if view.jail]
    return [*defaults, *(f"{jail}{path}" for jail in jails for path in defaults)]


def description(path: str) -> str:
    """Return owner, group and mode as people write them."""
    try:
        return str(Ownership.of(os.stat(path)))
    except OSError as error:
        return str(error.strerror)
