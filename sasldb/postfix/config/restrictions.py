"""smtpd's restriction lists, gone through for one client.

smtpd goes through the lists of LISTS one after the other. In each, the first restriction that permits or refuses ends that list; a
refusal anywhere refuses the recipient. A restriction class stands for its own list. What maps, policy servers and DNS answer is not known
here: it is passed over, but for a map that gives everybody one answer (`static:OK`). The recipient's domain is a foreign one.

A list in which a map or a policy server decides is the administrator's: whom it is to let relay is not known here (`undecided`).

How lists are written is in `restriction_lists`, how they are changed in `restriction_edits`.
Source: Postfix 3.7, SMTPD_ACCESS_README, access(5) and postconf(5), and smtpd observed. Raises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import NamedTuple

from sasldb.postfix.config.restriction_lists import Parameters, Place, Word, split, words

CLIENT, HELO, SENDER = "smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions"
RELAY, RECIPIENT = "smtpd_relay_restrictions", "smtpd_recipient_restrictions"
LISTS = (CLIENT, HELO, SENDER, RELAY, RECIPIENT)
ALL_LISTS = (*LISTS, "smtpd_etrn_restrictions", "smtpd_data_restrictions", "smtpd_end_of_data_restrictions")
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
WARNING = "warn_if_reject"  # makes a warning of the refusal that follows
_PATH = re.compile(r"(proxy:)?[a-z]+:/[\w./@-]+")
_TAKES_ARGUMENT = re.compile(
    r"check_\w+_access|check_policy_service|reject_rbl(_client)?|reject_rhsbl_\w+|permit_(dns|rhs)wl_client|sleep"
)
_SURE = ("check_client_access", "check_helo_access", "check_sender_access", "check_recipient_access")  # to ask the map
_IMPLIED = "check_access"  # of a map without a restriction before it
_BY_LOGIN = "check_sasl_access"
ABOUT_LOGINS = (
    _BY_LOGIN,
    "check_policy_service",
)  # a policy server is told the login (Postfix 3.7, SMTPD_POLICY_README)
_BY_TABLE = ("permit_tls_clientcerts",)  # of relay_clientcerts
_ANSWERS = ("ok", "relay", "discard", "dunno", *_ENDING, *_BY_RECIPIENT, "defer_if_permit", LOGIN, NEIGHBOURS)


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
        outcome = outcome_of(parameters, name, step, client)
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


def undecided(parameters: Parameters, name: str) -> Step | None:
    """Return the first step of the list `name` at which a map or a policy server decides; None where smtpd comes to none.

    Also what is behind a refusal counts, unless that refuses everything: smtpd comes to it for other recipients.
    """
    for step in steps(parameters, name):
        if _is_undecided(step):
            return step
        if step.name in _BY_RECIPIENT:
            continue
        if all(outcome_of(parameters, name, step, client) for client in (STRANGER, USER, NEIGHBOUR)):
            break
    return None


def asks(parameters: Parameters, name: str) -> bool:
    """Tell whether a map or a policy server is asked anywhere in the list `name`."""
    return any(map(_is_undecided, steps(parameters, name)))


def deciding(parameters: Parameters, name: str) -> Step | None:
    """Return the step of `undecided` where the list `name` refuses whoever has logged in, unless that step permits; else None."""
    return undecided(parameters, name) if verdict(parameters, name, USER)[0] == REFUSE else None


def described(step: Step) -> str:
    """Return a step as messages name it; of its argument what is a table's kind and path, for all else may be a secret."""
    name = "" if step.name == _IMPLIED else step.name
    shown = step.argument if _PATH.fullmatch(step.argument) else ""
    kind, colon, _ = step.argument.partition(":")
    rest = f"{kind}:..." if colon and kind.isalnum() and not shown else shown
    return " ".join(part for part in (name, rest) if part) or "a map"


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
    return LISTS if is_delayed(parameters) else LISTS[LISTS.index(SENDER) :]


def binding(parameters: Parameters) -> Step | None:
    """Return the step that keeps users to the senders that they own; None where smtpd comes to none."""
    for name in with_sender(parameters):
        for step in steps(parameters, name):
            if step.name in BINDING and not step.warned:
                return step
            if outcome_of(parameters, name, step, USER):
                break
    return None


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
        if word.text.lower() == WARNING:
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


def outcome_of(parameters: Parameters, name: str, step: Step, client: Client) -> str:
    """Return what one step of the list `name` comes to for `client`."""
    early = name in (CLIENT, HELO, SENDER) and not is_delayed(parameters)
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


def _is_undecided(step: Step) -> bool:
    """Tell whether a map or a policy server decides at a step, and its answer is not known here."""
    if step.name in (*ABOUT_LOGINS, *_BY_TABLE):
        return True
    if step.name not in (_IMPLIED, *_SURE):
        return bool(re.fullmatch(r"check_\w+_access", step.name))
    kind, _, answer = step.argument.partition(":")
    found = [word for _, word in split(answer.strip("{} ").lower())]
    is_code = bool(found) and found[0].isdigit()
    return kind != "static" or not found or not (is_code or all(word in _ANSWERS for word in found))


def is_delayed(parameters: Parameters) -> bool:
    """Tell whether smtpd goes through all lists when the recipient is known."""
    return parameters.value("smtpd_delay_reject").lower() != "no"
