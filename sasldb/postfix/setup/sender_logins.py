"""The steps that bring the generated sender login map up to date: its text, and the table that postmap makes of it.

Errors: those of `store.reading`; SiteConfigError: Postfix's configuration does not name the map.
"""

from __future__ import annotations

from sasldb.errors import SiteConfigError
from sasldb.files import content
from sasldb.files.ownership import Ownership
from sasldb.postfix.config import control, maps
from sasldb.postfix.config.restrictions import LOGIN_MAPS
from sasldb.postfix.setup import sender_domains
from sasldb.postfix.setup.steps import GeneratedStep, Plan
from sasldb.postfix.site import generated_map
from sasldb.postfix.site.login_map import Table
from sasldb.postfix.site.site import Site

PUBLIC = Ownership(0, 0, 0o644)
_REMEDY = "run: sasldb postfix setup --sender-login-maps"


def plan(site: Site) -> tuple[Plan, Table]:
    """Return what it takes to bring the map that main.cf names up to date.

    Raises:
        SiteConfigError: neither main.cf nor master.cf names it. DatabaseError: the database cannot be read.
    """
    if not generated_map.is_named(site):
        reason = f"{LOGIN_MAPS} does not name {generated_map.name(site)}"
        raise SiteConfigError(site.postfix.config_dir, reason, remedy=_REMEDY)
    made, table = Plan(), generated_map.table(site)
    if table.left_out:
        made.notes.append(f"{table.left_out} users left out: their names are no plain addresses")
    add(made, site, table)
    return made, table


def add(plan: Plan, site: Site, table: Table) -> None:
    """Add the steps that write the map and what postmap makes of it, and a note where nobody can send with it."""
    kind, path = site.postfix["default_database_type"], generated_map.path(site)
    text = GeneratedStep(path, table.text, _ownership(path))
    plan.add(text)
    suffix = maps.suffix(kind)
    made = None if suffix is None else path + suffix
    if made is not None and (text.needed or maps.state(f"{kind}:{path}") != maps.CURRENT):
        made_of = control.table(site.postfix, kind, table.text)
        if made_of is not None:
            plan.steps.append(GeneratedStep(made, made_of, _ownership(made), binary=True))
    plan.notes += sender_domains.notes(site, table)


def _ownership(path: str) -> Ownership:
    """Return owner and mode of a file that is there: who closed it to others meant it; else those of a new one."""
    present = content.look(path)
    return PUBLIC if present is None else present.ownership
