"""The parameters of main.cf that SMTP AUTH wants, and that are not so yet.

A parameter that serves already is left as it is written, whatever it looks like. Passwords in the clear are for TLS alone. Without a
certificate, mechanisms that send the password are not offered. That restrictions let logins pass is a matter of `lists`.
Source: Postfix 3.7, SASL_README, and postconf(5).
Errors: SiteConfigError: a restriction has to be put where only the administrator can put it.
"""

from __future__ import annotations

from sasldb.postfix.config import maps
from sasldb.postfix.config.instance import ENABLE, LEVEL, follows
from sasldb.postfix.config.postconf import LOCAL_DOMAIN
from sasldb.postfix.config.restriction_lists import Edit
from sasldb.postfix.config.restrictions import AUTHENTICATED as BOUND_LOGINS
from sasldb.postfix.config.restrictions import EVERYBODY as BOUND_SENDERS
from sasldb.postfix.config.restrictions import LOGIN_MAPS, RELAY
from sasldb.postfix.setup import restrictions
from sasldb.postfix.setup.request import EVERYBODY, MYDOMAIN, Request
from sasldb.postfix.site import generated_map
from sasldb.postfix.site.encryption import BEFORE, UNDER, has_tls
from sasldb.postfix.site.host import CYRUS, SASL_PATH, SASL_TYPE, is_application
from sasldb.postfix.site.site import Site

Values = dict[str, str]

APPLICATION = "smtpd"


def changes(site: Site, request: Request, tls: bool) -> Values:
    """Return name -> new value of what is to be changed in main.cf; `tls` tells whether there is a certificate that works.

    Raises:
        SiteConfigError: a restriction cannot be put where it has to stand.
    """
    wanted = {
        **_server(site, request),
        **_security(site, tls),
        **_relaying(site),
        **(_senders(site, request.sender_logins, request.stricter_stays) if request.sender_logins else {}),
    }
    changed = {name: value for name, value in wanted.items() if not _is_so(site, name, value)}
    if BEFORE in changed and follows(site.postfix, UNDER, BEFORE):
        changed[UNDER] = wanted[UNDER]
    return changed


def mismatch(bound: str) -> str:
    """Return the restriction that binds senders to logins, of everybody or of who has logged in."""
    return BOUND_SENDERS if bound == EVERYBODY else BOUND_LOGINS


def with_words(value: str, *needed: str) -> str:
    """Return the list `value` with each word of `needed` in it."""
    present = value.replace(",", " ").split()
    missing = [word for word in needed if word not in present]
    return value if not missing else ", ".join([*present, *missing])


def _server(site: Site, request: Request) -> Values:
    values = {ENABLE: "yes", SASL_TYPE: CYRUS}
    if not is_application(site.postfix[SASL_PATH]):  # a list of directories is a common mistake
        values[SASL_PATH] = APPLICATION
    if request.local_domain is not None:
        values[LOCAL_DOMAIN] = "$mydomain" if request.local_domain == MYDOMAIN else request.local_domain
    if request.exceptions_networks is not None:
        values["smtpd_sasl_exceptions_networks"] = request.exceptions_networks
    if request.authenticated_header:
        values["smtpd_sasl_authenticated_header"] = "yes"
    if request.broken_clients:
        values["broken_sasl_auth_clients"] = "yes"
    return values


def _security(site: Site, tls: bool) -> Values:
    values = {BEFORE: with_words(site.postfix[BEFORE], "noanonymous", "noplaintext")}
    under = site.postfix[UNDER] if UNDER in site.postfix.named else ""
    values[UNDER] = with_words(under, "noanonymous")
    if tls:
        values["smtpd_tls_auth_only"] = "yes"
        if not any(map(has_tls, site.servers)):
            values[LEVEL] = "may"
    return values


def _relaying(site: Site) -> Values:
    if restrictions.protected_as_before(site.postfix):
        return {}
    return _edited(site, restrictions.protecting(site.postfix, RELAY))


def _senders(site: Site, bound: str, stricter_stays: bool) -> Values:
    there, ours = site.postfix.named.get(LOGIN_MAPS, "").strip(), generated_map.name(site)
    known = ours in maps.named(site.postfix[LOGIN_MAPS])
    listed = there if known else ", ".join(part for part in (there, ours) if part)
    return {LOGIN_MAPS: listed, **_edited(site, restrictions.binding(site.postfix, mismatch(bound), stricter_stays))}


def _edited(site: Site, edit: Edit | None) -> Values:
    if edit is None:
        return {}
    site.postfix.see_alone(edit.parameter)
    return {edit.parameter: edit.text}


def _is_so(site: Site, name: str, value: str) -> bool:
    """Tell whether the parameter has that value already, as it is written or with its names replaced."""
    if name == UNDER and name not in site.postfix.named:  # its default follows a parameter that may change
        return False
    return value in (site.postfix.named.get(name), site.postfix[name])
