"""The check of words in smtpd's restriction lists that this smtpd does not know.

The names that it knows are read out of the program. Source: Postfix 3.7, and smtpd observed. Raises Unseen.
"""

from __future__ import annotations

from sasldb.errors import SiteConfigError
from sasldb.libsasl import build
from sasldb.postfix.checks.finding import Problem
from sasldb.postfix.checks.spelling import nearest
from sasldb.postfix.config import disclosure, restrictions
from sasldb.postfix.config.instance import Service
from sasldb.postfix.config.restriction_lists import Edit, Place
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen

_QUOTES = "\"'"


def unknown(site: Site) -> Problem | None:
    """Look for a word in a restriction list that is no restriction of this smtpd."""
    directory = site.postfix["daemon_directory"]
    known = build.restrictions_of_smtpd(directory)
    if site.servers and not known:
        why = "Whether the words of the restriction lists are restrictions is not known: their names stand in that program."
        raise Unseen(f"{directory}/smtpd does not tell which restrictions it knows", why)
    problems = [problem for name in restrictions.LISTS if (problem := _unknown_in(site, name, known))]
    return next((problem for problem in problems if problem.remedy), problems[0] if problems else None)


def _unknown_in(site: Site, name: str, known: frozenset[str]) -> Problem | None:
    """Return the problem of the list `name` of some services, None where it has restrictions alone."""
    services = [service for service in site.servers if restrictions.unknown(service, name, known)]
    if not services:
        return None
    word, place = restrictions.unknown(services[0], name, known) or ("", None)
    seen = f"{name} of {services[0].label} has {_shown(services[0], word, place, known)} in it, which is no restriction of this smtpd"
    why = "When smtpd comes to it, it answers `451 Server configuration error` to whatever is asked."
    try:
        return Problem(seen, why, fixes.edited(site, services, lambda one: _corrected(one, name, known)))
    except SiteConfigError as error:
        return Problem.without_remedy(seen, why, f"{error.reason}.")


def _corrected(service: Service, name: str, known: frozenset[str]) -> Edit | None:
    """Return the edit that makes a restriction of the first unknown word, None where there is none.

    Raises:
        SiteConfigError: it is not plain which one, or the place is not known.
    """
    word, place = restrictions.unknown(service, name, known) or ("", None)
    if not word:
        return None
    if place is None:
        raise SiteConfigError(name, "the word is the outcome of a ${...} expression")
    text = service.written(place.parameter)
    whole = text.strip()
    if whole[0] in _QUOTES and whole[-1] == whole[0] and whole.count(whole[0]) == 2:
        return Edit(place.parameter, whole[1:-1].strip())
    likely = meant(word, known)
    if len(likely) != 1 or text[place.start : place.end].lower() != word:
        guess = f", or whether {' or '.join(likely)} was meant" if likely else ""
        shown = _shown(service, word, place, known)
        raise SiteConfigError(name, f"only you know what {shown} is for{guess}")
    return Edit(place.parameter, text[: place.start] + likely[0] + text[place.end :])


def _shown(service: Service, word: str, place: Place | None, known: frozenset[str]) -> str:
    """Return the word as it may be shown: what comes from a parameter of any name may be a secret."""
    is_written = place is not None and service.written(place.parameter)[place.start : place.end].lower() == word
    safe = place is not None and is_written and disclosure.may_be_shown(place.parameter, word)
    return word if safe or meant(word, known) else "a word"


def meant(word: str, known: frozenset[str]) -> list[str]:
    """Return those restrictions that are spelt most like `word`, and begin as it does; [] where none is near.

    Without what follows permit or reject it is not seen which one was meant, so those two alone are never.
    """
    beginning = word.partition("_")[0]
    return nearest(word, sorted(one for one in known if "_" in one and one.partition("_")[0] == beginning))
