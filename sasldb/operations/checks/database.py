"""Checks of the database as smtpd finds it: it is there, smtpd may read it and nobody else, it is one that this libsasl reads, and it is sound.

Whether smtpd may is tried, with its user and groups and inside its root directory. Each function is a check of the table in `checks.table`.
"""

from __future__ import annotations

import errno
import os
import stat
from pwd import getpwuid
from shlex import quote

from sasldb.errors import Corrupt, DatabaseError, EmptyFile, FormatUnavailable, UnknownFormat
from sasldb.files import trust
from sasldb.formats.detect import HEAD, UNKNOWN, identify
from sasldb.operations.checks import remedies
from sasldb.operations.checks.finding import WARNING, Problem, Unseen
from sasldb.operations.checks.site import Site, View
from sasldb.siteconf import daemon

_SHUT = (errno.EACCES, errno.EPERM, errno.ELOOP)


def elsewhere(site: Site) -> Problem | None:
    """Look for users in a database that smtpd does not open."""
    places = [site.named] if site.named else _usual(site)
    if not site.uses_sasldb or (not site.named and site.has_users(site.database)):
        return None
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
    for view, tried in _tried(site):
        if tried.errno not in _SHUT or not tried.directory:
            continue
        shut = f"{view.jail or ''}{tried.directory}"
        seen = f"{shut} lets {site.user} not through ({_description(shut)})"
        why = "smtpd reads the database as that user; it is logged as `Permission denied`."
        return Problem(seen, why, f"chgrp {quote(site.group)} {quote(shut)} && chmod g+x {quote(shut)}")
    return None


def unreadable(site: Site) -> Problem | None:
    """Try whether smtpd can open the file."""
    for view, tried in _tried(site):
        if tried.errno in (0, errno.ENOENT):
            continue
        where = f", inside {view.jail}" if view.jail else ""
        seen = f"{view.path} ({_description(view.path)}): {os.strerror(tried.errno)}, tried as {site.user}{where}"
        why = "smtpd reads the database as that user; no login works."
        if tried.errno not in _SHUT:
            return Problem.without_remedy(seen, why, "see what kind of file it is.")
        return Problem(seen, why, remedies.private(site, view.path))
    return None


def exposed(site: Site) -> Problem | None:
    """Look for passwords that others may read."""
    for path in _files(site):
        if os.stat(path).st_mode & 0o007:
            seen = f"{path} is {_description(path)}"
            why = "The file holds passwords, and every user of this host may read or change them."
            return Problem(seen, why, remedies.private(site, path))
    return None


def owner(site: Site) -> Problem | None:
    """Look for a database that does not belong to root."""
    for path in _files(site):
        if os.stat(path).st_uid != 0:
            seen = f"{path} is {_description(path)}"
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
        seen = f"{parent} is {_description(parent)}, and holds a database"
        why = "Whoever may write to the directory can put another file in its place."
        if status.st_mode & stat.S_ISVTX:
            return Problem.without_remedy(seen, why, "the directory serves everybody: move the database.", WARNING)
        return Problem(seen, why, f"chown root {quote(parent)} && chmod go-w {quote(parent)}", WARNING)
    return None


def empty(site: Site) -> Problem | None:
    """Look for a file of zero bytes."""
    error = _trouble(site)
    if not isinstance(error, EmptyFile):
        return None
    why = "It is no database yet, which is logged as a wrong password. Users have to be made anew."
    return Problem(f"{site.database}: zero bytes", why, f"sasldb init -f {quote(site.database)}")


def other_format(site: Site) -> Problem | None:
    """Look for a file that this libsasl cannot read, or that is no database."""
    error, path = _trouble(site), site.database
    if not isinstance(error, (UnknownFormat, FormatUnavailable)):
        return None
    with open(path, "rb") as file:
        name = identify(file.read(HEAD))
    if site.backend and name.startswith(site.backend) and isinstance(error, FormatUnavailable):
        return None
    reads = site.backend or "another format"
    seen = f"{path}: {name or 'no database'}, and this libsasl reads {reads}"
    if name == UNKNOWN:
        why = "libsasl cannot open it. Users have to be made anew, or come from a backup."
    else:
        why = "libsasl cannot open it: convert it with the tools of the system that it comes from, or make the users anew."
    return Problem(seen, why, _anew(site, "not-usable"), safe=False)


def damaged(site: Site) -> Problem | None:
    """Look for damage: the whole file is gone through."""
    error = _trouble(site)
    if error is None or isinstance(error, (EmptyFile, UnknownFormat, FormatUnavailable)):
        return None
    if not isinstance(error, Corrupt):
        return Problem.without_remedy(str(error), "The database is not read from such a place.", "see the message.")
    why = "libsasl fails, or loops for ever, when it comes to that page. Users have to come from a backup or be made anew."
    return Problem(str(error), why, _anew(site, "damaged"), safe=False)


def no_users(site: Site) -> Problem | None:
    """Look for a database without users."""
    if not site.uses_sasldb or site.contents.logins:
        return None
    why = "Nobody can log in."
    return Problem.without_remedy(
        f"{site.database} has no users", why, f"make them: saslpasswd2 -c -f {site.database} -u REALM USER"
    )


def read_only(site: Site) -> Problem | None:
    """Try whether smtpd can write, where a mechanism needs it."""
    transition = (site.conf.get(b"auto_transition") or b"").lower() in (b"yes", b"1", b"on", b"true", b"noplain")
    if "otp" not in (site.conf.words(b"mech_list") or []) and not transition:
        return None
    for view in site.views:
        tried = daemon.attempt(daemon.WRITE, view.inside, site.user, view.jail)
        if tried and tried.errno:
            seen = f"{view.path} is {_description(view.path)}, and {'auto_transition' if transition else 'OTP'} writes to it"
            why = "smtpd stores the next one-time password, or a new secret, at each login."
            return Problem(seen, why, f"chmod 0660 {quote(view.path)}", WARNING)
    return None


def _tried(site: Site) -> list[tuple[View, daemon.Attempt]]:
    """Return what came of reading as smtpd, a view each."""
    if not site.uses_sasldb:
        return []
    tried = [(view, daemon.attempt(daemon.READ, view.inside, site.user, view.jail)) for view in site.views]
    if any(attempt is None for _, attempt in tried):
        raise Unseen(f"whether {site.user} can read {site.database} can be tried by root alone")
    return [(view, attempt) for view, attempt in tried if attempt]


def _trouble(site: Site) -> DatabaseError | None:
    """Return what is wrong with smtpd's database as a file, None where all is well or it is not used."""
    try:
        if site.uses_sasldb and os.path.exists(site.database):
            site.contents
    except DatabaseError as error:
        return error
    return None


def _anew(site: Site, suffix: str) -> str:
    path = quote(site.database)
    return f"mv {path} {quote(f'{site.database}.{suffix}')} && sasldb init -f {path} && {remedies.private(site, site.database)}"


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
    jailed = [f"{site.postfix.jail}{path}" for path in defaults] if any(view.jail for view in site.views) else []
    return [*defaults, *jailed]


def _description(path: str) -> str:
    """Return owner, group and mode as people write them."""
    from sasldb.files.ownership import Ownership

    try:
        return str(Ownership.of(os.stat(path)))
    except OSError as error:
        return str(error.strerror)


def _user_name(uid: int) -> str:
    try:
        return getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
