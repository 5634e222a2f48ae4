"""The plan of a setup: every step from what is there to SMTP AUTH that works, and none where it does already.

Errors: SiteConfigError: something stands in the way that only the administrator can decide, or a part is missing; NotFound and the like
where a file cannot be read. Nothing is changed by planning.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from sasldb.errors import AccessDenied, SiteConfigError
from sasldb.files import content
from sasldb.files.ownership import Ownership
from sasldb.libsasl import build, conffile
from sasldb.libsasl.conffile import ConfFile
from sasldb.policy.ownership import closed
from sasldb.postfix.config import control, disclosure, postconf
from sasldb.postfix.config.certificate import Certificate
from sasldb.postfix.config.instance import server_types
from sasldb.postfix.config.scratch import FILES, Scratch
from sasldb.postfix.setup import backends, conf, database, keeping, lists, parameters, sender_logins, services
from sasldb.postfix.setup.request import MYDOMAIN, Request, SASLDB
from sasldb.postfix.setup.steps import FileStep, Plan
from sasldb.postfix.site import generated_map
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen

_SHOWN = {"main.cf": disclosure.main_cf, "master.cf": disclosure.master_cf}
_PUBLIC, _PRIVATE = Ownership(0, 0, 0o644), Ownership(0, 0, 0o600)


class Setup:
    """One setup of the Postfix of `request`: `site`, as it is before, and the `plan`."""

    def __init__(self, request: Request) -> None:
        """Plan it; the errors are those of the module."""
        self.request = request
        self.site = Site(request.config_dir, request.database)
        self.plan = Plan()
        _demand_cyrus()
        if request.local_domain == MYDOMAIN:
            postconf.realm(MYDOMAIN, request.config_dir)  # which refuses what is none
        if request.sender_logins and request.checked_by != SASLDB:
            raise SiteConfigError("sender login maps", f"cannot be generated with the backend {request.checked_by}")
        if os.geteuid() != 0:
            self.plan.notes.append(
                "not run as root: what root alone can read, as the key of a certificate, counts as missing"
            )
        certificate = Certificate(self.site.postfix)
        self._tls, self._no_tls = certificate.works, certificate.reason
        if not certificate.works:
            self.plan.notes.append(
                f"{certificate.reason}: passwords are not taken in the clear, so most clients cannot log in"
            )
        self._add_all()

    def _add_all(self) -> None:
        if self.request.backend is None:
            self._unless_unseen(lambda: backends.demand_choice(self.site))
        lines = backends.lines(self.site, self.request, self._tls)
        if self.request.checked_by == SASLDB:
            self._unless_unseen(lambda: self._add_database(lines))
        self._unless_unseen(lambda: self._add_conf(lines))
        if self.request.sender_logins:
            self._unless_unseen(self._add_login_map)
        self._add_postfix(backends.freedom(self.site, self.request, lines))
        if self.plan.steps:
            if self.request.local_domain and self.request.checked_by == SASLDB:
                self.plan.notes.append("to make users in that realm, name it: sasldb add --realm postfix USER")
            self.plan.after.append(self._reloaded)

    def _unless_unseen(self, add: Callable[[], None]) -> None:
        """Call `add`; with --dry-run, what only root could look at becomes a note, and the rest is planned.

        Raises:
            AccessDenied: it could not be looked at, and is to be done.
        """
        try:
            add()
        except (AccessDenied, Unseen) as error:
            if not self.request.dry_run:
                raise error if isinstance(error, AccessDenied) else SiteConfigError("setup", str(error)) from error
            self.plan.notes.append(f"left out, for it could not be seen: {error}")

    def _add_database(self, lines: backends.Lines) -> None:
        inside = self._inside()
        default = inside == build.default_database(self.site.plugin_directory)
        lines[backends.DATABASE] = None if default else os.fsencode(inside)
        database.add(self.plan, self.site, inside)

    def _inside(self) -> str:
        """Return the database as smtpd names it: the one that was asked for, else the configured one, without the jail."""
        if self.request.database:
            return os.path.abspath(self.request.database)
        inside = os.path.abspath(self.site.inside)
        jail = self.site.postfix.jail
        jailed = any(view.jail for view in self.site.views)
        return inside[len(jail) :] if jailed and inside.startswith(f"{jail}/") else inside

    def _add_conf(self, lines: backends.Lines) -> None:
        file = self._conf_file()
        if file.state == conffile.UNREADABLE and os.geteuid() != 0:
            raise AccessDenied(file.path, "can be read by root alone")
        present = content.look(file.path) if file.state == conffile.FILE else None
        text = conf.changed(file, present.content if present else b"", lines)
        ownership = present.ownership if present else _PUBLIC
        if conf.has_secret(text) and ownership.mode & 0o077:  # smtpd reads it as root
            ownership = closed(ownership, _PRIVATE)
        self.plan.add(FileStep(file.path, text, ownership, show=conf.shown))
        for other in self.site.elsewhere:
            if os.path.realpath(other.path) != os.path.realpath(file.path):
                self.plan.notes.append(f"{other.path}: not read by this smtpd, which reads {file.path}")

    def _conf_file(self) -> ConfFile:
        application = self.site.application
        if application and "/" not in application:
            return self.site.conf_file
        paths = [f"{directory}/{parameters.APPLICATION}.conf" for directory in self.site.search.directories]
        found = [ConfFile(path) for path in paths]
        return next((file for file in found if file.state != conffile.MISSING), found[0])

    def _add_login_map(self) -> None:
        table = generated_map.table(self.site, self.request.local_domain)
        sender_logins.add(self.plan, self.site, table)
        self.plan.notes.append("after each change of users, run: sasldb postfix sender-login-maps")

    def _add_postfix(self, free: str) -> None:
        config_dir = self.site.postfix.config_dir
        with Scratch(config_dir) as scratch:
            scratch.set(parameters.changes(self.site, self.request, self._tls))
            self.plan.notes += services.edit(scratch, self.site, self.request, self._no_tls, free)
            if self.request.sender_logins:  # first: what binds senders stands before what lets logins pass
                policy = parameters.mismatch(self.request.sender_logins)
                self.plan.notes += lists.bind(scratch, policy, self.request.stricter_stays)
            self.plan.notes += lists.admit(scratch)
            keeping.keep(scratch, self.site)
            for name in FILES:
                path = os.path.join(config_dir, name)
                present = content.look(path)
                if present is not None:
                    self.plan.add(FileStep(path, scratch.contents()[name], present.ownership, show=_SHOWN[name]))

    def _reloaded(self) -> str:
        return reloaded(self.site)


def reloaded(site: Site) -> str:
    """Have Postfix read its configuration anew if it runs, and return a sentence, also where that fails: all else is done."""
    if not site.master:
        return "Postfix is not running; it reads this when it is started"
    try:
        control.reload(site.postfix)
    except SiteConfigError as error:
        return f"all is done, but Postfix could not be reloaded: {error}"
    return "reloaded Postfix"


def _demand_cyrus() -> None:
    types = server_types()
    if "cyrus" not in types:
        has = " and ".join(types) or "none"
        raise SiteConfigError(
            "smtpd", f"was built without Cyrus SASL (it has {has})", remedy="install one that was built with it"
        )
