"""What a setup wants of restriction lists, as edits that put single words in: strangers do not relay, senders are bound to logins.

How smtpd goes through a list, and where a word has to stand, is known to `postfix.config.restrictions`.
Errors: SiteConfigError where the place is not one that can be written to.
"""

from __future__ import annotations

from sasldb.postfix.config import restriction_edits, restriction_lists, restrictions
from sasldb.postfix.config.restriction_lists import Edit, Parameters
from sasldb.postfix.config.restrictions import (
    AUTHENTICATED,
    EVERYBODY,
    RECIPIENT,
    REFUSE,
    RELAY,
    SENDER,
    STRANGER,
    USER,
)

_POLICIES = (EVERYBODY, AUTHENTICATED)


def lets_logins_relay(parameters: Parameters, name: str) -> bool:
    """Tell whether the list `name` refuses strangers, and not who has logged in."""
    outcomes = [restrictions.verdict(parameters, name, client)[0] for client in (STRANGER, USER)]
    return outcomes[0] == REFUSE and outcomes[1] != REFUSE


def protecting(parameters: Parameters, name: str) -> Edit | None:
    """Return the edit after which the list `name` refuses strangers, and lets pass who has logged in; None where it refuses strangers.

    Raises:
        SiteConfigError: the place is not known.
    """
    refuses = restrictions.verdict(parameters, name, STRANGER)[0] == REFUSE
    return None if refuses else restriction_edits.protecting(parameters, name)


def protected_as_before(parameters: Parameters) -> bool:
    """Tell whether the list of recipients alone keeps strangers out, as before Postfix 2.10."""
    return not parameters.value(RELAY) and protecting(parameters, RECIPIENT) is None


def binding(parameters: Parameters, policy: str, stricter_stays: bool = False) -> Edit | None:
    """Return the edit that makes `policy` (one of two words) the one that smtpd_sender_restrictions has; None where it is so.

    The word comes before whatever permits. The word of the other policy gives way to it in its place, unless the `stricter_stays`.
    """
    _, decides = restrictions.verdict(parameters, SENDER, USER)
    found = restrictions.steps(parameters, SENDER)
    reached = found[: found.index(decides)] if decides else found
    effective = {step.name: step.place for step in reversed(reached) if step.name in _POLICIES and not step.warned}
    if stricter_stays and EVERYBODY in effective:
        return None
    other = effective.get(AUTHENTICATED if policy == EVERYBODY else EVERYBODY)
    if other is not None:
        text = parameters.written(other.parameter)
        if policy in effective:
            return Edit(other.parameter, restriction_lists.without(text, other))
        return Edit(other.parameter, text[: other.start] + policy + text[other.end :])
    return None if policy in effective else restriction_lists.first(parameters, SENDER, policy)
