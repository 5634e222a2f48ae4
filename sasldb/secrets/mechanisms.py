"""Tell which SASL mechanisms a user can log in with, given what is stored for the user.

It answers for the mechanisms of the plug-ins that distributions ship, all installed and none excluded by a mech_list: what a server offers
is another question. Each SCRAM mechanism stands for its -PLUS form too.

Source: Cyrus SASL 2.1.28, observed through libsasl2: userPassword hides authPassword and the CRAM-MD5 and DIGEST-MD5 secrets, but not
cmusaslsecretPLAIN; an empty userPassword serves PLAIN and LOGIN alone. Errors: `SecretUnusable` where said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sasldb.errors import SecretUnusable
from sasldb.model.text import to_text
from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, plaintext, scram
from sasldb.secrets.check import ignored
from sasldb.secrets.properties import MECHANISMS, PROPERTIES, TYPED, USER_PASSWORD

_FAMILY = "SCRAM-SHA-"
_PARSERS = {
    b"cmusaslsecretPLAIN": plain_hash.parse,
    b"cmusaslsecretCRAM-MD5": cram_md5.parse,
    b"cmusaslsecretDIGEST-MD5": digest_md5.parse,
    b"cmusaslsecretOTP": otp.usable,
}


def mechanisms_of(properties: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """Return the mechanisms that the user with these properties (name -> value, as stored) can log in with.

    They come in the order of `properties.MECHANISMS`. Values that cannot serve count as absent.
    """
    served: dict[bytes, tuple[str, ...]] = {}
    for name, value in properties.items():
        try:
            served[name] = serves(name, value)
        except SecretUnusable:
            served[name] = ()
    return together(served)


def together(served: Mapping[bytes, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the mechanisms of a user, given for each of its properties by name those that it lets in, standing alone (see `serves`).

    They come in the order of `properties.MECHANISMS`.
    """
    found = {mechanism for name, alone in served.items() if not ignored(name, served) for mechanism in alone}
    return tuple(mechanism for mechanism in MECHANISMS if mechanism in found)


def folded(mechanisms: Iterable[str]) -> str:
    """Return mechanisms in one line for people, those of one family as one word: `PLAIN SCRAM-SHA-1/256`."""
    words: list[str] = []
    for mechanism in mechanisms:
        if mechanism.startswith(_FAMILY) and words and words[-1].startswith(_FAMILY):
            words[-1] += "/" + mechanism[len(_FAMILY) :]
        else:
            words.append(mechanism)
    return " ".join(words)


def serves(name: bytes, value: bytes) -> tuple[str, ...]:
    """Return the mechanisms that property `name` with this `value` lets in, standing alone.

    Raises:
        SecretUnusable: the value cannot serve, or the property is none of the table's.
    """
    if name not in PROPERTIES:
        raise SecretUnusable(to_text(name), "not a known secret")
    row = PROPERTIES[name]
    if name == USER_PASSWORD:
        return row.mechanisms if plaintext.parse(value) else TYPED
    if name == b"authPassword":
        return (scram.parse(value).mechanism,)
    if name in _PARSERS:
        _PARSERS[name](value)
    return row.mechanisms
