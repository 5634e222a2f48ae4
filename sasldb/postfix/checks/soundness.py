"""Checks of what is in the database: it is one that this libsasl reads, it is sound, it has users, and smtpd may write where it has to.

Where smtpd reads a copy in its jail, what mends a broken copy is a new one; only what is broken itself is made anew.
Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
"""

from __future__ import annotations

import os
from shlex import quote

from sasldb.errors import AccessDenied, Corrupt, DatabaseError, EmptyFile, FormatUnavailable, UnknownFormat
from sasldb.formats.detect import HEAD, UNKNOWN, identify
from sasldb.policy import daemon
from sasldb.policy.chroot import copy_of
from sasldb.postfix.checks import owning
from sasldb.postfix.checks.database import description
from sasldb.postfix.checks.finding import ERROR, Problem, WARNING
from sasldb.postfix.checks.writing import writer
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen
from sasldb.store.reading import Database

_ANEW = "Users have to be made anew"


def empty(site: Site) -> Problem | None:
    """Look for a file of zero bytes."""
    path, error = _trouble(site)
    if not isinstance(error, EmptyFile):
        return None
    why = "It is no database yet, which is logged as a wrong password."
    if not _has_sound_origin(site, path):
        why += f" {_ANEW}."
    return Problem(f"{path}: zero bytes", why, _mended(site, path, "empty"))


def other_format(site: Site) -> Problem | None:
    """Look for a file that this libsasl cannot read, or that is no database."""
    path, error = _trouble(site)
    if not isinstance(error, (UnknownFormat, FormatUnavailable)):
        return None
    with open(path, "rb") as file:
        name = identify(file.read(HEAD))
    if site.backend and name.startswith(site.backend) and isinstance(error, FormatUnavailable):
        return None
    reads = site.backend or "another format"
    seen = f"{path}: {name or 'no database'}, and this libsasl reads {reads}"
    if _has_sound_origin(site, path):
        why = "libsasl cannot open it."
    elif name == UNKNOWN:
        why = f"libsasl cannot open it. {_ANEW}, or come from a backup."
    else:
        why = "libsasl cannot open it: convert it with the tools of the system that it comes from, or make the users anew."
    return Problem(seen, why, _mended(site, path, "not-usable"), _severity(site, path), safe=False)


def damaged(site: Site) -> Problem | None:
    """Look for damage: the whole file is gone through."""
    path, error = _trouble(site)
    if error is None or isinstance(error, (EmptyFile, UnknownFormat, FormatUnavailable)):
        return None
    if not isinstance(error, Corrupt):
        return Problem.without_remedy(str(error), "The database is not read from such a place.", "see the message.")
    why = "libsasl fails, or loops for ever, when it comes to that page."
    if not _has_sound_origin(site, path):
        why += " Users have to come from a backup or be made anew."
    return Problem(str(error), why, _mended(site, path, "damaged"), _severity(site, path), safe=False)


def no_users(site: Site) -> Problem | None:
    """Look for a database without users."""
    if not site.uses_sasldb or site.contents.logins:
        return None
    view = site.views[0]
    make = f"make them: saslpasswd2 -c -f {quote(view.inside)} -u REALM USER"
    copied = view.separate or (view.jail is not None and not os.path.exists(view.inside))
    if copied and copy_of(view.inside) == view.name:
        make += f"; the copy {view.path} follows"
    elif copied:
        make += f" && {fixes.copy(site, view.inside, view.path)}"
    return Problem.without_remedy(f"{site.database} has no users", "Nobody can log in.", make)


def read_only(site: Site) -> Problem | None:
    """Try whether smtpd can write, where a mechanism needs it."""
    what = writer(site)
    if not what:
        return None
    for view in site.views:
        tried = daemon.attempt(daemon.WRITE, view.inside, site.user, view.jail)
        if tried and tried.errno:
            seen = f"{view.path} is {description(view.path)}, and {what} writes to it"
            why = "smtpd stores the next one-time password, or a new secret, at each login."
            alone = owning.alone(view.path, site.user)
            if not alone:
                why += f" So could all of group {owning.group_of_file(view.path)} then."
            return Problem(seen, why, f"chmod 0660 {quote(view.path)}", WARNING, safe=alone)
    return None


def _trouble(site: Site) -> tuple[str, DatabaseError | None]:
    """Return the database with which something is wrong as a file, and what; None where all is well or it is not used.

    That is smtpd's, or else the one that it is a copy of: with zero bytes that counts as none, for people work in the jail alone.
    """
    if not site.uses_sasldb:
        return site.database, None
    opened = [view.path for view in site.views if view.there]
    for path in dict.fromkeys([*opened, *(view.inside for view in site.views if view.separate)]):
        error = _error(site, path)
        if error is not None and (path in opened or not isinstance(error, EmptyFile)):
            return path, error
    return site.database, None


def _error(site: Site, path: str) -> DatabaseError | None:
    """Return what is wrong with a file as a database. Raises Unseen."""
    try:
        if path == site.database:
            site.contents
        else:
            Database(path).close()  # which looks at all of it
    except AccessDenied as error:
        raise Unseen(f"{path} can be read by root alone") from error
    except DatabaseError as error:
        return error
    return None


def _has_sound_origin(site: Site, path: str) -> bool:
    """Tell whether there is a sound database beside that at `path`, of which one is to be a copy of the other."""
    view = site.views[0]
    other = view.path if path == view.inside else view.inside
    return view.separate and _error(site, other) is None


def _severity(site: Site, path: str) -> str:
    return ERROR if site.opens(path) else WARNING


def _mended(site: Site, path: str, suffix: str) -> str:
    """Return the commands that put a sound database in the place of that at `path`: a copy of the other one, or one without users."""
    view = site.views[0]
    if _has_sound_origin(site, path):
        return fixes.copy(site, view.path if path == view.inside else view.inside, path)
    if not view.separate:
        return _anew(site, os.path.realpath(path), suffix)
    return fixes.together(_anew(site, view.inside, suffix), fixes.copy(site, view.inside, view.path))


def _anew(site: Site, path: str, suffix: str) -> str:
    make = fixes.new_database(site, path)
    if os.path.getsize(path) == 0:
        return make
    return fixes.together(f"mv {quote(path)} {quote(f'{path}.{suffix}')}", make, owning.restored(site, path))
