"""What is said where the generated sender login map has addresses under which nobody here sends: everybody would be refused.

Where the administrator's own map gives users of such a realm an address, or cannot be listed, it is taken to see to that.
Errors: none.
"""

from __future__ import annotations

from shlex import quote

from sasldb.model.text import counted
from sasldb.postfix.config import maps
from sasldb.postfix.config.domains import Domains
from sasldb.postfix.config.restrictions import LOGIN_MAPS
from sasldb.postfix.site import fixes, generated_map
from sasldb.postfix.site.login_map import Table
from sasldb.postfix.site.site import Site


def notes(site: Site, table: Table) -> list[str]:
    """Return one sentence about the realms that are no domain of mail here, none where there is no such realm."""
    domains = Domains(site.postfix) if table.realms else None
    likely = domains and domains.likely()
    if domains is None or not likely:
        return []
    taken = likely in {
        realm.lower() for realm in table.realms
    }  # then users of the host's name are others, and meant to be
    foreign = [realm for realm in sorted(table.realms) if not domains.have(realm) and not _is_seen_to(site, realm)]
    realms = [realm for realm in foreign if not (taken and realm.lower() == domains.host)]
    if not realms:
        return []
    old, source = quote(realms[0]) if len(realms) == 1 else "REALM", quote(generated_map.source(site))
    move = f"sasldb rename-realm -f {source} {old} {quote(likely)}"
    ways = f"run: {fixes.together(move, fixes.sender_login_maps(site))} (they log in as user@{likely} then), or "
    return [
        f"the sender login map lets users of the realm {counted(realms)} send as user@{old} alone: as user@{likely} they are refused "
        f"(553, not owned by user); if they are to send as that, "
        f"{'' if taken else ways}name a map of your own before this one in {LOGIN_MAPS}"
    ]


def _is_seen_to(site: Site, realm: str) -> bool:
    """Tell whether another map gives logins of `realm` an address, or may."""
    ours, bare = generated_map.name(site), generated_map.bare_realm(site)
    named = {name for value in generated_map.values(site) for name in maps.named(value)} - {ours}
    tables = [maps.listed(name, site.option) for name in named]
    owners = {owner.lower() for table in tables for owner in maps.words(table or [])}
    realms = {owner.partition("@")[2] if "@" in owner else bare for owner in owners}
    return None in tables or realm.lower() in realms
