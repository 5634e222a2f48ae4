"""Which database a command works on, and what a realm's name stands for.

The order is: the file that the caller names, which may not be nothing; SASLDB_PATH; sasldb_path in the configuration of the application that the caller
names; the default of this system. Elsewhere an empty name is no name.

An application without a configuration file reads the default too, but whoever names one hardly means that file: reading says so, and writing
is refused. smtpd is the exception: there the default is what Postfix works with as it is installed.

Source of the two defaults: Debian and Cyrus SASL itself have /etc/sasldb2, Alpine and Fedora (from 35 on) /etc/sasl2/sasldb2.
Errors: SiteConfigError (the configuration of libsasl or of Postfix).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from sasldb.errors import SiteConfigError
from sasldb.libsasl import config
from sasldb.model.text import to_bytes, to_text
from sasldb.policy.chroot import DEFAULT_DATABASES
from sasldb.policy.ownership import OwnershipOptions
from sasldb.postfix.config import postconf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.operations.cyrus import Site

PATH = b"SASLDB_PATH"
SMTPD = "smtpd"


class Found:
    """Which database is meant: `path` (text), and `doubt`, the error of whoever would change it, None where it is certain."""

    __slots__ = ("doubt", "path")

    def __init__(self, path: str, doubt: SiteConfigError | None = None) -> None:
        self.path = path
        self.doubt = doubt

    @property
    def to_change(self) -> str:
        """The path, for who changes the database; SiteConfigError where nothing says that it is the application's."""
        if self.doubt is not None:
            raise self.doubt
        return self.path


def find(file: str | None, application: str | None, environ: Mapping[bytes, bytes]) -> Found:
    """Return the database.

    Args:
        file: the path that the caller names, or None.
        application: an application of libsasl, as in `smtpd`, or None.
        environ: the environment, as bytes: SASLDB_PATH and SASL_CONF_PATH count.

    Raises:
        SiteConfigError: the application's name or its configuration file cannot be used.
    """
    if file is not None:
        return Found(file)
    if environ.get(PATH):
        return Found(os.fsdecode(environ[PATH]))
    if not application:
        return Found(default())
    configured = _configuration(to_bytes(application), environ)
    named = configured.get(b"sasldb_path")
    if named:
        return Found(os.fsdecode(named))
    return Found(default(), _doubt(application, environ) if configured.path is None else None)


def database(file: str | None, application: str | None, environ: Mapping[bytes, bytes]) -> str:
    """Return the path (text) of the database that is read; arguments and errors are those of `find`."""
    return find(file, application, environ).path


def _doubt(application: str, environ: Mapping[bytes, bytes]) -> SiteConfigError | None:
    """Return (not raise) that an application without a configuration file need not use the default; None for smtpd."""
    name = to_bytes(application)
    directories = [directory for search in _searches(name, environ) for directory in search]
    places = [b"%b/%b.conf" % (directory, name) for directory in dict.fromkeys(directories)]
    shut = next((place for place in places if os.path.lexists(place)), None)
    if shut is not None:
        reason = f"cannot be read, so nobody knows which database {to_text(name)} uses"
        return SiteConfigError(to_text(shut), reason, remedy="run this as root, or name the database with -f FILE")
    if application == SMTPD:
        return None
    looked = ", no ".join(to_text(place) for place in places)
    reason = f"nothing says which database {to_text(name)} uses: there is no {looked}"
    remedy = f"write `sasldb_path: FILE` into one of these, or name the database: -f {default()}"
    return SiteConfigError(f"{to_text(name)}.conf", reason, remedy=remedy)


def serving(
    wishes: OwnershipOptions, path: str, application: str | None, environ: Mapping[bytes, bytes]
) -> OwnershipOptions:
    """Note in `wishes` whose group a database gets that is made at `path` for `application`, and return it.

    It is the group of the user as which the application runs, and never postfix for another one than smtpd.
    """
    if not application or wishes.group is not None or os.geteuid() != 0 or os.path.lexists(path):
        return wishes
    if _is_of_postfix(application, environ):
        return wishes
    import pwd

    from sasldb.files.names import group_name
    from sasldb.libsasl import applications

    user = applications.user_of(application)
    wishes.new_group = os.getegid() if user is None else pwd.getpwnam(user).pw_gid
    if user is None:
        kept = group_name(wishes.new_group)
        wishes.remark = f"{path}: group {kept}, because nobody knows as which user {application} runs; --group or SASLDB_GROUP names another"
    return wishes


def default() -> str:
    """Return the second default where it exists and the first does not, else the first."""
    first, second = DEFAULT_DATABASES
    return second if os.path.lexists(second) and not os.path.lexists(first) else first


def realm(name: str | None) -> str | None:
    """Return the realm that `name` stands for: Postfix's own for the words `postfix` and `mydomain`, else itself; None for None.

    Raises:
        SiteConfigError: Postfix cannot tell.
    """
    return postconf.realm(name) if name in postconf.WORDS else name


def site(application: str | None, environ: Mapping[bytes, bytes]) -> Site:
    """Return what libsasl here has stored for a password, by the configuration of `application` (None: no configuration) and its plug-ins.

    Raises:
        SiteConfigError: the application's name or its configuration file cannot be used.
    """
    from sasldb.libsasl import plugins
    from sasldb.operations.cyrus import Site

    configured = _configuration(to_bytes(application), environ) if application else config.Config(None, {})
    return Site(configured, plugins.installed(environ))


def _configuration(application: bytes, environ: Mapping[bytes, bytes]) -> config.Config:
    """Return the configuration of `application`, an empty one where there is none."""
    if b"/" in application or len(application) > config.LONGEST_APPLICATION:
        raise SiteConfigError(to_text(application)[:80], "not the name of an application", remedy="for example smtpd")
    for directories in _searches(application, environ):
        found = config.read(application, {**environ, config.CONF_PATH: b":".join(directories)})
        if found.path is not None:
            return found
    return config.Config(None, {})


def _searches(application: bytes, environ: Mapping[bytes, bytes]) -> Iterator[list[bytes]]:
    """Yield the directories in which `application` is looked for: libsasl's, then those of smtpd here, which for smtpd come first."""
    ours = config.directories(environ)
    if config.CONF_PATH in environ:
        yield ours
        return
    is_smtpd = application == SMTPD.encode()
    if not is_smtpd:
        yield ours
    of_postfix = _directories_of_smtpd()
    if of_postfix:
        yield of_postfix
    if is_smtpd:
        yield ours


def _directories_of_smtpd() -> list[bytes]:
    """Return where smtpd here looks for configuration files; [] where there is no Postfix."""
    from sasldb.libsasl import build

    names = ["daemon_directory", "config_directory", "cyrus_sasl_config_path"]
    try:
        lines = postconf.ask(["-x", *names], None)[0].splitlines()
    except SiteConfigError:
        return []
    values = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}
    search = build.search_of_smtpd(*(values.get(name, "") for name in names))
    return [os.fsencode(directory) for directory in search.directories]


def _is_of_postfix(application: str, environ: Mapping[bytes, bytes]) -> bool:
    """Tell whether `application` is a name under which smtpd here asks libsasl."""
    if application == SMTPD:
        return True
    try:
        if postconf.parameter("smtpd_sasl_path") == application:
            return True
    except SiteConfigError:
        return False
    found = _configuration(to_bytes(application), environ).path
    return found is not None and os.path.dirname(found) not in config.directories(environ)
