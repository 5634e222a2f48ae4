"""The records that Cyrus SASL's own saslpasswd2 would write and remove, in one commit.

What takes part is decided by libsasl's configuration and the plug-ins that are installed:
- userPassword is stored where the sasldb plug-in may write (`auxprop_plugin`);
- the OTP plug-in adds cmusaslsecretOTP, if `mech_list` lets it, under the hash `otp_mda`;
- the SCRAM plug-ins add authPassword where `scram_secret_generate` is on. Each overwrites the one before, so the last in the order of
  `mech_list` is what stays, SCRAM-SHA-1 where there is no list;
- cmusaslsecretCRAM-MD5, -DIGEST-MD5 and -PLAIN are removed; every other property is left alone.

Deliberate differences: without userPassword (`-n`) authPassword and cmusaslsecretPLAIN take its place and the old one goes; a
deleted user loses every property; a password that libsasl would cut is refused; all or nothing.

Source: Cyrus SASL 2.1.28, observed record by record. Errors: `BadPassword`, `MechanismError` (no plug-in here can store a
password), `SiteConfigError` (an option's value), and those of the store.
"""

from __future__ import annotations

from sasldb.errors import MechanismError, SiteConfigError
from sasldb.libsasl.config import Config
from sasldb.libsasl.plugins import Plugins
from sasldb.model.identity import UserId
from sasldb.secrets import otp, plain_hash, scram
from sasldb.secrets.properties import AUTH_PASSWORD, USER_PASSWORD
from sasldb.store.editing import check_storable, edit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.policy.ownership import OwnershipOptions

OTP_SECRET = b"cmusaslsecretOTP"
PLAIN_SECRET = b"cmusaslsecretPLAIN"
SUPERSEDED = (b"cmusaslsecretCRAM-MD5", b"cmusaslsecretDIGEST-MD5", PLAIN_SECRET)
SCRAM_ORDER = (b"scram-sha-512", b"scram-sha-384", b"scram-sha-256", b"scram-sha-224", b"scram-sha-1")  # libsasl's own
SCRAM_CHOICE = (b"scram-sha-256", *SCRAM_ORDER)  # ours for a user without userPassword, the most served first
MOST_ITERATIONS = 10_000_000  # some seconds; libsasl would be busy for an hour with 4294967295


class Site:
    """What libsasl here would do with a password.

    Attributes:
        stores: whether a sasldb plug-in is there and may write.
        mechanisms: the mechanisms that keep a secret of their own (lower-case bytes), in the order in which they are asked.
        scram: whether authPassword is to be generated beside userPassword.
    """

    __slots__ = ("_config", "_listed", "mechanisms", "scram", "stores")

    def __init__(self, config: Config, plugins: Plugins) -> None:
        stores = config.words(b"auxprop_plugin")
        self.stores = plugins.sasldb and (stores is None or b"sasldb" in stores)
        available = ((b"otp",) if plugins.otp else ()) + (SCRAM_ORDER if plugins.scram else ())
        self._listed = [_without_plus(word) for word in config.words(b"mech_list") or ()]
        listed = available if config.get(b"mech_list") is None else self._listed
        self.mechanisms = [name for name in listed if name in available]
        self.scram = config.is_on(b"scram_secret_generate")
        self._config = config

    @property
    def otp_algorithm(self) -> str:
        """The hash of new OTP secrets; SiteConfigError for one that is unknown, or kills libsasl at the login (md4)."""
        name = (self._config.get(b"otp_mda") or b"md5").lower().decode("ascii", "replace")
        usable = [
            algorithm for algorithm in otp.ALGORITHMS if algorithm != "md4"
        ]  # gone from OpenSSL 3, unchecked there
        if name not in usable:
            raise SiteConfigError(self._where(), f"otp_mda is none of {', '.join(usable)}")
        return name

    @property
    def generated_scram(self) -> bytes | None:
        """The mechanism whose secret is the one that stays, None when none is generated."""
        scrams = [name for name in self.mechanisms if name in SCRAM_ORDER] if self.scram else []
        return scrams[-1] if scrams else None

    @property
    def preferred_scram(self) -> bytes:
        """The mechanism for a user without userPassword: the generated one, else the first of ours that mech_list names."""
        allowed = [name for name in SCRAM_CHOICE if name in self._listed] or SCRAM_CHOICE
        return self.generated_scram or allowed[0]

    @property
    def iterations(self) -> int:
        """scram_iteration_counter, 4096 where it is not set or no number; SiteConfigError where it is 0 or absurd."""
        text = self._config.get(b"scram_iteration_counter") or b""
        digits = text[1:] if text[:1] in (b"+", b"-") else text
        if not digits.isdigit() or int(digits) >= 1 << 64:
            return scram.ITERATIONS
        count = (-int(digits) if text[:1] == b"-" else int(digits)) & 0xFFFFFFFF  # strtoul's, in an unsigned int
        if not 1 <= count <= MOST_ITERATIONS:
            raise SiteConfigError(self._where(), f"scram_iteration_counter is not between 1 and {MOST_ITERATIONS}")
        return count

    def _where(self) -> str:
        return (self._config.path or b"").decode("utf-8", "backslashreplace")


def set_password(
    path: str,
    user: UserId,
    password: bytes,
    site: Site,
    keep_plaintext: bool = True,
    wishes: OwnershipOptions | None = None,
) -> list[str]:
    """Store the secrets of `password` for `user` in the database `path`, which is made when it is missing.

    `wishes` are those of `store.editing.edit`.

    Returns:
        Sentences for the person at the terminal: what is unsafe about the place, what changed of owner and mode.

    Raises:
        BadPassword: empty, with a NUL, or longer than libsasl reads. MechanismError: no plug-in here can store it.
        SiteConfigError: an option of the configuration. DatabaseError: the file; nothing was changed.
    """
    check_storable(user, password)
    if not _can_store(site):
        return []
    records = secrets_of(user, password, site, keep_plaintext)
    with edit(path, adopt_empty=True, wishes=wishes) as editor:
        for name, value in records.items():
            if value is None:
                editor.remove(user.key(name))
            else:
                editor.put(user.key(name), value)
    return [*editor.warnings, *editor.notes]


def secrets_of(user: UserId, password: bytes, site: Site, keep_plaintext: bool = True) -> dict[bytes, bytes | None]:
    """Return property name -> value to store for `password` (bytes that libsasl can use), None for one to remove."""
    records: dict[bytes, bytes | None] = dict.fromkeys(SUPERSEDED)
    generated = site.generated_scram if keep_plaintext else site.preferred_scram
    if keep_plaintext:
        records[USER_PASSWORD] = password
    else:
        records[USER_PASSWORD] = None
        records[PLAIN_SECRET] = plain_hash.make(password)
    if b"otp" in site.mechanisms:
        from sasldb.store.accounts import host_realm

        records[OTP_SECRET] = otp.make(password, host_realm(), site.otp_algorithm)
    if generated:
        hash_name = generated[len(b"scram-") :].upper().decode("ascii")
        records[AUTH_PASSWORD] = scram.make(password, hash_name, site.iterations)
    return records


def disable(path: str, user: UserId, site: Site, wishes: OwnershipOptions | None = None) -> list[str]:
    """Remove every property of `user`; one that does not exist is no error, and a missing database is made, empty.

    Returns:
        Sentences, as `set_password` does.

    Raises:
        MechanismError: no plug-in here may store. DatabaseError: the file; nothing was changed.
    """
    if not _can_store(site):
        return []
    with edit(path, adopt_empty=True, wishes=wishes) as editor:
        editor.delete(user, missing_ok=True)
    return [*editor.warnings, *editor.notes]


def _can_store(site: Site) -> bool:
    """Tell whether anything is to be done: without the sasldb plug-in, the mechanisms that need it fail, else nothing happens."""
    if not site.stores and site.mechanisms:
        raise MechanismError("auxprop_plugin", "no sasldb plug-in here may store a password")
    return site.stores


def _without_plus(name: bytes) -> bytes:
    """Return a mechanism's name without the mark of channel binding, which libsasl overlooks in mech_list."""
    return name[: -len(b"-plus")] if name.endswith(b"-plus") else name
