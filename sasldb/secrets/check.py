"""Check a password against what is stored for a user, as libsasl would.

The verdict says what a login would meet: a property that libsasl ignores, because userPassword stands beside it, cannot accept. Stored
values come from anywhere, so whatever does not parse is "unusable" with the reason, never a crash and never a yes.

A password with a NUL is never right: most mechanisms cannot carry one, and a value stored with one ends there (see `plaintext`).
Source of the rules: Cyrus SASL 2.1.28, lib/checkpw.c and the plug-ins, observed through libsasl2. Errors: see the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from sasldb.errors import SecretUnusable
from sasldb.model.identity import UserId
from sasldb.model.text import to_text
from sasldb.model.verdict import Outcome, Verdict
from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, plaintext, scram
from sasldb.secrets.properties import PROPERTIES, TABLE, USER_PASSWORD, is_derived

Check = Callable[[bytes, UserId, bytes], bool]

CHECKS: dict[bytes, Check] = {
    USER_PASSWORD: lambda value, _, password: plaintext.check(value, password),
    b"cmusaslsecretPLAIN": lambda value, _, password: plain_hash.check(value, password),
    b"authPassword": lambda value, _, password: scram.check(value, password),
    b"cmusaslsecretCRAM-MD5": lambda value, _, password: cram_md5.check(value, password),
    b"cmusaslsecretDIGEST-MD5": lambda value, user, password: digest_md5.check(value, user.user, user.realm, password),
    b"cmusaslsecretOTP": lambda value, _, password: otp.check(value, password),
}


def check_password(user_id: UserId, properties: Mapping[bytes, bytes], password: bytes) -> Verdict:
    """Check `password` (bytes) against every property (name -> value, as stored) of `user_id`.

    Returns:
        NO_SUCH_USER for no properties at all, SECRET_UNUSABLE when none of them can be checked, else OK or MISMATCH. `accepted_by` has
        the order of the table in `properties`; `unusable` names all that libsasl ignores or that cannot be checked.
    """
    if not properties:
        return Verdict(Outcome.NO_SUCH_USER)
    accepted: list[str] = []
    unusable: dict[str, str] = {}
    refused = False
    for name in _in_order(properties):
        try:
            if ignored(name, properties):
                raise SecretUnusable(to_text(name), "libsasl ignores it beside userPassword")
            if check_property(name, properties[name], user_id, password):
                accepted.append(to_text(name))
            else:
                refused = True
        except SecretUnusable as error:
            unusable[to_text(name)] = error.reason
    outcome = Outcome.OK if accepted else Outcome.MISMATCH if refused else Outcome.SECRET_UNUSABLE
    return Verdict(outcome, tuple(accepted), unusable)


def check_property(name: bytes, value: bytes, user_id: UserId, password: bytes) -> bool:
    """Return whether `password` fits the `value` of one property, whatever stands beside it.

    Raises:
        SecretUnusable: the value does not parse, is used up, or nobody here can check such a property.
    """
    if name not in CHECKS:
        raise SecretUnusable(to_text(name), "no way to check it here")
    return CHECKS[name](value, user_id, password) and 0 not in password


def ignored(name: bytes, properties: Container[bytes]) -> bool:
    """Return whether libsasl would not look at property `name` in the company of these `properties` (names)."""
    return name in PROPERTIES and PROPERTIES[name].yields and USER_PASSWORD in properties


def _in_order(properties: Mapping[bytes, bytes]) -> list[bytes]:
    """Return the names of all secrets among `properties`: the table's order, then unknown mechanisms' secrets by name."""
    unknown = sorted(name for name in properties if is_derived(name) and name not in PROPERTIES)
    return [row.name for row in TABLE if row.name in properties] + unknown
