"""smtpd's restriction lists: gone through for one client, and changed so that logins may relay and strangers may not.

smtpd goes through the lists of LISTS one after the other. In each, the first restriction that permits or refuses ends that list; a
refusal anywhere refuses the recipient. A restriction class stands for its own list. What maps, policy servers and DNS answer is not known
here: it is passed over, but for a map that gives everybody one answer (`static:OK`). The recipient's domain is a foreign one.

How lists are written, and edited, is in `restriction_lists`.
Source: Postfix 3.7, SMTPD_ACCESS_README, access(5) and postconf(5), and smtpd observed.
Errors: SiteConfigError where the place of a change is not one that can be written to.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import NamedTuple

from sasldb.errors import SiteConfigError
from sasldb.siteconf.restriction_lists import Edit, Parameters, Place, Word, before, split, words

CLIENT, HELO, SENDER = "smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions"
RELAY, RECIPIENT = "smtpd_relay_restrictions", "smtpd_recipient_restrictions"
LISTS = (CLIENT, HELO, SENDER, RELAY, RECIPIENT)
CLASSES = "smtpd_restriction_classes"
LOGIN, NEIGHBOURS, PROTECTION = "permit_sasl_authenticated", "permit_mynetworks", "reject_unauth_destination"
GOOD = f"{NEIGHBOURS}, {LOGIN}, {PROTECTION}"
LOGIN_MAPS = "smtpd_sender_login_maps"
EVERYBODY, AUTHENTICATED = "reject_sender_login_mismatch", "reject_authenticated_sender_login_mismatch"
BINDING = (EVERYBODY, AUTHENTICATED, "reject_known_sender_login_mismatch")  # senders to those who have logged in
PERMIT, REFUSE, NEITHER = "permit", "refuse", ""
_BY_RECIPIENT = ("reject_unauth_destination", "defer_unauth_destination", "check_relay_domains")
_ENDING = ("permit", "reject", "defer")  # what follows them in a list is never come to
_REFUSING = ("reject", "defer", "defer_if_permit", *_BY_RECIPIENT)
_WARNING = "warn_if_reject"  # makes a warning of the refusal that follows
_TAKES_ARGUMENT = re.compile(
    r"check_\w+_access|check_policy_service|reject_rbl(_client)?|reject_rhsbl_\w+|permit_(dns|rhs)wl_client|sleep"
)
_SURE = ("check_client_access", "check_helo_access", "check_sender_access", "check_recipient_access")  # to ask the map
_IMPLIED = "check_access"  # of a map without a restriction before it
_BY_LOGIN = "check_sasl_access"


class Client(NamedTuple):
    """Who wants mail sent to a foreign domain: whether they have logged in, and whether they are in mynetworks."""

    login: bool = False
    neighbour: bool = False


STRANGER, USER, NEIGHBOUR = Client(), Client(login=True), Client(neighbour=True)


class Step(NamedTuple):
    """A restriction: its `name` in lower case, its `argument` or "", whether a refusal is only `warned` of.

    The places are those of a Word, from a warn_if_reject that belongs to it on. `within` names the classes around it.
    """

    name: str
    argument: str
    warned: bool
    place: Place | None
    top: Place | None
    within: tuple[str, ...]


def steps(parameters: Parameters, name: str) -> list[Step]:
    """Return the restrictions of the list `name` in smtpd's order, those of classes in the place of their class."""
    return list(_walk(parameters, words(parameters, name), ()))


def verdict(parameters: Parameters, name: str, client: Client) -> tuple[str, Step | None]:
    """Return what the list `name` comes to for `client`, and the step that decides: PERMIT, REFUSE, or NEITHER at its end."""
    for step in steps(parameters, name):
        outcome = _outcome(parameters, name, step, client)
        if outcome:
            return outcome, step
    return NEITHER, None


def refusal(parameters: Parameters, client: Client) -> tuple[str, Step] | None:
    """Return the list that refuses `client`, and the step that does it; None where mail is taken."""
    for name in LISTS:
        outcome, step = verdict(parameters, name, client)
        if outcome == REFUSE and step is not None:
            return name, step
    return None


def works(parameters: Parameters) -> bool:
    """Tell whether there is what smtpd demands before it starts: a refusal that is not behind a plain permit."""
    for name in (RELAY, RECIPIENT):
        ended: tuple[str, ...] | None = None  # the class, or the list itself, that a permit has ended
        for step in steps(parameters, name):
            if step.warned or (ended is not None and step.within[: len(ended)] == ended):
                continue
            if step.name in _REFUSING:
                return True
            if step.name == "permit":
                ended = step.within
    return False


def with_sender(parameters: Parameters) -> tuple[str, ...]:
    """Return the lists that smtpd goes through when the sender is known."""
    return LISTS if _is_delayed(parameters) else LISTS[LISTS.index(SENDER) :]


def binding(parameters: Parameters) -> Step | None:
    """Return the step that keeps users to the senders that they own; None where smtpd comes to none."""
    for name in with_sender(parameters):
        for step in steps(parameters, name):
            if step.name in BINDING and not step.warned:
                return step
            if _outcome(parameters, name, step, USER):
                break
    return None


def admitting(parameters: Parameters, name: str) -> Edit | None:
    """Return the edit that lets who has logged in pass what refuses them in the list `name`; None where nothing does.

    What binds senders further on in the list, and in none before it, comes along, for no user would come to it any more.

    Raises:
        SiteConfigError: the place is not known, or the list is gone through before anybody can log in.
    """
    outcome, step = verdict(parameters, name, USER)
    if outcome != REFUSE or step is None:
        return None
    if name in (CLIENT, HELO) and not _is_delayed(parameters):
        raise SiteConfigError(name, "with smtpd_delay_reject = no, this list is gone through before the login")
    found = steps(parameters, name)
    behind = [one.name for one in found[found.index(step) :] if one.name in BINDING and not one.warned]
    is_lost = parameters.value(LOGIN_MAPS) and binding(parameters) is None
    return before(parameters, step.place, *(behind[:1] if is_lost else ()), LOGIN)


def protecting(parameters: Parameters, name: str) -> Edit:
    """Return the edit that makes the list `name` refuse strangers, and let pass who has logged in.

    Raises:
        SiteConfigError: the place is not known.
    """
    if not parameters.value(name):
        return Edit(name, GOOD)
    found = steps(parameters, name)
    ends = [step for step in found if step.name == "permit" or _outcome(parameters, name, step, STRANGER) == PERMIT]
    ahead = found[: found.index(ends[0])] if ends else found
    new = [PROTECTION] if any(step.name == LOGIN for step in ahead) else [LOGIN, PROTECTION]
    if ends:
        return before(parameters, ends[0].top, *new)
    written = parameters.written(name)
    last = split(written)[-1]
    if last[1].lower() == _WARNING:  # it would turn on what follows
        return before(parameters, Place(name, last[0], len(written)), *new)
    return Edit(name, ", ".join([written.rstrip(" ,"), *new]))


def unknown(parameters: Parameters, name: str, known: Container[str]) -> tuple[str, Place | None] | None:
    """Return the first word of the list `name` that is not one of the restrictions `known`, and its place; None where all are.

    What stands behind a plain permit or reject is ignored by smtpd. A table without a restriction is one to it.
    """
    for step in steps(parameters, name):
        is_implied = step.name == _IMPLIED and step.argument
        if step.name not in known and not (is_implied and ":" in step.argument):
            return step.argument if is_implied else step.name, step.place
        if step.name in _ENDING and not step.warned:
            break
    return None


def _walk(parameters: Parameters, listed: list[Word], within: tuple[str, ...], warned: bool = False) -> Iterator[Step]:
    classes = {word for _, word in split(parameters.value(CLASSES))}
    warning: Word | None = None
    rest = iter(enumerate(listed))
    for at, word in rest:
        if word.text.lower() == _WARNING:
            warning = warning or word
            continue
        _, place, top = warning or word
        mute = warned or warning is not None
        warning = None
        if word.text in classes:
            if word.text not in {name.partition("/")[0] for name in within}:
                inner = [Word(text, spot, top) for text, spot, _ in words(parameters, word.text)]
                yield from _walk(parameters, inner, (*within, f"{word.text}/{at}"), mute)
        elif ":" in word.text or word.text.startswith("{"):
            yield Step(_IMPLIED, word.text, mute, place, top, within)
        else:
            name = word.text.lower()
            argument = next(rest, (0, None))[1] if _TAKES_ARGUMENT.fullmatch(name) else None
            yield Step(name, argument.text if argument else "", mute, place, top, within)


def _outcome(parameters: Parameters, name: str, step: Step, client: Client) -> str:
    """Return what one step of the list `name` comes to."""
    early = name in (CLIENT, HELO, SENDER) and not _is_delayed(parameters)
    if early and name != SENDER:
        client = client._replace(login=False)
    if early and step.name in _BY_RECIPIENT:
        return NEITHER
    outcome = _answer(step, client) if step.argument else _plain(step.name, client)
    return NEITHER if outcome == REFUSE and step.warned else outcome


def _plain(name: str, client: Client) -> str:
    if name == "permit" or (name == LOGIN and client.login) or (name == NEIGHBOURS and client.neighbour):
        return PERMIT
    return REFUSE if name in _REFUSING else NEITHER


def _answer(step: Step, client: Client) -> str:
    """Return what the map of a step comes to, NEITHER where that is not known."""
    kind, _, answer = step.argument.partition(":")
    if kind != "static" or not (step.name in (_IMPLIED, *_SURE) or (step.name == _BY_LOGIN and client.login)):
        return NEITHER
    found = [word for _, word in split(answer.strip("{} ").lower())]
    if found and (found[0] in ("ok", "relay", "discard") or (found[0].isdigit() and not found[1:])):
        return PERMIT
    if found and re.fullmatch(r"[45]\d\d", found[0]):
        return REFUSE
    return next(filter(None, (_plain(word, client) for word in found)), NEITHER)


def _is_delayed(parameters: Parameters) -> bool:
    return parameters.value("smtpd_delay_reject").lower() != "no"
