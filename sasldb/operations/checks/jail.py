"""Checks of the copy of the database inside the jail of a chrooted smtpd.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
"""

from __future__ import annotations

import os

from sasldb.errors import SasldbError
from sasldb.model.text import to_text
from sasldb.operations.checks import remedies
from sasldb.operations.checks.finding import Problem, Unseen
from sasldb.operations.checks.site import Site, View
from sasldb.store.reading import Database


def outside_path(site: Site) -> Problem | None:
    """Look for a sasldb_path that names the jail, in which the jailed smtpd looks for it again."""
    named = to_text(site.conf.get(b"sasldb_path") or b"")
    jailed = [view for view in site.views if view.jail]
    if not jailed or not named.startswith(f"{site.postfix.jail}/") or os.path.exists(jailed[0].path):
        return None
    inside = named[len(site.postfix.jail) :]
    seen = f"sasldb_path: {named}, and smtpd is chrooted in {site.postfix.jail}"
    why = f"smtpd opens the database inside its jail, as {jailed[0].path}, which is not there."
    return Problem(seen, why, remedies.conf_option(site, "sasldb_path", inside))


def missing(site: Site) -> Problem | None:
    """Look for a database that was not copied into the jail."""
    for view in _jailed(site):
        if os.path.exists(view.inside) and not os.path.exists(view.path):
            link = f" (it is a link, which leads nowhere inside {view.jail})" if os.path.islink(view.path) else ""
            seen = f"{view.path}: no such file{link}; smtpd is chrooted in {view.jail}, and {view.inside} is out of its sight"
            why = "smtpd finds no database, which is logged as a wrong password."
            copy = remedies.copy(site, view.inside, view.path)
            clear = f"rm {view.path}" if os.path.islink(view.path) else ""
            return Problem(seen, why, remedies.together(clear, copy))
    return None


def stale(site: Site) -> Problem | None:
    """Look for a copy in the jail that is not what it is a copy of."""
    for view in _jailed(site):
        if not (os.path.exists(view.inside) and os.path.exists(view.path)) or os.path.samefile(view.inside, view.path):
            continue
        ours, copied = _records(view.inside), _records(view.path)
        if ours is None or ours == copied:  # a database that cannot be read is no source of truth
            continue
        older = os.stat(view.path).st_mtime_ns <= os.stat(view.inside).st_mtime_ns
        if not ours and not older:  # Debian makes an empty /etc/sasldb2; who works in the jail alone leaves it so
            continue
        seen = f"{view.path} differs from {view.inside}, and smtpd, chrooted in {view.jail}, reads the former"
        why = "What was changed outside the jail is not known inside: new users and new passwords fail, old ones still work."
        if older:
            return Problem(seen, why, remedies.copy(site, view.inside, view.path))
        return Problem.without_remedy(
            seen,
            why,
            "the copy was changed last, and only you know which of the two is right; sasldb diff compares them.",
        )
    return None


def _jailed(site: Site) -> list[View]:
    return [view for view in site.views if view.jail and site.uses_sasldb]


def _records(path: str) -> dict[bytes, bytes] | None:
    """Return all records, None where the file is no sound database."""
    from sasldb.errors import AccessDenied

    try:
        with Database(path) as database:
            return dict(database.records())
    except AccessDenied as error:
        raise Unseen(f"{path} can be read by root alone") from error
    except SasldbError:
        return None
