"""The table of the properties that hold a password or something derived from it.

One row a property: its name, the SASL mechanisms it can let in, and what happens to it beside a userPassword. How a value is checked
stands in `check`, which mechanisms one value really serves in `mechanisms`. All else in a database (home directories, inventions of
others) is data that this package keeps and does not understand.

Source: the names that the plug-ins of Cyrus SASL 2.1.28 ask for and how they choose between two, observed through libsasl2 or, for SRP
and OPAQUE, which no distribution ships, read in plugins/srp.c and opaque.c. Costs next to nothing to import; raises nothing.
"""

from __future__ import annotations

USER_PASSWORD = b"userPassword"
AUTH_PASSWORD = b"authPassword"
SECRET_PREFIX = b"cmusaslsecret"  # every mechanism-specific secret is called this and the mechanism's name

TYPED = ("PLAIN", "LOGIN")  # the client sends the password itself
SCRAM = ("SCRAM-SHA-1", "SCRAM-SHA-224", "SCRAM-SHA-256", "SCRAM-SHA-384", "SCRAM-SHA-512")
SHARED = ("CRAM-MD5", "DIGEST-MD5", "NTLM", *SCRAM)  # both sides compute from the password
MECHANISMS = (*TYPED, *SHARED, "OTP", "SRP", "OPAQUE")  # all that are known here, in the order in which they are shown


class Property:
    """One row of the table.

    Attributes:
        name: the property's name (bytes).
        mechanisms: the SASL mechanisms (str) that it can let in, in the order of MECHANISMS.
        yields: whether libsasl ignores it where userPassword is stored too.
        description: what it is, as a phrase.
    """

    __slots__ = ("description", "mechanisms", "name", "yields")

    def __init__(self, name: bytes, mechanisms: tuple[str, ...], yields: bool, description: str) -> None:
        self.name = name
        self.mechanisms = mechanisms
        self.yields = yields
        self.description = description

    @property
    def derived(self) -> bool:
        """Whether it is computed from the password, so that a change must renew or remove it."""
        return self.name != USER_PASSWORD

    def __repr__(self) -> str:
        return f"Property({self.name!r})"


# userPassword serves SRP as well, but only where that rare plug-in is installed: it is not counted.
TABLE = (
    Property(USER_PASSWORD, TYPED + SHARED, False, "the password itself"),
    Property(b"cmusaslsecretPLAIN", TYPED, False, "a salted MD5 of the password"),
    Property(AUTH_PASSWORD, SCRAM, True, "a verifier for one SCRAM mechanism"),
    Property(b"cmusaslsecretCRAM-MD5", ("CRAM-MD5",), True, "a half-computed HMAC-MD5"),
    Property(b"cmusaslsecretDIGEST-MD5", ("DIGEST-MD5",), True, "an MD5 of user, realm and password"),
    Property(b"cmusaslsecretOTP", ("OTP",), False, "the state of one-time passwords"),
    Property(b"cmusaslsecretSRP", ("SRP",), False, "an SRP verifier"),
    Property(b"cmusaslsecretOPAQUE", ("OPAQUE",), False, "an OPAQUE registration"),
)
PROPERTIES = {row.name: row for row in TABLE}
DERIVED = tuple(row.name for row in TABLE if row.derived)  # to be removed unseen when a password changes


def is_derived(name: bytes) -> bool:
    """Return whether property `name` is computed from a password, going by its name: also secrets of unknown mechanisms."""
    return name == AUTH_PASSWORD or name.startswith(SECRET_PREFIX)


def is_secret(name: bytes) -> bool:
    """Return whether property `name` lets a user in: userPassword, and all that is derived from it."""
    return name == USER_PASSWORD or is_derived(name)
