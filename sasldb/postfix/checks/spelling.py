"""The checks of names in main.cf and master.cf that Postfix does not know, and that are likely misspelt.

A name of the administrator's own is no mistake: Postfix itself accepts one that is used as `$name`, and Debian's master.cf has such uses in
comments (`$mua_client_restrictions`). A guess goes by spelling alone. Only what concerns SASL, or keeps passwords out of the clear, gets a
command: a list of restrictions, a network or a domain that comes into force by a guess may stop all mail, or open a relay.
Errors: none; `Unseen` is not raised.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

from sasldb.files import reading
from sasldb.postfix.checks.finding import Problem, WARNING
from sasldb.postfix.checks.guards import certified, guarded
from sasldb.postfix.config import disclosure
from sasldb.postfix.config.instance import ENABLE, Service
from sasldb.postfix.config.scratch import FILES
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site

_FARTHEST = 2  # edits between a misspelt name and the real one
_SHORTEST = 8  # characters; the names of two short ones are often as near
_FILES = ("_file", "_files")  # certificates and keys
_DOCUMENTED = "mua_"  # Debian's master.cf, in comments
_MENDABLE = re.compile(r"\w*sasl(?!\w*networks)\w*|smtpd_tls_(auth_only|chain_files|\w*(cert|key)_file)")
_SUBJECTS = re.compile(r"sasl|tls|restriction|relay|networks|destination|delay_reject|login_maps")


def misspelt(site: Site) -> Problem | None:
    """Look for parameters of servers that are spelt almost as one that concerns SASL, TLS or relaying."""
    return _first(site, lambda likely: bool(likely) and not _is_of_client(likely[0]))


def misspelt_of_client(site: Site) -> Problem | None:
    """Look for those of Postfix as a client."""
    return _first(site, lambda likely: bool(likely) and _is_of_client(likely[0]))


def unknown(site: Site) -> Problem | None:
    """Look for parameters with SASL in their name that are none: what old versions had, say. Nothing else depends on them."""
    problem = _first(site, lambda likely: not likely)
    if problem is not None:
        problem.severity = WARNING
    return problem


def _first(site: Site, chosen: Callable[[list[str]], bool]) -> Problem | None:
    """Return the first problem with a command, or the first of all, of names of which what is likely meant is `chosen`."""
    used = _used(site)
    known = [name for name in site.postfix.values if name not in site.postfix.unknown]
    problems = []
    for name, value in site.postfix.unknown.items():
        likely = [] if name in used or name.startswith(_DOCUMENTED) else meant(name, known)
        if chosen(likely) and (likely or ("sasl" in name and name not in used)):
            problems.append(_problem(site, name, value, likely))
    return next((problem for problem in problems if problem.remedy), problems[0] if problems else None)


def _is_of_client(name: str) -> bool:
    return name.partition("_")[0] in ("smtp", "lmtp")


def meant(name: str, known: list[str]) -> list[str]:
    """Return those of the names `known` that are spelt most like `name`, and concern SASL, TLS or relaying; [] where none is near.

    A beginning that is right (`smtp_`) is what was meant: another one (`smtpd_`) is another parameter, not another spelling.
    """
    beginnings = {one.partition("_")[0] for one in known}
    beginning = name.partition("_")[0]
    likely = [one for one in known if _SUBJECTS.search(one)] if len(name) >= _SHORTEST else []
    return nearest(name, [one for one in likely if beginning not in beginnings or one.partition("_")[0] == beginning])


def _problem(site: Site, name: str, value: str, likely: list[str]) -> Problem:
    """Return the problem of one name, which is `likely` one of some others."""
    shown = disclosure.value_of(likely[0] if likely else name, value)
    seen = f"{name} = {shown} is set, and there is no parameter of that name"
    why = "Postfix ignores a name that it does not know, so this setting has no effect."
    if likely and not (len(likely) == 1 and _MENDABLE.fullmatch(likely[0])):
        reason = f"it is likely meant to be {' or '.join(likely)}, and what comes into force by that is yours to judge."
        return Problem.without_remedy(seen, why, reason)
    if likely and shown != value:
        return Problem.without_remedy(seen, why, f"its value may be a secret: rename it to {likely[0]} by hand.")
    owners = [service for service in site.servers if name in service.overrides]
    taken = [right for right in likely if right in site.postfix.named or any(right in o.overrides for o in owners)]
    if taken:
        why += f" {taken[0]} is set already, and would get this value: only you know which one is meant."
    replacing = any(one.endswith(_FILES) for one in likely) and not taken and certified(site)
    if replacing:
        why += " The certificate that there is works, and this would take its place."
    safe = bool(likely) and not taken and not replacing
    problem = Problem(seen, why, _renamed(site, name, likely, value, owners), safe=safe)
    enabling = likely == [ENABLE] and value.lower() == "yes"
    return guarded(site, problem, owners or site.servers) if enabling else problem


def _renamed(site: Site, name: str, likely: list[str], value: str, owners: list[Service]) -> str:
    """Return the commands that take a parameter away, and set the one that was meant, where that is known."""
    if owners:
        commands = [fixes.service_removal(site, service, name) for service in owners]
        commands += [fixes.master_cf(site, service, likely[0], value) for service in owners if likely]
    else:
        commands = [fixes.removal(site, name)]
        commands += [fixes.main_cf(site, likely[0], value)] if likely else []
    return fixes.together(*commands, fixes.reload(site))


def _used(site: Site) -> set[str]:
    """Return the names that main.cf and master.cf use as `$name`, in comments too."""
    found: set[str] = set()
    for name in FILES:
        try:
            found.update(re.findall(r"\$[({]?(\w+)", reading.text(os.path.join(site.postfix.config_dir, name))))
        except OSError:
            continue
    return found


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return those of `known` that are spelt most like `word`; [] where none is near."""
    near: dict[int, list[str]] = {}
    for one in known:
        near.setdefault(_distance(word, one), []).append(one)
    least = min(near, default=_FARTHEST + 1)
    return near[least] if least <= _FARTHEST else []


def _distance(one: str, other: str) -> int:
    """Return the number of characters to put in, take out, replace or swap with their neighbour; more than _FARTHEST counts as one more."""
    if abs(len(one) - len(other)) > _FARTHEST:
        return _FARTHEST + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, character in enumerate(one, 1):
        ahead, before, row = before, row, [at]
        for place, wanted in enumerate(other, 1):
            cost = min(before[place] + 1, row[-1] + 1, before[place - 1] + (character != wanted))
            if at > 1 and place > 1 and character == other[place - 2] and one[at - 2] == wanted:
                cost = min(cost, ahead[place - 2] + 1)
            row.append(cost)
    return min(row[-1], _FARTHEST + 1)
