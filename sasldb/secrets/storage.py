"""Decide what is stored for a new password: which properties are written, and which are removed.

Every function answers with changes, property name -> value, or None for a property to be removed, which belong into one commit: then no
property of an old password outlives it. Nothing here knows a database or asks libsasl's configuration.

Two ways to store: the plaintext, which serves every mechanism; or authPassword and cmusaslsecretPLAIN, which serve PLAIN, LOGIN and
one SCRAM mechanism, with nothing on disk that can be read back. Errors: `SecretUnusable` where said.
"""

from __future__ import annotations

from sasldb.errors import SecretUnusable
from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, scram
from sasldb.secrets.properties import AUTH_PASSWORD, DERIVED, USER_PASSWORD, is_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from sasldb.model.identity import UserId

    Changes = dict[bytes, bytes | None]


def as_plaintext(password: bytes) -> Changes:
    """Return the changes that store `password` (bytes without NUL) as it is, and remove all that any other one left."""
    changes: Changes = dict.fromkeys(DERIVED)
    changes[USER_PASSWORD] = password
    return changes


def as_verifiers(password: bytes, hash: str = "SHA-256", iterations: int = scram.ITERATIONS) -> Changes:
    """Return the changes that store `password` (bytes without NUL) without plaintext, and remove the plaintext.

    Raises:
        SecretUnusable: `hash` or `iterations` cannot be used.
    """
    changes: Changes = dict.fromkeys((USER_PASSWORD, *DERIVED))
    changes[AUTH_PASSWORD] = scram.make(password, hash, iterations)
    changes[b"cmusaslsecretPLAIN"] = plain_hash.make(password)
    return changes


def renewed(user_id: UserId, properties: Mapping[bytes, bytes], password: bytes, hostname: str | bytes) -> Changes:
    """Return the changes that store `password` (bytes without NUL) the way in which the user's old one was stored.

    Each secret among `properties` (name -> value, as stored) is made anew with its own parameters: hash, iterations, algorithm. One that
    does not parse or that nobody here can make is removed. Where that leaves none, a user who had no plaintext gets verifiers, one
    who had no secret at all the plaintext. `hostname` is for the seed of one-time passwords.

    Raises:
        SecretUnusable: this Python lacks MD5.
    """
    changes: Changes = {}
    for name, value in properties.items():
        if is_secret(name):
            changes[name] = password if name == USER_PASSWORD else _made_anew(name, value, user_id, password, hostname)
    if not changes:
        return {USER_PASSWORD: password}
    if all(value is None for value in changes.values()):
        changes.update(as_verifiers(password))
    return changes


def _made_anew(name: bytes, value: bytes, user_id: UserId, password: bytes, hostname: str | bytes) -> bytes | None:
    """Return the value of property `name` for `password`, with the parameters of the old `value`; None when there is no way."""
    if name == b"cmusaslsecretPLAIN":
        return plain_hash.make(password)
    if name == b"cmusaslsecretCRAM-MD5":
        return cram_md5.make(password)
    if name == b"cmusaslsecretDIGEST-MD5":
        return digest_md5.make(user_id.user, user_id.realm, password)
    try:
        if name == AUTH_PASSWORD:
            old = scram.parse(value)
            return scram.make(password, old.hash, max(old.iterations, scram.FEWEST))
        if name == b"cmusaslsecretOTP":
            return otp.make(password, hostname, otp.parse(value).algorithm)
    except SecretUnusable:
        return None
    return None
