"""Checks of the copy of the database inside the jail of a chrooted smtpd.

A copy is only overwritten where nothing of its own is lost; people also work on the database in the jail alone, or by mistake.
Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
"""

from __future__ import annotations

import os
from shlex import quote

from sasldb.errors import AccessDenied, DatabaseError, SasldbError
from sasldb.model.record import split_key
from sasldb.model.text import to_text
from sasldb.postfix.checks import writing
from sasldb.postfix.checks.finding import Problem, WARNING
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen
from sasldb.postfix.site.view import View
from sasldb.store import copies
from sasldb.store.reading import Database

Records = dict[bytes, bytes]

_WRITTEN = "What smtpd stores at a login is in the copy alone, and commands leave a copy alone that was written to: it should be one file."


def outside_path(site: Site) -> Problem | None:
    """Look for a sasldb_path that names the jail, in which the jailed smtpd looks for it again."""
    named = to_text(site.conf.get(b"sasldb_path") or b"")
    jailed = [view for view in site.views if view.jail]
    if not jailed or not named.startswith(f"{site.postfix.jail}/") or jailed[0].there:
        return None
    inside = named[len(site.postfix.jail) :]
    seen = f"sasldb_path: {named}, and smtpd is chrooted in {site.postfix.jail}"
    why = f"smtpd opens the database inside its jail, as {jailed[0].path}, which is not there."
    return Problem(seen, why, fixes.conf_option(site, "sasldb_path", inside))


def missing(site: Site) -> Problem | None:
    """Look for a database that was not copied into the jail."""
    for view in _jailed(site):
        if view.there or not os.path.exists(view.inside):
            continue
        is_link = os.path.islink(view.name)
        link = f" (it is a link, which leads nowhere inside {view.jail})" if is_link else ""
        seen = (
            f"{view.name}: no such file{link}; smtpd is chrooted in {view.jail}, and {view.inside} is out of its sight"
        )
        why = "smtpd finds no database, which is logged as a wrong password."
        reason = loss(view.inside, view.name)
        if reason:
            return Problem.without_remedy(seen, why, reason)
        clear = f"rm {quote(view.name)}" if is_link else ""
        return Problem(seen, why, fixes.together(clear, fixes.copy(site, view.inside, view.name)))
    return None


def stale(site: Site) -> Problem | None:
    """Look for a copy in the jail that is not what it is a copy of."""
    for view in _jailed(site):
        if not view.separate:
            continue
        ours, copied = _records(view.inside), _records(view.path)
        if ours is None or copied is None or ours == copied:  # what cannot be read is told by `soundness`
            continue
        reason = loss(view.inside, view.path)
        if (
            reason and not ours and not site.opens(view.inside)
        ):  # Debian makes it without users; some work in the jail alone
            continue
        seen = f"{view.path} differs from {view.inside}, and smtpd, chrooted in {view.jail}, reads the former"
        if all(copies.moved_on(key, copied.get(key), ours.get(key)) for key, _ in ours.items() ^ copied.items()):
            return Problem(seen, _WRITTEN, fixes.link(view.inside, view.path), WARNING, safe=False)
        why = "What was changed outside the jail is not known inside: new users and new passwords fail, old ones still work."
        if reason and not _may_be_behind(view, ours, copied):
            return Problem.without_remedy(seen, why, reason)
        copy = fixes.copy(site, view.inside, view.path)
        return Problem(seen, f"{why} {reason[:1].upper()}{reason[1:]}." if reason else why, copy, safe=not reason)
    return None


def written(site: Site) -> Problem | None:
    """Look for a copy into which smtpd writes, while commands write to the database."""
    writer = writing.writer(site)
    if not writer or (writer == writing.OTP and not any(writer in served for served in site.contents.served)):
        return None
    for view in _jailed(site):
        if view.separate:
            seen = f"{view.path} is a copy of {view.inside}, and {writer} writes to it"
            return Problem(seen, _WRITTEN, fixes.link(view.inside, view.path), WARNING, safe=False)
    return None


def loss(source: str, target: str) -> str | None:
    """Return why the database `target` may not become a copy of `source`: what would be lost; None where nothing would be. Raises Unseen."""
    if not os.path.exists(target) or os.path.samefile(source, target):
        return None
    try:
        if copies.is_copy(target, source):
            return None
    except AccessDenied as error:
        raise Unseen(f"{error.path} can be read by root alone") from error
    except DatabaseError:
        pass  # no file that can be read: as below
    ours, copied = _records(source), _records(target)
    compare = f"to compare them, run: sasldb diff {quote(source)} {quote(target)}"
    if ours is None or copied is None:
        return (
            f"{target if copied is None else source} cannot be read, and nobody knows what would be lost of {target}."
        )
    users = {_login(key) for key in ours}
    alone = [login for login in dict.fromkeys(map(_login, copied)) if login not in users]
    if alone:
        more = f", and {len(alone) - 1} more," if len(alone) > 1 else ""
        return f"{alone[0]}{more} is in {target} alone, added there or deleted from {source}; {compare}"
    differing = next(_login(key) for key, value in copied.items() if ours.get(key) != value)
    return f"what is stored for {differing} differs, and {target} may have what is newer; {compare}"


def _may_be_behind(view: View, ours: Records, copied: Records) -> bool:
    """Tell whether a copy that has no users of its own was written last before the database, so that it is likely to have what is older."""
    users = {_login(key) for key in ours}
    earlier = os.stat(view.path).st_mtime_ns <= os.stat(view.inside).st_mtime_ns
    return earlier and all(_login(key) in users for key in copied)


def _jailed(site: Site) -> list[View]:
    return [view for view in site.views if view.jail and site.uses_sasldb]


def _login(key: bytes) -> str:
    names = split_key(key)
    return to_text(b"@".join(names[:2]) if names else key)


def _records(path: str) -> Records | None:
    """Return all records, None where the file is no sound database."""
    try:
        with Database(path) as database:
            return dict(database.records())
    except AccessDenied as error:
        raise Unseen(f"{path} can be read by root alone") from error
    except SasldbError:
        return None
