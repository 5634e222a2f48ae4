"""The site that is checked: what the rooms know about this Postfix, its libsasl and its database, put together and found out once.

Everything is found out when it is first asked for, and kept. Errors: SiteConfigError where Postfix or its user is not there;
`Unseen` where only root could look.
"""

from __future__ import annotations

import os
from functools import cached_property

from sasldb.errors import AccessDenied, SasldbError, SiteConfigError
from sasldb.libsasl import build, conffile, mechanisms
from sasldb.libsasl.conffile import ConfFile
from sasldb.postfix.config.instance import Service
from sasldb.postfix.site.contents import Contents
from sasldb.postfix.site.host import Host, SASL_PATH, is_application
from sasldb.postfix.site.unseen import Unseen
from sasldb.postfix.site.view import View

DEFAULT_APPLICATION = "smtpd"
_ON_FILE = ("PLAIN", "LOGIN", "SCRAM-SHA-256")  # what a new conf offers


class Site(Host):
    """One Postfix, or another application of libsasl, and what belongs to it.

    `named` is the database that the administrator means, None for the one that is read. `application` is the name of the conf file; one
    that no smtpd has for its smtpd_sasl_path is another program. `alone` leaves out the services that read another conf file.
    """

    def __init__(
        self,
        config_dir: str | None = None,
        named: str | None = None,
        application: str | None = None,
        alone: bool = False,
    ) -> None:
        """Remember what to look at; nothing is read yet."""
        super().__init__(config_dir, application)
        self.named = os.path.abspath(named) if named else None
        self._alone = alone

    @cached_property
    def parts(self) -> list[Site]:
        """The site as each application sees it, where services read conf files of several names; else the site itself."""
        try:
            names = [] if self.foreign else list(dict.fromkeys(map(_conf_name, super().offering)))
        except SiteConfigError:
            return [self]  # what there is to say of it is the first check's
        if len(names) < 2 or not all(name and "/" not in name for name in names):
            return [self]
        parts = [Site(self._config_dir, self.named, name, alone=True) for name in names]
        for part in parts:
            part.postfix = self.postfix
        return [part for part in parts if self._application in (None, part.application)] or [self]

    @property
    def offering(self) -> list[Service]:
        """The services that have AUTH switched on, and ask Cyrus SASL."""
        services = super().offering
        return [service for service in services if not self._alone or _conf_name(service) == self.application]

    # libsasl

    @property
    def application(self) -> str:
        """The name by which libsasl knows it."""
        if self._application:
            return self._application
        named = self.postfix[SASL_PATH]
        return next(map(_conf_name, self.offering), named if is_application(named) else DEFAULT_APPLICATION)

    @property
    def is_first(self) -> bool:
        """Whether it is the application that is looked at where none is named."""
        return self.application == next(map(_conf_name, super().offering), self.application)

    @cached_property
    def search(self) -> build.Search:
        """Where the program looks for its conf file."""
        if self.foreign:
            named = os.environ.get("SASL_CONF_PATH")
            return build.Search(named.split(":"), "SASL_CONF_PATH") if named else build.search_of_libsasl()
        daemons, config_path = self.postfix["daemon_directory"], self.postfix["cyrus_sasl_config_path"]
        return build.search_of_smtpd(daemons, self.postfix.config_dir, config_path)

    @property
    def conf_paths(self) -> list[str]:
        """The paths at which this smtpd looks, in order."""
        return [f"{directory}/{self.application}.conf" for directory in self.search.directories]

    @property
    def conf(self) -> ConfFile:
        """The conf file that the program reads; where there is none, the first place. Unseen where only root can read it."""
        if self.conf_file.state == conffile.UNREADABLE:
            raise Unseen(f"{self.conf_file.path} can be read by root alone")
        return self.conf_file

    @cached_property
    def conf_file(self) -> ConfFile:
        """The same, also where it cannot be read."""
        found = [ConfFile(path) for path in self.conf_paths]
        there = [file for file in found if file.state not in (conffile.MISSING, conffile.DANGLING)]
        return (there or found)[0]

    @cached_property
    def elsewhere(self) -> list[ConfFile]:
        """The files of that name that are there, and that smtpd does not read."""
        if self.foreign:
            return []
        extra = [place for place in self.postfix["cyrus_sasl_config_path"].split(":") if place]
        places = conffile.candidates(self.postfix.config_dir, self.application, extra)
        ours = os.path.realpath(self.conf_file.path)
        found = [ConfFile(path) for path in places + self.conf_paths if os.path.realpath(path) != ours]
        return [file for file in found if file.state == conffile.FILE]

    @cached_property
    def plugin_directory(self) -> str:
        """Where libsasl's plug-ins are."""
        return build.plugin_directory()

    @cached_property
    def plugins(self) -> set[str]:
        """The plug-ins that can be loaded."""
        return mechanisms.installed(self.plugin_directory)

    @cached_property
    def backend(self) -> str:
        """The format that libsasl's sasldb plug-in reads; "" where that is not known."""
        return build.backend(self.plugin_directory)

    @property
    def mechanisms(self) -> list[str]:
        """The mechanisms that libsasl would offer with no security option."""
        given = mechanisms.given(self.plugins)
        listed = self.conf.words(b"mech_list")
        return given if listed is None else [name for name in given if name.lower() in listed]

    def good_conf(self) -> list[str]:
        """Return the lines of a conf file that serves the database."""
        offered = [name for name in _ON_FILE if name in mechanisms.given(self.plugins)] or list(_ON_FILE)
        lines = ["pwcheck_method: auxprop", "auxprop_plugin: sasldb", f"mech_list: {' '.join(offered)}"]
        default = build.default_database(self.plugin_directory)
        return lines if self.named in (None, default) else [*lines, f"sasldb_path: {self.named}"]

    # The database

    @property
    def inside(self) -> str:
        """The path that smtpd opens; a relative one counts from the queue directory."""
        named = self.conf.get(b"sasldb_path")
        path = os.fsdecode(named) if named else build.default_database(self.plugin_directory)
        return path if path.startswith("/") or self.foreign else f"{self.postfix.jail}/{path}"

    @cached_property
    def views(self) -> list[View]:
        """How the services that offer AUTH see the database: one or two ways, those of the jail first."""
        if self.foreign:
            return [View(self.inside, None)]
        jailed = sorted({service.chroot for service in self.offering or self.servers}, reverse=True)
        return [View(self.inside, self.postfix.jail if chroot else None) for chroot in jailed]

    def opens(self, path: str) -> bool:
        """Tell whether smtpd opens the file at `path` itself, and not a copy of it."""
        return any(view.path == path for view in self.views)

    @property
    def database(self) -> str:
        """The database that smtpd opens, as a path of ours; in two views, that of the jail."""
        return self.views[0].path if self.views else self.inside

    @cached_property
    def contents(self) -> Contents:
        """What smtpd's database holds, nothing where it is not used; the errors are those of `store.reading`, and Unseen."""
        return self.contents_of(self.database) if self.uses_sasldb else Contents(None)

    def contents_of(self, path: str) -> Contents:
        """Return what the database at `path` holds; the errors are those of `store.reading`, and Unseen."""
        try:
            return Contents(path)
        except AccessDenied as error:
            raise Unseen(f"{path} can be read by root alone") from error

    def has_users(self, path: str) -> bool:
        """Tell whether `path` is a database with users in it. Raises Unseen."""
        try:
            return bool(self.contents_of(path).logins)
        except SasldbError:
            return False

    @cached_property
    def populated(self) -> bool:
        """Whether the database, or what a copy in the jail is a copy of, has users. Raises Unseen."""
        paths = dict.fromkeys(path for view in self.views for path in (view.path, view.inside))
        return any(map(self.has_users, paths))

    @property
    def uses_sasldb(self) -> bool:
        """Whether a login comes to the database: not where saslauthd checks all that is offered, or other plug-ins find the users."""
        plugins = self.conf.words(b"auxprop_plugin") or ["sasldb"]
        if "sasldb" not in plugins and any(name in self.plugins and name in mechanisms.AUXPROP for name in plugins):
            return False
        methods = self.conf.words(b"pwcheck_method") or ["auxprop"]
        typed = set(self.mechanisms) <= set(mechanisms.SHADOW_MECHANISMS)
        return not (typed and methods and "auxprop" not in methods)

    @property
    def program(self) -> str:
        """What the program is called."""
        return self.application if self.foreign else "smtpd"

    def untried(self) -> str:
        """Return what could not be tried, as a sentence, "" where all was."""
        if self.reader is not None or self.conf_file.state == conffile.UNREADABLE or not self.uses_sasldb:
            return ""
        return f"nobody knows as which user {self.program} runs, so whether it can read {self.inside} was not tried"

    def summary(self) -> str:
        """Return what is read, and how that is known, as a sentence."""
        reads = f"{self.program} reads {self.conf_file.path} ({self.search.how})"
        if self.conf_file.state == conffile.UNREADABLE:
            return reads
        jailed = [view for view in self.views if view.jail]
        if not self.uses_sasldb:
            return f"{reads}, and finds its users elsewhere than in a sasldb"
        return f"{reads} and opens {self.inside}" + (f", which is {jailed[0].path} in its chroot" if jailed else "")


def _conf_name(service: Service) -> str:
    return service.value(SASL_PATH)
