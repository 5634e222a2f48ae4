"""The rules of the audit, one row each: a stable name, how bad it is, why it matters, what to do. And what a rule finds.

Scripts name the rules (`--ignore`, JSON): a name is never given another meaning. How each is looked for stands in `audit_names` and
`audit_secrets`. No finding holds a password or a stored secret. Raises nothing.
"""

from __future__ import annotations

from sasldb.model.identity import UserId

HIGH, MEDIUM, LOW = "high", "medium", "low"
SEVERITIES = (HIGH, MEDIUM, LOW)


class Rule:
    """One row of the table.

    Attributes:
        name: what scripts call it. severity: one of SEVERITIES.
        why: why it matters, a clause. remedy: what to do, a clause.
    """

    __slots__ = ("name", "remedy", "severity", "why")

    def __init__(self, name: str, severity: str, why: str, remedy: str) -> None:
        self.name = name
        self.severity = severity
        self.why = why
        self.remedy = remedy

    def __repr__(self) -> str:
        return f"Rule({self.name})"


_SET = "set the password again, which renews or removes all that is stored: sasldb passwd USER"
_DROP = "let --fix remove what is of no use"
_RENAME = "give one of them another name: sasldb rename USER NEW"

TABLE = (
    Rule(
        "empty-password",
        HIGH,
        "an empty password is accepted, by PLAIN and LOGIN",
        "set a password (sasldb passwd USER) or delete the user (sasldb delete USER)",
    ),
    Rule(
        "second-password",
        HIGH,
        "PLAIN and LOGIN accept either of two passwords, the one in userPassword and the one in cmusaslsecretPLAIN",
        _SET,
    ),
    Rule("otp-second-password", HIGH, "an OTP login is accepted with another pass phrase than the password", _SET),
    Rule(
        "otp-md4",
        HIGH,
        "with OpenSSL 3 the server crashes as soon as a client answers, whatever the answer is",
        "store the password anew with nothing derived from the old one (sasldb passwd --plaintext USER), or keep OTP out of mech_list",
    ),
    Rule("unreadable-value", HIGH, "libsasl reads 8192 bytes at most, and every login that asks for more fails", _SET),
    Rule(
        "shared-password",
        MEDIUM,
        "whoever knows the password of one user knows that of another",
        "give each its own password",
    ),
    Rule("nul-in-password", MEDIUM, "libsasl stops at the NUL: what stands before it is accepted", _SET),
    Rule(
        "orphaned-secret",
        MEDIUM,
        "Cyrus's saslpasswd2 leaves such a secret behind when it deletes a user, and it goes on letting in",
        "delete the user (sasldb delete USER), or if it is one, set its password (sasldb passwd --no-plaintext USER)",
    ),
    Rule("broken-secret", MEDIUM, "it cannot be parsed, and lets nobody in", _SET),
    Rule(
        "weak-iterations",
        MEDIUM,
        "RFC 5802 asks for at least 4096 iterations: with fewer the password is quick to guess from the file",
        "set the password again: sasldb passwd --no-plaintext USER",
    ),
    Rule("otp-used-up", MEDIUM, "its one-time passwords are used up, and OTP lets nobody in", _SET),
    Rule(
        "malformed-key",
        MEDIUM,
        "no program reads a record whose key is not user, realm and property, and Cyrus's sasldblistusers2 loops on it for ever",
        _DROP,
    ),
    Rule(
        "oversized-key",
        MEDIUM,
        "Cyrus's sasldblistusers2 loops on it for ever, or ends its list there",
        "delete the user",
    ),
    Rule(
        "unreachable-name",
        MEDIUM,
        "no login leads to this user: libsasl splits a login at its first @, drops blanks at its ends and takes at most 1024 bytes",
        "add the user under a name without that; what sasldb delete cannot name, the library can",
    ),
    Rule(
        "names-differ-in-case",
        MEDIUM,
        "case matters to libsasl, so these are several users, and one may pass for another",
        _RENAME,
    ),
    Rule("names-differ-in-blanks", MEDIUM, "these are several users, and one may pass for another", _RENAME),
    Rule(
        "container-realm",
        MEDIUM,
        "the realm looks like the host name of a container: in the next container logins without a realm lead elsewhere",
        "move the users to a realm that stays: sasldb rename-realm OLD NEW",
    ),
    Rule(
        "stray-realm",
        MEDIUM,
        "logins without a realm lead elsewhere here, and who belongs to this realm is found only as user@realm in full",
        "move the users to the realm of this server (sasldb rename-realm OLD NEW), or set smtpd_sasl_local_domain",
    ),
    Rule(
        "excessive-iterations",
        LOW,
        "Cyrus's clients refuse more than 65536 iterations",
        "set the password again: sasldb passwd --iterations 4096 USER",
    ),
    Rule("reused-password", LOW, "one user name has the same password in several realms", "see whether all are needed"),
    Rule(
        "hidden-verifier",
        LOW,
        "a verifier protects nothing beside the plaintext; libsasl ignores it, until the plaintext alone is removed: then it lets in",
        _DROP + "; or remove the plaintext instead: sasldb harden USER",
    ),
    Rule("redundant-hash", LOW, "cmusaslsecretPLAIN holds the same password as userPassword", _DROP),
    Rule("otp-running-out", LOW, "few one-time passwords are left", _SET),
    Rule(
        "otp-seed",
        LOW,
        "RFC 2289 wants a seed of letters and digits, and other generators refuse this one",
        "set the password on a host whose name begins with two of those",
    ),
    Rule(
        "misspelt-property",
        LOW,
        "case matters in the name of a property, and no program reads this one",
        "delete the user, and add it again",
    ),
    Rule(
        "no-secret", LOW, "nothing that is stored for this user lets anybody in", "delete the user: sasldb delete USER"
    ),
)
RULES = {rule.name: rule for rule in TABLE}
_ORDER = {rule.name: number for number, rule in enumerate(TABLE)}


class Finding:
    """What one rule found.

    Attributes:
        rule: its row. seen: what was seen, a phrase that shows no secret.
        users: whom it concerns, sorted; () where it is about a record of nobody.
        removes: keys (bytes) of records that --fix removes, () where nothing can be removed without loss.
    """

    __slots__ = ("removes", "rule", "seen", "users")

    def __init__(self, name: str, users: tuple[UserId, ...], seen: str, removes: tuple[bytes, ...] = ()) -> None:
        """`name` is that of the rule."""
        self.rule = RULES[name]
        self.users = users if len(users) < 2 else tuple(sorted(users, key=_names))
        self.seen = seen
        self.removes = removes

    @property
    def rank(self) -> tuple[int, list[tuple[bytes, bytes]], str]:
        """What to sort by: the worst first, then by name."""
        return _ORDER[self.rule.name], [_names(user) for user in self.users], self.seen

    def __repr__(self) -> str:
        return f"Finding({self.rule.name}, {', '.join(map(str, self.users))}: {self.seen})"


def _names(user: UserId) -> tuple[bytes, bytes]:
    """Return what a user id is ordered by; tuples are compared ten times as fast."""
    return user.user, user.realm
