"""Where passwords are checked: what each backend wants in the conf of libsasl, and which mechanisms it can serve.

saslauthd is handed the password, so PLAIN and LOGIN alone can work with it. Stores that libsasl reads serve every mechanism, if they hold
the password. ldapdb is a client of a directory: for the mechanism with which it logs in there libsasl looks for a plug-in after smtpd is in
its chroot, and finds none, whatever is copied there (observed); EXTERNAL alone needs none.
Source: Postfix 3.7, SASL_README; Cyrus SASL 2.1.28, options.html.
Errors: `SiteConfigError`: the backend has to be named, a plug-in is not installed, an option is missing, nothing would be left to offer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from sasldb import bounds
from sasldb.errors import SiteConfigError
from sasldb.libsasl import config, packages
from sasldb.libsasl.mechanisms import PLUGIN_OF, SCRAM, SHADOW_MECHANISMS, given, passing
from sasldb.postfix.setup import reach
from sasldb.postfix.setup.request import BACKENDS, LDAPDB, Request, SASLDB, SQL
from sasldb.postfix.site.site import Site

Lines = dict[bytes, "bytes | None"]  # key -> value, None for a key that is to go

METHOD, PLUGIN, MECHANISMS, DATABASE = b"pwcheck_method", b"auxprop_plugin", b"mech_list", b"sasldb_path"
_SERVED = (*SHADOW_MECHANISMS, "CRAM-MD5", "DIGEST-MD5", "NTLM", *SCRAM)  # by a password that can be read
_UNDER_TLS = ("PLAIN", "LOGIN", "SCRAM-SHA-256")
_WITHOUT_TLS = (
    "SCRAM-SHA-256",
    "CRAM-MD5",
    "DIGEST-MD5",
)  # in a conf beside the former: what clients know that have no SCRAM
URI, LOGS_IN_BY = b"ldapdb_uri", b"ldapdb_mech"
_DEMANDED = {SQL: (b"sql_engine", b"sql_database", b"sql_select"), LDAPDB: (URI,)}


def demand_choice(site: Site) -> None:
    """See that a setup without a backend that was named shuts nobody out whom smtpd finds elsewhere than in a sasldb.

    Raises:
        SiteConfigError: it would. Unseen: only root could look.
    """
    methods = site.conf.words(METHOD)
    by_method = bool(methods) and "auxprop" not in (methods or [])
    if site.uses_sasldb and not (by_method and not site.populated):
        return
    key = METHOD if by_method else PLUGIN
    value = os.fsdecode(site.conf.get(key) or b"")
    keeping = [name for name in BACKENDS if name.partition("-")[0] in value.lower().split()]
    keep = f"to keep it name --backend {' or '.join(keeping)}, " if keeping else ""
    reason = f"{os.fsdecode(key)}: {value}, so users are found elsewhere than in a sasldb"
    raise SiteConfigError(site.conf.path, reason, remedy=f"{keep}to change over to a sasldb name --backend {SASLDB}")


def lines(site: Site, request: Request, tls: bool) -> Lines:
    """Return what the conf has to say.

    Raises:
        SiteConfigError: see the module.
    """
    present = {entry.key: entry.value for entry in reversed(site.conf_file.entries)}
    more = _options(request, present)
    offered = _offered(site, request, tls, present.get(MECHANISMS))
    if request.uses_saslauthd:
        return {METHOD: b"saslauthd", PLUGIN: None, MECHANISMS: offered, **more}
    _demand_plugin(site, [request.checked_by])
    if request.checked_by == LDAPDB:
        plugin = PLUGIN_OF.get(_text(LOGS_IN_BY, more, present).upper())
        _demand_plugin(site, [plugin] if plugin else [])
    return {METHOD: b"auxprop", PLUGIN: request.checked_by.encode(), MECHANISMS: offered, **more}


def freedom(site: Site, request: Request, lines: Lines) -> str:
    """Return why smtpd cannot stay in a chroot with the backend, "" where it can; `lines` are those of the conf."""
    if request.checked_by != LDAPDB:
        return ""
    present = {entry.key: entry.value for entry in reversed(site.conf_file.entries)}
    if _text(LOGS_IN_BY, lines, present).upper() != reach.EXTERNAL:
        return "libsasl loads there no mechanism with which ldapdb could log in to the directory"
    for path in reach.sockets(_text(URI, lines, present)):
        if reach.reached(site, path, site.postfix.jail) is False and reach.reached(site, path, None):
            return f"the directory's socket {path} lies outside"
    return ""


def _text(key: bytes, *confs: Mapping[bytes, bytes | None]) -> str:
    """Return the value of `key` in the first of `confs` that has it, "" where none has."""
    return os.fsdecode(next((conf[key] for conf in confs if key in conf), None) or b"")


def _offered(site: Site, request: Request, tls: bool, present: bytes | None) -> bytes:
    """Return the mech_list: the present one where all of it can work, else one that suits most clients."""
    served = SHADOW_MECHANISMS if request.uses_saslauthd else _SERVED
    installed = [name for name in given(site.plugins) if name in served]
    if present is not None:
        words = present.decode("ascii", "replace").upper().split()
        if words and set(words) <= set(installed) and (tls or passing(words, ["noplaintext"])):
            return present
    wanted = served if request.uses_saslauthd else _UNDER_TLS if tls else (*_UNDER_TLS, *_WITHOUT_TLS)
    chosen = [name for name in dict.fromkeys(wanted) if name in installed]
    if not chosen:
        _demand_plugin(site, ["plain", "login", *([] if request.uses_saslauthd else ["scram"])])
    if not tls and not passing(chosen, ["noplaintext"]):
        raise SiteConfigError(
            request.checked_by,
            "without TLS every mechanism that it serves would send the password in the clear",
            remedy="give Postfix a certificate (smtpd_tls_chain_files), then run this again",
        )
    return " ".join(chosen).encode("ascii")


def _options(request: Request, present: dict[bytes, bytes]) -> Lines:
    """Return the lines of --backend-options; those that the backend cannot do without must be there or in the present conf."""
    more: Lines = {}
    if request.backend_options is not None:
        try:
            text = bounds.read_file(request.backend_options)  # a pipe as well: <(...) of a shell
        except OSError as error:
            raise SiteConfigError(request.backend_options, f"cannot be read: {error.strerror}") from error
        more = dict(config.parse(text, request.backend_options))
    missing = [key for key in _DEMANDED.get(request.checked_by, ()) if key not in more and key not in present]
    if missing:
        names = ", ".join(map(os.fsdecode, missing))
        raise SiteConfigError(request.checked_by, f"lacks {names}", remedy="put them into a file for --backend-options")
    reserved = sorted({METHOD, PLUGIN, MECHANISMS} & set(more))
    if reserved and request.backend_options is not None:
        names = ", ".join(map(os.fsdecode, reserved))
        raise SiteConfigError(request.backend_options, f"sets {names}, which --backend decides")
    return more


def _demand_plugin(site: Site, names: list[str]) -> None:
    missing = [name for name in names if name not in site.plugins]
    if missing:
        install = packages.command(missing)
        remedy = f"run: {install}" if install else ""
        raise SiteConfigError(
            site.plugin_directory, f"no plug-in {' and no plug-in '.join(missing)} of libsasl", remedy=remedy
        )
