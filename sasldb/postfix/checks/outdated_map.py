"""The check of the sender login map that this program generates: whether users were changed since.

A map without our heading is the administrator's, and is never judged; lines of the administrator's in ours are, for they will be lost.
The function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
Source: Postfix 3.7, smtpd observed: with the restrictions that ask the map, a user who owns no address is answered 553 at every recipient.
"""

from __future__ import annotations

from collections.abc import Iterable

from sasldb import bounds
from sasldb.errors import AccessDenied, SasldbError
from sasldb.model.text import to_text
from sasldb.model.text import counted
from sasldb.postfix.checks.finding import ERROR, Problem, WARNING
from sasldb.postfix.config import maps, restrictions
from sasldb.postfix.config.restrictions import LOGIN_MAPS
from sasldb.postfix.site import login_map
from sasldb.postfix.site import fixes, generated_map
from sasldb.postfix.site.login_map import HEADING, Owners
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen

_OWN_LINES = "Lines of your own in it would be lost: put them into another map that smtpd_sender_login_maps names."


def outdated(site: Site) -> Problem | None:
    """Look for a generated map that is not what it would be now."""
    name = generated_map.name(site)
    services = [one for one in site.offering if name in maps.named(one.value(LOGIN_MAPS))]
    # Of several applications, it is made of the users of the first.
    there = _generated(site) if services and site.uses_sasldb and site.is_first else None
    if there is None:
        return None
    due = _due(site)
    written = {address for address, logins in there.items() if not login_map.is_of_ours(address, logins)}
    missing = {address for address, logins in due.items() if not logins <= there.get(address, set())}
    gone = {login for address in there.keys() - written for login in there[address] - due.get(address, set())}
    if not missing and not gone:
        return _about_to_be_lost(site, written) if written else None
    path, source, severity = generated_map.path(site), generated_map.source(site), WARNING
    if missing:
        seen = f"{path} lacks {counted(_text(missing))}, who came into {source} after it was generated"
        why = "No restriction asks for it yet."
    else:
        seen = f"{path} names {counted(_text(gone))}, of whom {source} knows nothing any more"
        why = "Owners are logins: nobody can log in as this one, so nobody may use its addresses."
    if missing and any(map(restrictions.binding, services)):
        why, severity = "Nobody may send as that: smtpd answers 553, not owned by user.", ERROR
    why = f"{why} {_OWN_LINES}" if written else why
    return Problem(seen, why, fixes.sender_login_maps(site), severity, safe=not written)


def _about_to_be_lost(site: Site, written: set[bytes]) -> Problem:
    seen = f"{counted(_text(written))} was written into {generated_map.path(site)}, which is generated"
    why = "It is lost when the map is generated again."
    return Problem.without_remedy(seen, why, "put it into another map that smtpd_sender_login_maps names.", WARNING)


def _generated(site: Site) -> Owners | None:
    """Return the owners in the text that is there; None where it is not one of ours, or cannot be read."""
    try:
        text = bounds.read_file(generated_map.path(site))
    except OSError:
        return None
    return login_map.owners(text) if text.startswith(HEADING) else None


def _due(site: Site) -> Owners:
    """Return the owners that there are now. Raises Unseen."""
    try:
        return login_map.owners(generated_map.table(site).text)
    except AccessDenied as error:
        raise Unseen(f"{error.path} can be read by root alone") from error
    except SasldbError as error:
        raise Unseen(str(error), "Whether the sender login map is up to date is not known.") from error


def _text(names: Iterable[bytes]) -> list[str]:
    return sorted(map(to_text, names))
