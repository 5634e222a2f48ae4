"""Postfix's sender login map, generated from a database: each user owns the address that is their name.

A line is `user@realm<TAB>owners`, owners being the logins that smtpd may report for the user. Where two users differ in case alone, both
own the address, for Postfix looks addresses up, and compares owners, without regard to case. A name that is no plain address, or could not
stand in such a table, is left out and counted.

Source: Postfix 3.7, postconf(5) smtpd_sender_login_maps, DATABASE_README (text of tables), RFC 5321 section 4.1.2 (dot-string).
Errors: those of `store.reading`; SiteConfigError: main.cf does not name the map.
"""

from __future__ import annotations

import os

from sasldb.errors import EmptyFile, NotFound, SiteConfigError
from sasldb.files.ownership import Ownership
from sasldb.model.record import split_key
from sasldb.operations.checks.site import Site
from sasldb.operations.setup.parameters import LOGIN_MAP, login_map
from sasldb.operations.setup.steps import GeneratedStep, Plan
from sasldb.siteconf import control, maps
from sasldb.store.reading import Database

_DOMAIN = "smtpd_sasl_local_domain"
HEADING = b"# address -> the logins that may use it. Written by: sasldb postfix sender-login-maps\n"
PUBLIC = Ownership(0, 0, 0o644)
_ATOMS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.")
_LABELS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")


class Table:
    """The text of the map, how many `addresses` it has, and how many users were `left_out`."""

    __slots__ = ("addresses", "left_out", "text")

    def __init__(self, path: str, bare_realm: str | None) -> None:
        """Read the database `path`; a missing or empty one has no users.

        `bare_realm` is the realm of users whom smtpd reports without one; None where it never does.
        """
        self.left_out = 0
        owners: dict[bytes, list[bytes]] = {}
        bare = None if bare_realm is None else os.fsencode(bare_realm)
        for user, realm in _users(path):
            if not _is_address(user, realm):
                self.left_out += 1
                continue
            address = b"%b@%b" % (user, realm)
            logins = [address, user] if realm == bare else [address]
            owners.setdefault(address.lower(), []).extend(logins)
        self.addresses = len(owners)
        lines = [b"%b\t%b\n" % (address, b", ".join(logins)) for address, logins in sorted(owners.items())]
        self.text = HEADING + b"".join(lines)


def plan(site: Site) -> tuple[Plan, Table]:
    """Return what it takes to bring the map that main.cf names up to date.

    Raises:
        SiteConfigError: main.cf does not name it. DatabaseError: the database cannot be read.
    """
    if login_map(site) not in maps.named(site.postfix["smtpd_sender_login_maps"]):
        raise SiteConfigError(
            site.postfix.config_dir, f"smtpd_sender_login_maps does not name {login_map(site)}", remedy=_REMEDY
        )
    made, table = Plan(), Table(source(site), bare_realm(site))
    add(made, site, table)
    return made, table


def add(plan: Plan, site: Site, table: Table) -> None:
    """Add the steps that write the map and what postmap makes of it."""
    kind = site.postfix["default_database_type"]
    path = os.path.join(site.postfix.config_dir, LOGIN_MAP)
    text = GeneratedStep(path, table.text, PUBLIC)
    plan.add(text)
    suffix = maps.suffix(kind)
    made = None if suffix is None else path + suffix
    if made is not None and (text.needed or maps.state(f"{kind}:{path}") != maps.CURRENT):
        content = control.table(site.postfix, kind, table.text)
        if content is not None:
            plan.steps.append(GeneratedStep(made, content, PUBLIC, binary=True))


def source(site: Site) -> str:
    """Return the database that the map is made from: the one that commands change, of which a jail may have a copy."""
    if site.named:
        return site.named
    return site.inside if os.path.lexists(site.inside) or not site.views else site.database


def bare_realm(site: Site, local_domain: str | None = None) -> str | None:
    """Return the realm of the users whose login a service reports without one; None where every service appends its own.

    libsasl appends smtpd_sasl_local_domain alone. `local_domain` is what main.cf will have for it, None for what it has.
    """
    domain = local_domain or site.postfix[_DOMAIN]
    domains = {service.overrides.get(_DOMAIN, domain) for service in site.servers} or {domain}
    return site.postfix["myhostname"].lower() if "" in domains else None


_REMEDY = "run: sasldb postfix setup --sender-login-maps"


def _users(path: str) -> set[tuple[bytes, bytes]]:
    try:
        with Database(path) as database:
            keys = (split_key(key) for batch in database.key_batches() for key in batch)
            return {names[:2] for names in keys if names is not None}
    except (NotFound, EmptyFile):
        return set()


def _is_address(user: bytes, realm: bytes) -> bool:
    dots = user.startswith(b".") or user.endswith(b".") or b".." in user
    return (
        bool(user and realm) and not dots and user[:1] != b"#" and _ATOMS.issuperset(user) and _LABELS.issuperset(realm)
    )
