"""The part of the audit that looks at what is stored for one user: what lets in more than it should, and what cannot let in at all.

A record is proposed for removal only where that stops no login that works today: what libsasl ignores, or can never accept, or accepts
for a password that something else accepts as well. Where two passwords are stored, which of them is the right one is not decided here.

Source: Cyrus SASL 2.1.28, observed through libsasl2: which secret it looks at beside which; a value of more than 8193 bytes (its reading
is off by one) fails every login that asks for it, whatever else is stored. RFC 5802 section 5.1 (iterations), RFC 2289 section 6
(seeds). Raises nothing: what does not parse is a finding.
"""

from __future__ import annotations

from sasldb.errors import SecretUnusable
from sasldb.model.identity import UserId
from sasldb.model.text import to_text
from sasldb.operations.audit.rules import Finding
from sasldb.secrets import otp, plain_hash, scram
from sasldb.secrets.check import ignored
from sasldb.secrets.mechanisms import mechanisms_of, serves
from sasldb.secrets.plaintext import LONGEST
from sasldb.secrets.properties import AUTH_PASSWORD, PROPERTIES, USER_PASSWORD, is_derived, is_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLAIN = b"cmusaslsecretPLAIN"
_OTP = b"cmusaslsecretOTP"
_DELETED_BY_CYRUS = (
    USER_PASSWORD,
    _PLAIN,
    b"cmusaslsecretCRAM-MD5",
    b"cmusaslsecretDIGEST-MD5",
)  # whatever is installed
_SPELLED = {name.lower(): name for name in PROPERTIES}
FEW = 10  # one-time passwords
_READ = LONGEST + 1  # bytes; what is longer, no libsasl reads


def of_plaintext(user: UserId, value: bytes) -> Iterator[Finding]:
    """Yield what there is to say of userPassword alone, given its `value`."""
    if len(value) > LONGEST:
        yield Finding("unreadable-value", (user,), _length(USER_PASSWORD, value))
    elif not value or value[0] == 0:
        yield Finding("empty-password", (user,), "userPassword begins with a NUL" if value else "userPassword is empty")
    elif 0 in value:
        yield Finding("nul-in-password", (user,), f"a NUL after {value.index(0)} of {len(value)} bytes")


def of_others(user: UserId, properties: Mapping[bytes, bytes], deep: bool = False) -> Iterator[Finding]:
    """Yield what there is to say of all `properties` (name -> value) of `user` but for userPassword alone.

    With `deep` one-time passwords are compared with the plaintext as well, which takes a tenth of a millisecond each.
    """
    yield from _unreadable(user, properties)
    yield from _beside_plaintext(user, properties)
    for name, value in properties.items():
        if name in PROPERTIES and name != USER_PASSWORD and not ignored(name, properties) and len(value) <= LONGEST:
            yield from _one(user, name, value, properties, deep)
        elif name.lower() in _SPELLED and name not in PROPERTIES:
            yield Finding("misspelt-property", (user,), f"{to_text(name)}, not {to_text(_SPELLED[name.lower()])}")
    secrets = [name for name in properties if is_secret(name)]
    if not secrets:
        yield Finding("no-secret", (user,), "only " + _listed(properties))
    elif not any(name in properties for name in _DELETED_BY_CYRUS):
        ways = " ".join(mechanisms_of(properties)) or "no mechanism known here"
        yield Finding("orphaned-secret", (user,), f"only {_listed(secrets)}, for {ways}")


def _unreadable(user: UserId, properties: Mapping[bytes, bytes]) -> Iterator[Finding]:
    for name, value in properties.items():
        if len(value) > LONGEST and name != USER_PASSWORD:
            useless = is_derived(name) and len(value) > _READ and _served(properties, without=name)
            yield Finding("unreadable-value", (user,), _length(name, value), _keys(user, name) if useless else ())


def _beside_plaintext(user: UserId, properties: Mapping[bytes, bytes]) -> Iterator[Finding]:
    """Yield what there is to say of secrets that stand beside a plaintext."""
    if USER_PASSWORD not in properties:
        return
    password = properties[USER_PASSWORD].partition(b"\0")[0]
    readable = len(properties[USER_PASSWORD]) <= LONGEST
    hidden = [name for name in properties if ignored(name, properties)]
    if hidden:
        useless = password and readable
        yield Finding("hidden-verifier", (user,), _listed(hidden), _keys(user, *hidden) if useless else ())
    if _PLAIN in properties and readable and len(properties[_PLAIN]) <= LONGEST:
        try:
            same = plain_hash.check(properties[_PLAIN], password)
        except SecretUnusable:
            return  # is told as broken
        if same:
            yield Finding("redundant-hash", (user,), to_text(_PLAIN), _keys(user, _PLAIN) if password else ())
        else:
            yield Finding("second-password", (user,), "cmusaslsecretPLAIN is of another password than userPassword")


def _one(user: UserId, name: bytes, value: bytes, properties: Mapping[bytes, bytes], deep: bool) -> Iterator[Finding]:
    """Yield what there is to say of the property `name`, which libsasl looks at."""
    try:
        if name == _OTP:
            yield from _one_time(user, otp.parse(value), properties, deep)
            return
        serves(name, value)
        if name == _PLAIN and USER_PASSWORD not in properties and plain_hash.check(value, b""):
            yield Finding("empty-password", (user,), "cmusaslsecretPLAIN is of an empty password")
        if name == AUTH_PASSWORD:
            count = scram.parse(value).iterations
            if not scram.FEWEST <= count <= scram.MOST:
                weak = "weak-iterations" if count < scram.FEWEST else "excessive-iterations"
                yield Finding(weak, (user,), f"{count} iterations")
    except SecretUnusable as error:
        yield Finding("broken-secret", (user,), f"{to_text(name)}: {error.reason}")


def _one_time(user: UserId, state: otp.State, properties: Mapping[bytes, bytes], deep: bool) -> Iterator[Finding]:
    if state.algorithm == "md4":
        yield Finding("otp-md4", (user,), "cmusaslsecretOTP with md4")
    if not (state.seed.isascii() and state.seed.isalnum()):
        yield Finding("otp-seed", (user,), "a seed of other characters")
    left = state.sequence - 1
    if left < 1:
        keys = _keys(user, _OTP) if _served(properties, without=_OTP) else ()
        yield Finding("otp-used-up", (user,), "none is left", keys)
        return
    if left < FEW:
        yield Finding("otp-running-out", (user,), f"{left} left")
    plaintext = properties.get(USER_PASSWORD, b"")
    if deep and plaintext and len(plaintext) <= LONGEST:
        password = plaintext.partition(b"\0")[0]
        if otp.one_time_password(state.algorithm, state.sequence, state.seed, password) != state.password:
            yield Finding(
                "otp-second-password", (user,), "cmusaslsecretOTP is of another pass phrase than userPassword"
            )


def _served(properties: Mapping[bytes, bytes], without: bytes) -> bool:
    """Tell whether the user can log in `without` that property, and without those that libsasl cannot read."""
    others = {name: value for name, value in properties.items() if name != without and len(value) <= LONGEST}
    return bool(mechanisms_of(others))


def _keys(user: UserId, *names: bytes) -> tuple[bytes, ...]:
    return tuple(user.prefix + name for name in names)


def _length(name: bytes, value: bytes) -> str:
    return f"{to_text(name)} of {len(value)} bytes"


def _listed(names: Mapping[bytes, bytes] | list[bytes]) -> str:
    return ", ".join(sorted(map(to_text, names)))
