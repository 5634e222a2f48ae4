"""Checks of what is in the database: it is one that this libsasl reads, it is sound, it has users, and smtpd may write where it has to.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
"""

from __future__ import annotations

import os
from shlex import quote

from sasldb.errors import Corrupt, DatabaseError, EmptyFile, FormatUnavailable, UnknownFormat
from sasldb.formats.detect import HEAD, UNKNOWN, identify
from sasldb.operations.checks import remedies
from sasldb.operations.checks.database import description
from sasldb.operations.checks.finding import WARNING, Problem
from sasldb.operations.checks.site import Site
from sasldb.siteconf import daemon


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
            seen = f"{view.path} is {description(view.path)}, and {'auto_transition' if transition else 'OTP'} writes to it"
            why = "smtpd stores the next one-time password, or a new secret, at each login."
            return Problem(seen, why, f"chmod 0660 {quote(view.path)}", WARNING)
    return None


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
