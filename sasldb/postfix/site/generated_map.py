"""The sender login map that is generated for a site: its name, the database that it is made from, and what it has to be now.

Errors: those of `store.reading`, where the database cannot be read.
"""

from __future__ import annotations

import os

from sasldb.postfix.config import maps
from sasldb.postfix.config.postconf import LOCAL_DOMAIN
from sasldb.postfix.config.restrictions import LOGIN_MAPS
from sasldb.postfix.site import login_map
from sasldb.postfix.site.login_map import Table
from sasldb.postfix.site.site import Site

_FILE = "sasldb_sender_logins"  # in Postfix's configuration directory


def path(site: Site) -> str:
    """Return the path of its text."""
    return os.path.join(site.postfix.config_dir, _FILE)


def name(site: Site) -> str:
    """Return its name as a table of Postfix, as in `hash:/etc/postfix/sasldb_sender_logins`."""
    return f"{site.postfix['default_database_type']}:{path(site)}"


def is_named(site: Site) -> bool:
    """Tell whether main.cf, or a service in master.cf, names it."""
    return any(name(site) in maps.named(value) for value in values(site))


def values(site: Site) -> list[str]:
    """Return what main.cf, and each service, has for smtpd_sender_login_maps."""
    return [site.postfix[LOGIN_MAPS], *(service.value(LOGIN_MAPS) for service in site.servers)]


def table(site: Site, local_domain: str | None = None) -> Table:
    """Return what it has to be; `local_domain` is what main.cf will have for smtpd_sasl_local_domain, None for what it has."""
    return Table(source(site), bare_realm(site, local_domain))


def source(site: Site) -> str:
    """Return the database that it is made from: the one that commands change, of which a jail may have a copy.

    One without users, beside one with users in the jail, is none that anybody works on.
    """
    if site.named:
        return site.named
    if not os.path.lexists(site.inside) and site.views:
        return site.database
    alone = site.database != site.inside and not login_map.users(site.inside) and login_map.users(site.database)
    return site.database if alone else site.inside


def bare_realm(site: Site, local_domain: str | None = None) -> str | None:
    """Return the realm of the users whose login a service reports without one; None where every service appends its own.

    libsasl appends smtpd_sasl_local_domain alone; `local_domain` as for `table`.
    """
    domain = local_domain or site.postfix[LOCAL_DOMAIN]
    domains = {service.overrides.get(LOCAL_DOMAIN, domain) for service in site.servers} or {domain}
    return site.postfix["myhostname"].lower() if "" in domains else None
