"""Edits of smtpd's restriction lists: logins may relay, and strangers may not. Single words are put in, and nothing is taken out.

A list in which a map or a policy server decides is the administrator's, and no edit lets more logins pass it.
Source: Postfix 3.7, SMTPD_ACCESS_README and postconf(5), and smtpd observed.
Errors: SiteConfigError where such a list, or one whose place is not known, would have to be changed.
"""

from __future__ import annotations

from sasldb.errors import SiteConfigError
from sasldb.postfix.config.restriction_lists import Edit, Parameters, Place, before, split
from sasldb.postfix.config.restrictions import (
    ABOUT_LOGINS,
    BINDING,
    CLIENT,
    GOOD,
    HELO,
    LOGIN,
    LOGIN_MAPS,
    PERMIT,
    PROTECTION,
    REFUSE,
    STRANGER,
    USER,
    WARNING,
    described,
    is_delayed,
    outcome_of,
    steps,
    undecided,
    verdict,
    with_sender,
)


def bound_by(parameters: Parameters) -> set[str]:
    """Return the words of BINDING that smtpd comes to for who has logged in, in any list."""
    found = set()
    for name in with_sender(parameters):
        for step in steps(parameters, name):
            if step.name in BINDING and not step.warned:
                found.add(step.name)
            elif outcome_of(parameters, name, step, USER):
                break
    return found


def admitting(parameters: Parameters, name: str) -> Edit | None:
    """Return the edit that lets who has logged in pass what refuses them in the list `name`; None where nothing does.

    What binds senders further on in the list comes along, unless smtpd comes to it anyway: no user would come to it any more.

    Raises:
        SiteConfigError: a map or a policy server decides in this list, the place is not known, or the list is gone through before
        anybody can log in.
    """
    outcome, step = verdict(parameters, name, USER)
    if outcome != REFUSE or step is None:
        return None
    decides = undecided(parameters, name)
    if decides is not None:
        raise SiteConfigError(name, f"{described(decides)} decides in it, and sasldb does not change such a list")
    if name in (CLIENT, HELO) and not is_delayed(parameters):
        raise SiteConfigError(name, "with smtpd_delay_reject = no, this list is gone through before the login")
    found = steps(parameters, name)
    behind = [one.name for one in found[found.index(step) :] if one.name in BINDING and not one.warned]
    lost = [] if not parameters.value(LOGIN_MAPS) else [one for one in behind if one not in bound_by(parameters)]
    return before(parameters, step.place, *dict.fromkeys(lost), LOGIN)


def protecting(parameters: Parameters, name: str) -> Edit:
    """Return the edit that makes the list `name` refuse strangers, and let pass who has logged in.

    Where a map of logins or a policy server is asked before, that alone chooses the logins that pass.

    Raises:
        SiteConfigError: the place is not known.
    """
    if not parameters.value(name):
        return Edit(name, GOOD)
    found = steps(parameters, name)
    ends = [step for step in found if step.name == "permit" or outcome_of(parameters, name, step, STRANGER) == PERMIT]
    ahead = found[: found.index(ends[0])] if ends else found
    chosen = any(step.name in (LOGIN, *ABOUT_LOGINS) for step in ahead)
    new = [PROTECTION] if chosen else [LOGIN, PROTECTION]
    if ends:
        return before(parameters, ends[0].top, *new)
    written = parameters.written(name)
    last = split(written)[-1]
    if last[1].lower() == WARNING:  # it would turn on what follows
        return before(parameters, Place(name, last[0], len(written)), *new)
    return Edit(name, ", ".join([written.rstrip(" ,"), *new]))
