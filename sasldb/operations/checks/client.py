"""Checks of the other side: this Postfix as a client that logs in elsewhere (smtp_sasl_...), and the store of its passwords.

Each function is a check of the table in `checks.table`; all is well where smtp_sasl_auth_enable is not set.
"""

from __future__ import annotations

import os
from shlex import quote

from sasldb.operations.checks import remedies
from sasldb.operations.checks.finding import WARNING, Problem
from sasldb.operations.checks.site import Site
from sasldb.operations.checks.users import stale_map
from sasldb.siteconf import maps

_MAPS = "smtp_sasl_password_maps"
_TLS_OPTIONS = "smtp_sasl_tls_security_options"


def no_passwords(site: Site) -> Problem | None:
    """Look for a client that shall log in, and has no passwords, or the server's database for them."""
    if not _on(site):
        return None
    why = "The client takes login and password from there; it has nothing to do with the sasldb, which is the server's."
    if not _maps(site):
        return Problem.without_remedy(f"smtp_sasl_auth_enable = yes, and {_MAPS} is empty", why, "name a map.", WARNING)
    wrong = [name for name in _maps(site) if "sasldb" in name.rpartition("/")[2]]
    if not wrong:
        return None
    seen = f"{_MAPS} = {wrong[0]}"
    return Problem.without_remedy(seen, why, f"name a map such as hash:{site.postfix.config_dir}/sasl_passwd.")


def stale(site: Site) -> Problem | None:
    """Look for password maps that postmap has not brought up to date."""
    for name in _maps(site):
        problem = stale_map(site, name, "a new password has no effect.")
        if problem:
            return problem
    return None


def exposed(site: Site) -> Problem | None:
    """Look for passwords that others may read."""
    paths = [path for name in _maps(site) for path in maps.files(name)]
    open_ones = [path for path in paths if os.stat(path).st_mode & 0o077 or os.stat(path).st_uid != 0]
    if not open_ones:
        return None
    quoted = " ".join(map(quote, open_ones))
    seen = f"{open_ones[0]} is mode {os.stat(open_ones[0]).st_mode & 0o777:04o}, or not root's"
    why = "It holds the passwords of this host's accounts elsewhere. Postfix opens it as root."
    return Problem(seen, why, f"chown root:root {quoted} && chmod 0600 {quoted}")


def refusing(site: Site) -> Problem | None:
    """Look for a client that refuses what nearly every provider offers."""
    options = site.postfix[_TLS_OPTIONS]
    if not _on(site) or "noplaintext" not in options:
        return None
    seen = f"{_TLS_OPTIONS} = {options}"
    why = "A server that offers only PLAIN and LOGIN cannot be used, even under TLS: `No worthy mechs found`."
    command = remedies.main_cf(site, _TLS_OPTIONS, "noanonymous")
    return Problem(seen, why, remedies.together(command, remedies.reload(site)), WARNING)


def _on(site: Site) -> bool:
    return site.postfix["smtp_sasl_auth_enable"].lower() == "yes"


def _maps(site: Site) -> list[str]:
    return site.postfix[_MAPS].replace(",", " ").split() if _on(site) or site.postfix[_MAPS] else []
