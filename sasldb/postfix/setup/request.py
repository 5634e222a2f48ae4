"""What the administrator asks `sasldb postfix setup` for. Raises nothing."""

from __future__ import annotations

SASLDB, SQL, LDAPDB = "sasldb", "sql", "ldapdb"
SASLAUTHD = ("saslauthd-shadow", "saslauthd-pam", "saslauthd-rimap")
BACKENDS = (SASLDB, *SASLAUTHD, SQL, LDAPDB)
AUTHENTICATED, EVERYBODY = "authenticated", "everybody"  # whom the sender login maps bind
MYDOMAIN = "mydomain"


class Request:
    """The choices.

    Attributes:
        config_dir: another Postfix's configuration directory, or None. database: its path as smtpd sees it, or None for the one that
        is configured. backend: one of BACKENDS, or None where none was named. backend_options: a file with more lines for the conf, or None.
        local_domain: smtpd_sasl_local_domain, `mydomain` for Postfix's; None leaves it. exceptions_networks: likewise.
        submission: whether port 587 shall be served. sender_logins: AUTHENTICATED, EVERYBODY or None.
        stricter_stays: whether a list that binds EVERYBODY goes on so.
        dry_run: whether nothing will be done, so that what cannot be seen may be left out of the plan.
        authenticated_header, broken_clients: whether these shall be on; False leaves them.
    """

    def __init__(self, config_dir: str | None = None, database: str | None = None, backend: str | None = None) -> None:
        self.config_dir = config_dir
        self.database = database
        self.backend = backend
        self.backend_options: str | None = None
        self.local_domain: str | None = None
        self.exceptions_networks: str | None = None
        self.submission = False
        self.dry_run = False
        self.sender_logins: str | None = None
        self.stricter_stays = False
        self.authenticated_header = False
        self.broken_clients = False

    @property
    def checked_by(self) -> str:
        """Where passwords are to be checked: the backend that was named, else the sasldb."""
        return self.backend or SASLDB

    @property
    def uses_saslauthd(self) -> bool:
        """Whether saslauthd checks the passwords."""
        return self.backend in SASLAUTHD
