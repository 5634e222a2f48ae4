"""Which database a command works on, and what a realm's name stands for.

The order is: the file that the caller names, which may not be nothing; SASLDB_PATH; sasldb_path in the configuration of the application that the caller
names; the default of this system. Elsewhere an empty name is no name.

Source of the two defaults: Debian and Cyrus SASL itself have /etc/sasldb2, Alpine and Fedora (from 35 on) /etc/sasl2/sasldb2.
Errors: SiteConfigError (the configuration of libsasl or of Postfix).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from sasldb.errors import SiteConfigError
from sasldb.files.jail import DEFAULT_DATABASES
from sasldb.model.text import to_bytes, to_text
from sasldb.siteconf import libsasl, postfix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.operations.cyrus import Site

PATH = b"SASLDB_PATH"


def database(file: str | None, application: str | None, environ: Mapping[bytes, bytes]) -> str:
    """Return the path (text) of the database.

    Args:
        file: the path that the caller names, or None.
        application: an application of libsasl, as in `smtpd`, or None.
        environ: the environment, as bytes: SASLDB_PATH and SASL_CONF_PATH count.

    Raises:
        SiteConfigError: the application's name or its configuration file cannot be used.
    """
    if file is not None:
        return file
    if environ.get(PATH):
        return os.fsdecode(environ[PATH])
    if application:
        named = _configured(to_bytes(application), environ)
        if named:
            return os.fsdecode(named)
    return default()


def default() -> str:
    """Return the second default where it exists and the first does not, else the first."""
    first, second = DEFAULT_DATABASES
    return second if os.path.lexists(second) and not os.path.lexists(first) else first


def realm(name: str | None) -> str | None:
    """Return the realm that `name` stands for: Postfix's own for the words `postfix` and `mydomain`, else itself; None for None.

    Raises:
        SiteConfigError: Postfix cannot tell.
    """
    return postfix.realm(name) if name in postfix.WORDS else name


def site(application: str | None, environ: Mapping[bytes, bytes]) -> Site:
    """Return what libsasl here has stored for a password, by the configuration of `application` (None: no configuration) and its plug-ins.

    Raises:
        SiteConfigError: the application's name or its configuration file cannot be used.
    """
    from sasldb.operations.cyrus import Site
    from sasldb.siteconf import plugins

    config = _configuration(to_bytes(application), environ) if application else libsasl.Config(None, {})
    return Site(config, plugins.installed(environ))


def _configured(application: bytes, environ: Mapping[bytes, bytes]) -> bytes | None:
    """Return the sasldb_path of `application`, None where it has none."""
    return _configuration(application, environ).get(b"sasldb_path")


def _configuration(application: bytes, environ: Mapping[bytes, bytes]) -> libsasl.Config:
    if b"/" in application or len(application) > libsasl.LONGEST_APPLICATION:
        raise SiteConfigError(to_text(application)[:80], "not the name of an application", remedy="for example smtpd")
    return libsasl.read(application, environ)
