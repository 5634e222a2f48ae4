"""The table of checks, in the order in which they are made and shown.

A row is the name of the fault, the function that looks for it, and the names of those checks of which it would only see a consequence:
where one of them found something, or could not look, the row is left out. `main-cf` stands before all.
To add a check, write its function in the module of its subject and its row here, and inject the fault in tests/real/faults.py.
"""

from __future__ import annotations

from sasldb.postfix.checks import (
    arguments,
    client,
    conf,
    database,
    dovecot,
    chroot_copy,
    mechanism_filter,
    methods,
    outdated_map,
    processes,
    relaying,
    security,
    senders,
    server,
    soundness,
    spelling,
    unknown_words,
    users,
    values,
    verifier,
)
from sasldb.postfix.checks.finding import Check

ROOT = "main-cf"
POSTFIX, CONF, PLUGINS, DATABASE, USERS, SENDERS, SECURITY, CLIENT, RUNNING = (
    "Postfix",
    "libsasl's conf file",
    "Mechanisms and plug-ins",
    "Database",
    "Users",
    "Senders",
    "Security",
    "Postfix as a client",
    "Processes",
)
# What must be right for Postfix to mean what is written, for AUTH to be there at all, for the conf to be known, and for a database to be read.
_WRITTEN = ("service-arguments", "value-malformed")
_LISTS = (*_WRITTEN, "parameter-misspelt", "restriction-unknown")
_AUTH = (*_WRITTEN, "parameter-misspelt", "sasl-type", "auth-disabled")
_CONF = ("sasl-path", "conf-unsure", "conf-elsewhere", "conf-missing", "conf-unreadable", "conf-malformed")
_SAID = (*_CONF, "conf-quoted", "conf-doubled", "conf-unknown-option")
_VERIFIED = (*_SAID, "pwcheck-method", "auxprop-plugin", "sasldb-plugin")
_THERE = ("database-elsewhere", "chroot-path", "chroot-copy-missing", "database-missing")
_OPENED = (*_THERE, "database-directory", "database-unreadable")
_SOUND = (*_OPENED, "chroot-copy-stale", "database-empty", "database-format", "database-damaged")
_READ = (*_AUTH, *_SAID, *_SOUND, "database-no-users")
_CLIENT = ("client-parameter-misspelt", "client-passwords-unnamed")

CHECKS = (
    Check(ROOT, server.main_cf, POSTFIX, ()),
    Check("service-arguments", arguments.stray, POSTFIX, ()),
    Check("value-malformed", values.malformed, POSTFIX, ("service-arguments",)),
    Check("parameter-misspelt", spelling.misspelt, POSTFIX, ()),
    Check("parameter-unknown", spelling.unknown, POSTFIX, ()),
    Check("sasl-type", dovecot.alone, POSTFIX, (*_WRITTEN, "parameter-misspelt")),
    Check("sasl-type-mixed", dovecot.beside, POSTFIX, (*_WRITTEN, "parameter-misspelt", "sasl-type")),
    Check("auth-disabled", server.auth_off, POSTFIX, (*_WRITTEN, "parameter-misspelt")),
    Check("submission-auth-disabled", server.submission_off, POSTFIX, _AUTH),
    Check("sasl-path", server.sasl_path, POSTFIX, _AUTH),
    Check("auth-hidden-from-networks", server.hidden_from_networks, POSTFIX, _AUTH),
    Check("auth-keyword-discarded", server.discarded, POSTFIX, _AUTH),
    Check("restriction-unknown", unknown_words.unknown, POSTFIX, (*_WRITTEN, "parameter-misspelt")),
    Check("relay-refused", relaying.refused, POSTFIX, (*_AUTH, "restriction-unknown")),
    Check("relay-unprotected", relaying.demanded, POSTFIX, _LISTS),
    Check("conf-unsure", conf.search, CONF, ()),
    Check("conf-elsewhere", conf.elsewhere, CONF, ("sasl-path", "conf-unsure")),
    Check("conf-missing", conf.missing, CONF, ("sasl-path", "conf-unsure", "conf-elsewhere")),
    Check("conf-unreadable", conf.unreadable, CONF, ("sasl-path", "conf-unsure")),
    Check("conf-malformed", conf.malformed, CONF, ("conf-unreadable",)),
    Check("conf-quoted", conf.quoted, CONF, ("conf-malformed",)),
    Check("conf-doubled", conf.doubled, CONF, ("conf-malformed",)),
    Check("conf-unknown-option", conf.unknown, CONF, ("conf-malformed",)),
    Check("conf-second", conf.second, CONF, _SAID),
    Check("conf-exposed", conf.exposed, CONF, _CONF),
    Check("pwcheck-alwaystrue", methods.always_true, PLUGINS, _SAID),
    Check("pwcheck-method", methods.other_method, PLUGINS, (*_SAID, "pwcheck-alwaystrue")),
    Check("auxprop-plugin", methods.other_plugin, PLUGINS, _SAID),
    Check("auxprop-plugin-unset", methods.every_plugin, PLUGINS, _SAID),
    Check("sasldb-plugin", methods.sasldb_plugin, PLUGINS, (*_SAID, "pwcheck-method")),
    Check("mechanism-unknown", methods.unknown_mechanism, PLUGINS, _SAID),
    Check("mechanism-plugin", methods.mechanism_plugin, PLUGINS, _SAID),
    Check("saslauthd-mechanisms", verifier.beyond_saslauthd, PLUGINS, _VERIFIED),
    Check("saslauthd-unreachable", verifier.unreachable, PLUGINS, (*_VERIFIED, "saslauthd-mechanisms")),
    Check("chroot-path", chroot_copy.outside_path, DATABASE, (*_AUTH, *_VERIFIED)),
    Check("chroot-copy-missing", chroot_copy.missing, DATABASE, (*_AUTH, *_VERIFIED, "chroot-path")),
    Check(
        "database-elsewhere",
        database.elsewhere,
        DATABASE,
        (*_AUTH, *_VERIFIED, "saslauthd-mechanisms", "chroot-path", "chroot-copy-missing"),
    ),
    Check("database-missing", database.missing, DATABASE, (*_AUTH, *_VERIFIED, "database-elsewhere", "chroot-path")),
    Check("database-directory", database.directory, DATABASE, (*_AUTH, *_VERIFIED, *_THERE)),
    Check("database-unreadable", database.unreadable, DATABASE, (*_AUTH, *_VERIFIED, *_THERE, "database-directory")),
    Check("database-exposed", database.exposed, DATABASE, (*_AUTH, *_VERIFIED, *_OPENED)),
    Check("database-owner", database.owner, DATABASE, (*_AUTH, *_VERIFIED, *_OPENED, "database-exposed")),
    Check("database-directory-open", database.open_directory, DATABASE, (*_AUTH, *_VERIFIED, *_OPENED)),
    Check("chroot-copy-stale", chroot_copy.stale, DATABASE, (*_AUTH, *_VERIFIED, *_OPENED)),
    Check("database-empty", soundness.empty, DATABASE, (*_AUTH, *_VERIFIED, *_OPENED, "chroot-copy-stale")),
    Check("database-format", soundness.other_format, DATABASE, (*_AUTH, *_VERIFIED, *_OPENED, "chroot-copy-stale")),
    Check("database-damaged", soundness.damaged, DATABASE, (*_AUTH, *_VERIFIED, *_OPENED, "chroot-copy-stale")),
    Check("database-no-users", soundness.no_users, DATABASE, (*_AUTH, *_VERIFIED, *_SOUND)),
    Check("chroot-copy-written", chroot_copy.written, DATABASE, (*_AUTH, *_VERIFIED, *_SOUND)),
    Check("database-read-only", soundness.read_only, DATABASE, (*_AUTH, *_VERIFIED, *_SOUND, "chroot-copy-written")),
    Check("realm", users.realm, USERS, (*_READ, *_VERIFIED)),
    Check("user-unreachable", users.unreachable, USERS, (*_READ, *_VERIFIED)),
    Check("password-odd", users.odd_passwords, USERS, (*_READ, *_VERIFIED)),
    Check("mechanism-unservable", methods.unservable, USERS, (*_READ, *_VERIFIED, "mechanism-unknown")),
    Check("sender-login-map-stale", senders.stale_login_maps, SENDERS, _AUTH),
    Check("sender-login-map-outdated", outdated_map.outdated, SENDERS, (*_READ, *_VERIFIED, "sender-login-map-stale")),
    Check(
        "sender-login-owner",
        senders.unknown_owners,
        SENDERS,
        (*_READ, *_VERIFIED, "sender-login-map-stale", "sender-login-map-outdated", "realm"),
    ),
    Check("sender-login-unenforced", senders.unenforced, SENDERS, (*_AUTH, "restriction-unknown")),
    Check("tls-off", security.no_tls, SECURITY, _AUTH),
    Check("tls-certificate", security.certificate, SECURITY, (*_AUTH, "tls-off")),
    Check("security-option-unknown", security.option_names, SECURITY, _AUTH),
    Check("anonymous-allowed", security.anonymous, SECURITY, (*_AUTH, "security-option-unknown")),
    Check(
        "plaintext-without-tls",
        security.plaintext,
        SECURITY,
        (*_AUTH, *_SAID, "security-option-unknown", "anonymous-allowed"),
    ),
    Check(
        "mechanisms-none-left",
        security.none_left,
        SECURITY,
        (
            *_AUTH,
            *_SAID,
            "security-option-unknown",
            "mechanism-unknown",
            "mechanism-plugin",
            "mechanism-unservable",
            "tls-off",
            "plaintext-without-tls",
        ),
    ),
    Check(
        "mechanism-filter",
        mechanism_filter.discarding,
        SECURITY,
        (*_AUTH, *_SAID, "security-option-unknown", "mechanism-unknown", "mechanism-plugin", "mechanisms-none-left"),
    ),
    Check("open-relay", relaying.open_relay, SECURITY, (*_LISTS, "relay-unprotected")),
    Check("networks-too-wide", relaying.wide_networks, SECURITY, (*_LISTS, "relay-unprotected")),
    Check("client-parameter-misspelt", spelling.misspelt_of_client, CLIENT, ()),
    Check("client-passwords-unnamed", client.no_passwords, CLIENT, ("client-parameter-misspelt",)),
    Check("client-map-stale", client.stale, CLIENT, _CLIENT),
    Check("client-passwords-exposed", client.exposed, CLIENT, _CLIENT),
    Check("client-mechanisms-refused", client.refusing, CLIENT, ("client-parameter-misspelt",)),
    Check("postfix-stopped", processes.stopped, RUNNING, ()),
)
# Made where no other check found an error: whoever mends something else reloads anyway.
LAST = (Check("reload-due", processes.outdated, RUNNING, ("postfix-stopped",)),)
# About Postfix as a whole; all other groups are looked at for each conf file that a service reads.
OF_POSTFIX = frozenset((POSTFIX, CLIENT, RUNNING))
# What can be asked of any application of libsasl; all else is about Postfix.
OF_ANY_APPLICATION = frozenset(
    """conf-unsure conf-missing conf-unreadable conf-malformed conf-quoted conf-doubled conf-unknown-option conf-exposed
    pwcheck-alwaystrue pwcheck-method auxprop-plugin auxprop-plugin-unset sasldb-plugin mechanism-unknown mechanism-plugin
    saslauthd-mechanisms database-elsewhere database-missing database-directory database-unreadable database-exposed
    database-directory-open database-empty database-format
    database-damaged database-no-users user-unreachable password-odd mechanism-unservable""".split()
)
