"""Faults of Postfix as a client, and of what runs."""

from __future__ import annotations

from tests.real.faults.fault import CHROOT, NOTHING, NO_VERIFIER, OK, REFUSED, RELOAD, SILENT, Fault, main

CLIENT = 'echo "[mail.example.net] u:p" > "$CONFIG/sasl_passwd"; main smtp_sasl_auth_enable=yes "smtp_sasl_password_maps=$TYPE:$CONFIG/sasl_passwd"; '
LENIENT = "main smtp_sasl_tls_security_options=noanonymous; "

FAULTS = [
    Fault(
        "client-parameter-misspelt",
        "a misspelt parameter of the client",
        "main smtp_sasl_tls_security_option=noanonymous",
        OK,
        NOTHING,
        "postconf -c {config} -X smtp_sasl_tls_security_option && "
        + main("smtp_sasl_tls_security_options = noanonymous"),
    ),
    Fault(
        "client-passwords-unnamed",
        "the client's passwords are the server's database",
        LENIENT + "main smtp_sasl_auth_enable=yes smtp_sasl_password_maps=hash:/etc/sasldb2",
        OK,
        NOTHING,
        None,
    ),
    Fault(
        "client-map-stale",
        "sasl_passwd was changed, and postmap not run",
        LENIENT
        + "TYPE=hash; "
        + CLIENT
        + 'postmap -c "$CONFIG" hash:"$CONFIG/sasl_passwd"; chmod 0600 "$CONFIG"/sasl_passwd*; touch -d "1 minute ago" "$CONFIG/sasl_passwd.db"',
        OK,
        NOTHING,
        "postmap -c {config} hash:{config}/sasl_passwd",
    ),
    Fault(
        "client-passwords-exposed",
        "everybody may read sasl_passwd",
        LENIENT + "TYPE=texthash; " + CLIENT,
        OK,
        NOTHING,
        "chown root:root {config}/sasl_passwd && chmod 0600 {config}/sasl_passwd",
    ),
    Fault(
        "client-passwords-exposed",
        "Postfix's user may read sasl_passwd",
        LENIENT + "TYPE=texthash; " + CLIENT + 'chgrp postfix "$CONFIG/sasl_passwd"; chmod 0640 "$CONFIG/sasl_passwd"',
        OK,
        NOTHING,
        "chown root:root {config}/sasl_passwd && chmod 0600 {config}/sasl_passwd",
    ),
    Fault(
        "client-passwords-exposed",
        "everybody may read a sasl_passwd that proxymap opens",
        LENIENT + "TYPE=proxy:texthash; " + CLIENT,
        OK,
        NOTHING,
        "chown root:postfix {config}/sasl_passwd && chmod 0640 {config}/sasl_passwd",
        where=CHROOT,
    ),
    Fault(
        "client-mechanisms-refused",
        "the client refuses PLAIN and LOGIN",
        "TYPE=texthash; " + CLIENT + 'chmod 0600 "$CONFIG/sasl_passwd"',
        OK,
        NOTHING,
        main("smtp_sasl_tls_security_options = noanonymous"),
    ),
    Fault(
        "postfix-stopped",
        "Postfix does not run",
        'postfix -c "$CONFIG" stop',
        SILENT,
        "stopping the Postfix mail system",
        "postfix -c {config} start",
        where=CHROOT,
        log_may_be_lost=True,
        reload=False,
    ),
    Fault(
        "reload-due",
        "corrected, and not reloaded",
        'option "auxprop_plugin: sql"; postfix -c "$CONFIG" reload; greet; sleep 0.1; option "auxprop_plugin: sasldb"',
        REFUSED,
        NO_VERIFIER,
        RELOAD,
        reload=False,
    ),
]
