"""Restriction lists of Postfix, changed by putting single words in and taking none of the administrator's out.

smtpd goes through a list until something decides. So who has logged in must be let through before anything refuses, and who has not must
be refused before anything lets everybody through. Words that ask maps or servers decide for some, and are passed over here.

Source: Postfix 3.7, SMTPD_ACCESS_README, and postconf(5): smtpd_relay_restrictions needs one of the five words below. Raises nothing.
"""

from __future__ import annotations

import re

LOGIN = "permit_sasl_authenticated"
GOOD = f"permit_mynetworks, {LOGIN}, reject_unauth_destination"
_REFUSING = ("reject", "reject_unauth_destination", "defer", "defer_if_permit", "defer_unauth_destination")
_PROTECTING = "reject_unauth_destination"
_WORD = re.compile(r"[^\s,]+")
_NO_EFFECT = "warn_if_reject"  # on the word that follows


def relaying(value: str) -> str:
    """Return the list `value` (smtpd_relay_restrictions) such that who has logged in may relay, and strangers may not."""
    if not value.split():
        return GOOD
    refusing, open_to_all = _place(value, _REFUSING), _place(value, ("permit",))
    if open_to_all is not None and (refusing is None or open_to_all < refusing):
        value = _inserted(value, open_to_all, _PROTECTING)
    elif refusing is None:
        value = f"{value.rstrip(' ,')}, {_PROTECTING}"
    refusing, login = _place(value, _REFUSING), _place(value, (LOGIN,))
    assert refusing is not None
    return value if login is not None and login < refusing else _inserted(value, refusing, LOGIN)


def lets_logins_relay(value: str) -> bool:
    """Tell whether `value` already lets who has logged in through, and then refuses."""
    return bool(value.split()) and relaying(value) == value


def first(value: str, word: str) -> str:
    """Return the list `value` with `word` at its beginning, if it was not there at all."""
    return value if word in words(value) else ", ".join(part for part in (word, value.strip()) if part)


def words(value: str) -> list[str]:
    """Return the words of a list."""
    return _WORD.findall(value)


def _place(value: str, among: tuple[str, ...]) -> int | None:
    """Return where the first word is that is one of `among` and has an effect, None where there is none."""
    previous = ""
    for match in _WORD.finditer(value):
        if match[0] in among and previous != _NO_EFFECT:
            return match.start()
        previous = match[0]
    return None


def _inserted(value: str, at: int, word: str) -> str:
    return f"{value[:at]}{word}, {value[at:]}"
