"""One fault that is injected, and what the modules beside this one write down about faults again and again."""

from __future__ import annotations

RELOAD = "postfix -c {config} reload"
NOTHING = ""
DENIED = "unable to open Berkeley db /etc/sasldb2: Permission denied"
INVALID = "unable to open Berkeley db /etc/sasldb2: Invalid argument"
FAILED = "SASL PLAIN authentication failed: authentication failure"
NO_VERIFIER = "unknown password verifier(s) auxprop"
MALFORMED = "SASL per-process initialization failed: error when parsing configuration file"
NONE_LEFT = "no applicable SASL mechanisms"
OK, SILENT, LATER, REFUSED = 235, 0, 454, 535  # replies to AUTH; SILENT: AUTH is not offered, or nobody answers
OWNERS = 'echo "a@example.com {}@example.com" > "$CONFIG/owners"; '
PLAIN, CHROOT = "plain", "chroot"  # where a fault is injected


class Fault:
    """One fault.

    Attributes:
        name: that of the check that finds it. title: for people. inject: a shell script (see `faulty`).
        code: what a login then comes to. logs: words of smtpd's log then; NOTHING: it logs no warning and no error.
        remedy: the exact command, with {config}, {conf}, {seen}, {jail} and {port} for what differs; None where no command can mend it.
        then: a script for what only the administrator can do after it. where: PLAIN or CHROOT.
        mechanism, after: what the login is tried with before and after the remedy.
        log_may_be_lost: whether Postfix's own logger ends with what it would tell, so that the words may be missing.
        relays: what relaying comes to while the fault is there, as (whoever logged in, stranger), where that is the point; `sender` is the
        address that both name.
    """

    def __init__(
        self, name: str, title: str, inject: str, code: int, logs: str, remedy: str | None, **more: object
    ) -> None:
        self.name, self.title, self.inject = name, title, inject
        self.code, self.logs, self.remedy = code, logs, remedy
        self.where = str(more.pop("where", PLAIN))
        self.then = str(more.pop("then", ""))
        self.mechanism = str(more.pop("mechanism", "PLAIN"))
        self.after = str(more.pop("after", self.mechanism))
        self.reload = bool(more.pop("reload", True))
        self.log_may_be_lost = bool(more.pop("log_may_be_lost", False))
        self.relays = more.pop("relays", None)
        self.sender = str(more.pop("sender", "a@example.com"))
        assert not more, more

    def __repr__(self) -> str:
        return f"{self.name}: {self.title}"


def main(setting: str) -> str:
    """Return the remedy that sets a parameter of main.cf."""
    return f"postconf -c {{config}} -e '{setting}' && {RELOAD}"


def sed(*scripts: str) -> str:
    """Return the remedy that edits smtpd.conf."""
    return f"sed -i --follow-symlinks {' '.join(scripts)} {{conf}} && {RELOAD}"


def option(key: str, value: str) -> str:
    """Return the remedy that sets an option of smtpd.conf."""
    return sed(f"'s|^[ \\t]*{key}[ \\t]*:.*|{key}: {value}|I'")


NEW_USER = 'printf %s "$PASSWORD" | saslpasswd2 -p -c -f "$SEEN" -u example.com alice'
NO_TLS = "main smtpd_tls_security_level= smtpd_tls_auth_only=no smtpd_tls_cert_file= smtpd_tls_key_file="
RESTORED = 'cp -a "$HOME_/good/config/." "$CONFIG/"; postfix -c "$CONFIG" reload'
RELAY = "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
