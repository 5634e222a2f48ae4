"""How a password is to be stored: what the caller chose, else what Cyrus does for a new user, and what an old one had.

A choice of hash or iterations is a choice against plaintext: beside userPassword libsasl does not look at a SCRAM verifier.

Source of the limits: the clients of Cyrus SASL 2.1.28 refuse more than 65536 iterations, observed; RFC 5802, section 5.1, asks for 4096 at least.
Errors: SasldbError for a choice that contradicts itself; SecretUnusable; SiteConfigError (an option of libsasl's).
"""

from __future__ import annotations

from sasldb.errors import SasldbError, SecretUnusable
from sasldb.model.identity import UserId
from sasldb.operations import cyrus
from sasldb.secrets import scram, storage
from sasldb.secrets.properties import AUTH_PASSWORD, USER_PASSWORD, is_derived, is_secret
from sasldb.store.accounts import host_realm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Changes = dict[bytes, bytes | None]

HASH = "SHA-256"


class Storing:
    """The choice: `plaintext` True or False, None to leave it to the rule; `hash` and `iterations` of SCRAM, None for the usual."""

    __slots__ = ("hash", "iterations", "plaintext")

    def __init__(
        self,
        plaintext: bool | None = None,
        hash: str | None = None,
        iterations: int | None = None,
        any_iterations: bool = False,
    ) -> None:
        """Take the choice; `any_iterations` lifts the limit that Cyrus's clients set.

        Raises:
            SasldbError: plaintext together with SCRAM, an unknown hash, or iterations out of bounds.
        """
        if plaintext and (hash or iterations):
            raise SasldbError(
                "--plaintext", "beside it libsasl uses no SCRAM verifier: leave out --scram and --iterations"
            )
        if hash is not None and hash not in scram.HASHES:
            raise SasldbError(hash, "none of " + ", ".join(scram.HASHES))
        least, most = (1, scram.COUNTABLE) if any_iterations else (scram.FEWEST, scram.MOST)
        if iterations is not None and not least <= iterations <= most:
            remedy = "" if any_iterations else "to have it nevertheless, add --force-iterations"
            raise SasldbError(f"{iterations} iterations", f"not between {least} and {most}", remedy)
        self.plaintext = False if hash or iterations else plaintext
        self.hash = hash
        self.iterations = iterations

    def first(self, user: UserId, password: bytes, site: cyrus.Site) -> Changes:
        """Return what to store for a new `user`: unless told otherwise the plaintext, and what Cyrus's plug-ins here add to it.

        Raises:
            SiteConfigError: an option of libsasl's configuration.
        """
        if self.plaintext is False:
            return self.verifiers(password)
        return cyrus.secrets_of(user, password, site)

    def renewed(self, user: UserId, properties: Mapping[bytes, bytes], password: bytes, site: cyrus.Site) -> Changes:
        """Return what to store and remove (None) for a `user` who has `properties`, so that no secret of another password stays.

        Raises:
            SiteConfigError: an option of libsasl's configuration.
        """
        stale: Changes = dict.fromkeys(name for name in properties if is_secret(name))
        plaintext = self.plaintext
        if plaintext is None:
            return {**stale, **storage.renewed(user, properties, password, host_realm())}
        if plaintext:
            return {**stale, **cyrus.secrets_of(user, password, site)}
        one_time = {name: value for name, value in properties.items() if name == cyrus.OTP_SECRET}
        kept = storage.renewed(user, one_time, password, host_realm()) if one_time else {}
        return {**stale, **kept, **self.verifiers(password, properties.get(AUTH_PASSWORD))}

    def verifiers(self, password: bytes, old: bytes | None = None) -> Changes:
        """Return what to store instead of a plaintext; what is not chosen is taken from the `old` authPassword, where there is one."""
        hash, iterations = _parameters(old)
        changes = storage.as_verifiers(password, self.hash or hash, self.iterations or iterations)
        return {name: value for name, value in changes.items() if value is not None or name == USER_PASSWORD}


def without(properties: Mapping[bytes, bytes], changes: Mapping[bytes, bytes | None]) -> list[bytes]:
    """Return the derived secrets among `properties` that `changes` remove, by name."""
    return sorted(name for name in properties if is_derived(name) and changes.get(name, b"") is None)


def _parameters(value: bytes | None) -> tuple[str, int]:
    """Return hash and iterations of a stored authPassword; the usual ones where there is none to read, or it is weak."""
    if value is not None:
        try:
            old = scram.parse(value)
            return old.hash, max(scram.FEWEST, min(old.iterations, scram.COUNTABLE))
        except SecretUnusable:
            pass
    return HASH, scram.ITERATIONS
