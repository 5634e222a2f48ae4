"""Which record a login name leads to: what libsasl, and the server that loads it, make of what a client sends.

Blanks around the name go. It is split at its FIRST `@`; where it has none the server adds a realm. smtpd gives libsasl its
smtpd_sasl_local_domain, and libsasl appends it; where that is empty the realm is the server's host name, myhostname, in lower case. Of
another application no realm is known here, and the host name is this machine's own.

Source: Cyrus SASL 2.1.28, observed: sasl_checkpass, and whole exchanges with every mechanism that Debian ships, each led to the record
that is told here. It refuses a name of more than 1024 bytes, an appended realm included, and, by a slip, one with as many blanks before
it as it is long. What single services of master.cf override (`-o`) is not looked at.
Errors: SiteConfigError (Postfix cannot be asked); BadName for a login with a NUL.
"""

from __future__ import annotations

import os

from sasldb.errors import SiteConfigError
from sasldb.model.identity import UserId
from sasldb.model.text import to_bytes
from sasldb.postfix.config import postconf

BLANKS = b" \t\n\v\f\r"  # C's isspace
LONGEST = 1024  # bytes
SMTPD = "smtpd"

# Where a realm came from: the words of `origin`.
LOGIN = "login"
LOCAL_DOMAIN = "local domain"
HOSTNAME = "host name"
POSTFIX_DOMAIN = postconf.LOCAL_DOMAIN
POSTFIX_HOST = "myhostname"
THIS_HOST = "this host"


class BareRealm:
    """The realm of a login that names none.

    Attributes:
        name: the realm (bytes). origin: where it came from, one of the words above.
        appended: whether libsasl appends it to the login, as it does with a local domain and not with a host name.
    """

    __slots__ = ("appended", "name", "origin")

    def __init__(self, name: bytes, origin: str, appended: bool = False) -> None:
        self.name = name
        self.origin = origin
        self.appended = appended

    def __repr__(self) -> str:
        return f"BareRealm({self.name!r}, {self.origin!r}, {self.appended})"


class Server:
    """The server that clients log in to. What is not given is asked of Postfix, when it is first needed and not before.

    `local_domain` (text) is what the server passes to libsasl as the realm, "" for none; `hostname` (text) what it calls itself; an
    `application` other than smtpd is not Postfix.
    """

    __slots__ = ("_bare", "_hostname", "_local_domain", "_postfix")

    def __init__(
        self, local_domain: str | None = None, hostname: str | None = None, application: str | None = None
    ) -> None:
        self._local_domain = local_domain
        self._hostname = hostname
        self._postfix = application in (None, "", SMTPD)
        self._bare: BareRealm | None = None

    @property
    def bare(self) -> BareRealm:
        """The realm of a login that names none; SiteConfigError where Postfix cannot tell."""
        if self._bare is None:
            self._bare = self._found()
        return self._bare

    def _found(self) -> BareRealm:
        if self._local_domain:
            return BareRealm(to_bytes(self._local_domain), LOCAL_DOMAIN, appended=True)
        if self._local_domain is None and self._postfix and (self._hostname is None or has_postfix()):
            domain = postconf.parameter(POSTFIX_DOMAIN)
            if domain:
                return BareRealm(to_bytes(domain), POSTFIX_DOMAIN, appended=True)
        if self._hostname is not None:
            return BareRealm(to_bytes(self._hostname).lower(), HOSTNAME)
        if not self._postfix:
            return BareRealm(own_name(), THIS_HOST)
        name = postconf.parameter(POSTFIX_HOST)
        if not name:
            raise SiteConfigError("postconf", f"{POSTFIX_HOST} is empty")
        return BareRealm(to_bytes(name).lower(), POSTFIX_HOST)


class Resolution:
    """What becomes of one login.

    Attributes:
        login: as the client sends it (bytes).
        user: the user id that is looked up, or None where libsasl refuses the login, for the `reason`.
        origin: where the realm came from, one of the words above.
        trimmed: whether blanks around the login went.
    """

    __slots__ = ("login", "origin", "reason", "trimmed", "user")

    def __init__(self, login: bytes, user: UserId | None, origin: str, reason: str = "") -> None:
        self.login = login
        self.user = user
        self.origin = origin
        self.reason = reason
        self.trimmed = login != login.strip(BLANKS)

    def __repr__(self) -> str:
        return f"Resolution({self.login!r}, {self.user!r}, {self.origin!r}, {self.reason!r})"


def resolve(login: bytes, server: Server) -> Resolution:
    """Return what `login` (bytes) leads to on `server`, which is asked only where the login names no realm.

    Raises:
        SiteConfigError: Postfix cannot tell its realm. BadName: a NUL in the login.
    """
    bare = None if b"@" in login or not login else server.bare
    user, reason = _looked_up(login, bare)
    return Resolution(login, user, bare.origin if bare else LOGIN, reason)


def unreachable(user: UserId, bare: BareRealm | None = None) -> str:
    """Return why no login leads to `user`, "" where one does; `bare` is the realm of logins that name none, where it is known."""
    name = user.user
    whole = b"%b@%b" % (name, user.realm)
    plain = b"@" not in name and len(whole) <= LONGEST  # spares most users what follows
    if plain and whole[:1] not in _EACH_BLANK and whole[-1:] not in _EACH_BLANK:
        return ""
    if _looked_up(whole, None)[0] == user or (bare and b"@" not in name and _looked_up(name or b" ", bare)[0] == user):
        return ""
    if b"@" in name:
        return "an @ in the user's name, and a login is split at the first one"
    return (
        f"more than {LONGEST} bytes" if len(whole) > LONGEST else "a blank at the beginning or end, which libsasl drops"
    )


def _looked_up(login: bytes, bare: BareRealm | None) -> tuple[UserId | None, str]:
    """Return the user id, or None and why libsasl refuses `login`; `bare` is for one without an `@`, None for one that has it."""
    name = login.strip(BLANKS)
    whole = (b"%b@%b" % (name, bare.name)).rstrip(BLANKS) if bare and bare.appended else name
    if len(login) - len(login.lstrip(BLANKS)) == len(name):
        return None, "as many blanks before the name as it is long, which libsasl takes for nothing but blanks"
    if not whole:
        return None, "nothing but blanks"
    if len(whole) > LONGEST:
        return None, f"more than {LONGEST} bytes"
    return UserId.parse(whole, bare.name if bare else b""), ""


def own_name() -> bytes:
    """Return this machine's name as libsasl takes it where a server gives none: with its domain if that can be found, in lower case."""
    name = os.uname().nodename
    if "." not in name:
        import socket

        try:
            name = socket.getaddrinfo(name, None, flags=socket.AI_CANONNAME)[0][3] or name
        except OSError:
            pass
    return to_bytes(name).lower()


def has_postfix() -> bool:
    """Tell whether there is a Postfix on this machine to be asked."""
    return any(os.access(path, os.X_OK) for path in postconf.POSTCONF)


_EACH_BLANK = frozenset(bytes((blank,)) for blank in BLANKS)
