"""Postfix's part of a site: its configuration, its smtpd services, whether it runs, and the user that smtpd becomes.

Errors: SiteConfigError where Postfix is not there or cannot read its configuration.
"""

from __future__ import annotations

import grp
import os
import pwd
from functools import cached_property

from sasldb.errors import SiteConfigError
from sasldb.libsasl import applications
from sasldb.postfix.config import restrictions
from sasldb.postfix.config.instance import ENABLE, Instance, Service
from sasldb.postfix.config.restrictions import ABOUT_LOGINS, LOGIN, NEIGHBOUR, PERMIT, USER

SASL_TYPE, SASL_PATH = "smtpd_sasl_type", "smtpd_sasl_path"
CYRUS = "cyrus"
SUBMISSION = (587, 465)  # ports for users
_FACING_CLIENTS = ("inet", "pass")
_LONGEST = 64  # characters of a process id, or of a name


def is_application(name: str) -> bool:
    """Tell whether a value of smtpd_sasl_path is what Cyrus SASL wants there: a name, to which `.conf` is added."""
    return bool(name) and "/" not in name and ":" not in name and not name.endswith(".conf")


def _is_for_neighbours(service: Service) -> bool:
    """Tell whether a service is for a content filter, or a list of its own is for mynetworks alone: of printers, say."""
    own = [name for name in restrictions.LISTS if name in service.own and service.port not in SUBMISSION]
    return service.reinjects or any(_is_closed(service, name) for name in own)


def _is_closed(service: Service, name: str) -> bool:
    """Tell whether a list lets mynetworks in, refuses all others by a plain reject, and does not speak of logins."""
    if restrictions.verdict(service, name, NEIGHBOUR)[0] != PERMIT:
        return False
    _, decides = restrictions.verdict(service, name, USER)
    speaks = any(step.name in (LOGIN, *ABOUT_LOGINS) for step in restrictions.steps(service, name))
    return decides is not None and decides.name == "reject" and not speaks


class Host:
    """One Postfix, or another application of libsasl, of which Postfix knows nothing (`foreign`)."""

    def __init__(self, config_dir: str | None, application: str | None = None) -> None:
        """Remember what to look at; nothing is read yet."""
        self._config_dir = config_dir
        self._application = application

    @cached_property
    def foreign(self) -> bool:
        """Whether it is not Postfix that is looked at."""
        if self._application is None:
            return False
        try:
            names = {service.value("smtpd_sasl_path") for service in self.postfix.servers}
        except SiteConfigError:
            return True
        return self._application not in names

    @cached_property
    def postfix(self) -> Instance:
        """Postfix's configuration."""
        return Instance(self._config_dir)

    @property
    def option(self) -> str | None:
        """The configuration directory to name in commands, None for the default one."""
        return self._config_dir and os.path.abspath(self._config_dir)

    @property
    def servers(self) -> list[Service]:
        """The smtpd services that clients reach."""
        if self.foreign:
            return []
        return [service for service in self.postfix.servers if service.kind in _FACING_CLIENTS]

    @cached_property
    def enabled(self) -> list[Service]:
        """Those that have AUTH switched on; not one that only has it from main.cf, and where nobody logs in."""
        on = [service for service in self.servers if service.is_on(ENABLE)]
        for_users = [service for service in on if ENABLE in service.own or not _is_for_neighbours(service)]
        return for_users or [service for service in on if not service.reinjects]

    @property
    def offering(self) -> list[Service]:
        """Those of them that ask Cyrus SASL, and so may come to a sasldb."""
        return [service for service in self.enabled if service.value(SASL_TYPE) == CYRUS]

    @property
    def asking_others(self) -> list[Service]:
        """Those of them that ask Dovecot, or something else."""
        return [service for service in self.enabled if service.value(SASL_TYPE) != CYRUS]

    @cached_property
    def master(self) -> int | None:
        """The process id of the running Postfix, 0 where none runs, None where that cannot be seen."""
        try:
            with open(f"{self.postfix.jail}/pid/master.pid", encoding="ascii") as file:
                process = int(file.read(_LONGEST))
            with open(f"/proc/{process}/comm", encoding="ascii") as file:
                return process if file.read(_LONGEST).strip() == "master" else 0
        except PermissionError:
            return None
        except (OSError, ValueError):
            return 0

    @property
    def user(self) -> str:
        """The user that smtpd runs as."""
        return self.postfix["mail_owner"]

    @cached_property
    def reader(self) -> str | None:
        """The user as whom the program reads the database; None for another program of which that is not known."""
        return applications.user_of(self._application or "") if self.foreign else self.user

    @property
    def group_id(self) -> int:
        """The number of the primary group of that user; root's where there is no such user."""
        try:
            return pwd.getpwnam(self.user).pw_gid
        except KeyError:
            return 0

    @cached_property
    def group(self) -> str:
        """The primary group of that user, which a database is given."""
        try:
            return grp.getgrgid(pwd.getpwnam(self.user).pw_gid).gr_name
        except KeyError:
            return self.user
