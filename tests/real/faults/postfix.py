"""Faults of Postfix's configuration."""

from __future__ import annotations

from tests.real.faults.fault import (
    CHROOT,
    FAILED,
    NOTHING,
    NO_TLS,
    OK,
    OWNERS,
    REFUSED,
    RELOAD,
    RESTORED,
    SILENT,
    Fault,
    main,
)

NO_AUTH = 'postconf -c "$CONFIG" -X smtpd_sasl_auth_enable; '
ARGUMENTS = 'postconf -c "$CONFIG" -F "127.0.0.1:$PORT/inet/command=smtpd {}"'
# Submission asks Dovecot, and port $PORT Cyrus SASL.
DOVECOT = (
    'postconf -c "$CONFIG" -M "127.0.0.1:submission/inet=127.0.0.1:submission inet n - n - - smtpd '
    '-o smtpd_sasl_type=dovecot -o smtpd_sasl_path=private/auth"'
)
CHALLENGE = "postconf -c {config} -e 'smtpd_sasl_security_options = noanonymous, noplaintext'"

FAULTS = [
    Fault(
        "main-cf",
        "a line of main.cf that does not parse",
        'postfix -c "$CONFIG" stop; sleep 0.2; : > "$HOME_/maillog"; echo junk >> "$CONFIG/main.cf"',
        SILENT,
        NOTHING,
        "sed -i --follow-symlinks '{last}s/^/#/' {config}/main.cf",
        then='postfix -c "$CONFIG" start',
        reload=False,
    ),
    Fault(
        "service-arguments",
        "a blank in a list in master.cf",
        ARGUMENTS.format(
            "-o { mynetworks = 127.0.0.0/8 [::1]/128 } -o smtpd_recipient_restrictions=permit_sasl_authenticated, reject"
        ),
        SILENT,
        "fatal: unexpected command-line argument: reject",
        "postconf -c {config} -F '127.0.0.1:{port}/inet/command=smtpd -o {{mynetworks=127.0.0.0/8 [::1]/128}} "
        "-o smtpd_recipient_restrictions=permit_sasl_authenticated,reject' && " + RELOAD,
    ),
    Fault(
        "service-arguments",
        "a comment behind an option in master.cf",
        'sed -i "/^127.*smtpd/s/$/ -o smtpd_sasl_security_options=noanonymous # and nothing else/" "$CONFIG/master.cf"',
        SILENT,
        "fatal: unexpected command-line argument: #",
        None,
        then=RESTORED,
        where=CHROOT,
    ),
    Fault(
        "value-malformed",
        "a comment behind a yes",
        'main "smtpd_tls_auth_only=yes # only under TLS"',
        SILENT,
        "fatal: bad boolean configuration: smtpd_tls_auth_only = yes # only under TLS",
        main("smtpd_tls_auth_only = yes"),
    ),
    Fault(
        "value-malformed",
        "a comment behind the yes of AUTH, which nothing would keep out of the clear",
        'main "smtpd_sasl_auth_enable=yes # for users" smtpd_tls_auth_only=no',
        SILENT,
        "fatal: bad boolean configuration: smtpd_sasl_auth_enable = yes # for users",
        "postconf -c {config} -e 'smtpd_tls_auth_only = yes' && " + main("smtpd_sasl_auth_enable = yes"),
        where=CHROOT,
    ),
    Fault(
        "value-malformed",
        "a comment behind a TLS level in master.cf",
        ARGUMENTS.format("-o { smtpd_tls_security_level = may # or none }"),
        SILENT,
        'fatal: Invalid TLS level "may # or none"',
        "postconf -c {config} -P 127.0.0.1:{port}/inet/smtpd_tls_security_level=may && " + RELOAD,
    ),
    Fault(
        "value-malformed",
        "a value that is neither yes nor no",
        "main smtpd_helo_required=true",
        SILENT,
        "fatal: bad boolean configuration: smtpd_helo_required = true",
        None,
        then=RESTORED,
    ),
    Fault(
        "parameter-misspelt",
        "a misspelt parameter",
        'main smtpd_sasl_auth_enabled=yes; postconf -c "$CONFIG" -X smtpd_sasl_auth_enable',
        SILENT,
        NOTHING,
        "postconf -c {config} -X smtpd_sasl_auth_enabled && " + main("smtpd_sasl_auth_enable = yes"),
    ),
    Fault(
        "parameter-misspelt",
        "a misspelt parameter, and passwords would go in the clear",
        'main smtpd_sasl_auth_enabled=yes smtpd_tls_auth_only=no; postconf -c "$CONFIG" -X smtpd_sasl_auth_enable',
        SILENT,
        NOTHING,
        "postconf -c {config} -e 'smtpd_tls_auth_only = yes' && postconf -c {config} -X smtpd_sasl_auth_enabled && "
        + main("smtpd_sasl_auth_enable = yes"),
        where=CHROOT,
    ),
    Fault(
        "parameter-misspelt",
        "a misspelt parameter that would let everybody relay",
        'main my_networks=0.0.0.0/0 "smtpd_relay_restrictions=permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"',
        OK,
        NOTHING,
        None,
        then='postconf -c "$CONFIG" -X my_networks; postfix -c "$CONFIG" reload',
    ),
    Fault(
        "sasl-type",
        "smtpd asks Dovecot",
        "main smtpd_sasl_type=dovecot",
        SILENT,
        "SASL: Connect to Dovecot auth socket 'smtpd' failed",
        main("smtpd_sasl_type = cyrus"),
    ),
    Fault(
        "sasl-type",
        "smtpd asks Dovecot at its socket",
        "main smtpd_sasl_type=dovecot smtpd_sasl_path=private/none",
        SILENT,
        "SASL: Connect to Dovecot auth socket 'private/none' failed",
        "postconf -c {config} -e 'smtpd_sasl_type = cyrus' && " + main("smtpd_sasl_path = smtpd"),
        where=CHROOT,
    ),
    Fault(
        "sasl-type-mixed",
        "submission asks Dovecot, which is not there",
        DOVECOT.replace("auth", "none"),
        OK,
        NOTHING,
        "postconf -c {config} -PX 127.0.0.1:submission/inet/smtpd_sasl_type && "
        "postconf -c {config} -PX 127.0.0.1:submission/inet/smtpd_sasl_path && " + RELOAD,
    ),
    Fault(
        "auth-disabled",
        "AUTH is not switched on",
        "main smtpd_sasl_auth_enable=no",
        SILENT,
        NOTHING,
        main("smtpd_sasl_auth_enable = yes"),
    ),
    Fault(
        "auth-disabled",
        "AUTH is not switched on, nor kept under TLS",
        NO_AUTH + "main smtpd_tls_auth_only=no",
        SILENT,
        NOTHING,
        "postconf -c {config} -e 'smtpd_tls_auth_only = yes' && " + main("smtpd_sasl_auth_enable = yes"),
        where=CHROOT,
    ),
    Fault(
        "auth-disabled",
        "AUTH is not switched on, and there is no TLS",
        NO_AUTH + NO_TLS,
        SILENT,
        NOTHING,
        f"{CHALLENGE} && " + main("smtpd_sasl_auth_enable = yes"),
        after="SCRAM-SHA-256",
    ),
    Fault(
        "auth-disabled",
        "AUTH is not switched on, and nothing would keep passwords out of the clear",
        NO_AUTH + NO_TLS + '; option "mech_list: PLAIN LOGIN"',
        SILENT,
        NOTHING,
        None,
        then=RESTORED,
    ),
    Fault(
        "submission-auth-disabled",
        "AUTH is switched off for submission in master.cf",
        'postconf -c "$CONFIG" -M "127.0.0.1:submission/inet=127.0.0.1:submission inet n - n - - smtpd -o smtpd_sasl_auth_enable=no"',
        OK,
        NOTHING,
        "postconf -c {config} -P 127.0.0.1:submission/inet/smtpd_sasl_auth_enable=yes && " + RELOAD,
        where=CHROOT,
    ),
    Fault(
        "sasl-path",
        "smtpd_sasl_path is a path",
        'main "smtpd_sasl_path = $CONFIG/sasl:/usr/lib/sasl2"; mv "$DB" /etc/elsewhere; option "sasldb_path: /etc/elsewhere"',
        REFUSED,
        FAILED,
        main("smtpd_sasl_path = smtpd"),
    ),
    Fault(
        "submission-auth-disabled",
        "AUTH is switched off for submission, which has no TLS",
        'postconf -c "$CONFIG" -M "127.0.0.1:submission/inet=127.0.0.1:submission inet n - n - - smtpd -o smtpd_sasl_auth_enable=no -o smtpd_tls_security_level=none -o smtpd_tls_auth_only=no"',
        OK,
        NOTHING,
        "postconf -c {config} -P 127.0.0.1:submission/inet/smtpd_sasl_security_options=noanonymous,noplaintext && "
        "postconf -c {config} -P 127.0.0.1:submission/inet/smtpd_sasl_auth_enable=yes && " + RELOAD,
    ),
    Fault(
        "auth-hidden-from-networks",
        "AUTH is hidden from all clients",
        'main "smtpd_sasl_exceptions_networks = 0.0.0.0/0"',
        SILENT,
        NOTHING,
        main("smtpd_sasl_exceptions_networks ="),
    ),
    Fault(
        "auth-keyword-discarded",
        "AUTH is taken out of the reply to EHLO",
        'main "smtpd_discard_ehlo_keywords = chunking, auth"',
        SILENT,
        NOTHING,
        main("smtpd_discard_ehlo_keywords = chunking"),
    ),
    Fault(
        "restriction-unknown",
        "a misspelt permit_sasl_authenticated",
        'main "smtpd_relay_restrictions=permit_mynetworks,permit_sasl_authenticate, reject_unauth_destination"',
        OK,
        'unknown smtpd restriction: "permit_sasl_authenticate"',
        main("smtpd_relay_restrictions = permit_mynetworks,permit_sasl_authenticated, reject_unauth_destination"),
        relays=(451, 451),
    ),
    Fault(
        "restriction-unknown",
        "a misspelt restriction in a class",
        'main smtpd_restriction_classes=ours "ours=permit_sasl_authenticated, Reject_Unauth_Destinatoin" smtpd_sender_restrictions=ours',
        OK,
        'unknown smtpd restriction: "Reject_Unauth_Destinatoin"',
        main("ours = permit_sasl_authenticated, reject_unauth_destination"),
        where=CHROOT,
        relays=(250, 451),
    ),
    Fault(
        "restriction-unknown",
        "quotes around the restrictions in master.cf",
        ARGUMENTS.format('-o smtpd_recipient_restrictions=\\"permit_sasl_authenticated,reject\\"'),
        OK,
        'unknown smtpd restriction: ""permit_sasl_authenticated"',
        "postconf -c {config} -P 127.0.0.1:{port}/inet/smtpd_recipient_restrictions=permit_sasl_authenticated,reject && "
        + RELOAD,
        relays=(451, 554),
    ),
    Fault(
        "restriction-unknown",
        "a word among the restrictions that is none",
        "main smtpd_client_restrictions=dunno",
        OK,
        'unknown smtpd restriction: "dunno"',
        None,
        then=RESTORED,
        relays=(451, 451),
    ),
    Fault(
        "relay-refused",
        "restrictions refuse who has logged in",
        "main smtpd_relay_restrictions=reject_unauth_destination",
        OK,
        "Relay access denied",
        main("smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination"),
        relays=(554, 554),
    ),
    Fault(
        "relay-refused",
        "restrictions let a login through too late",
        OWNERS.format("alice")
        + 'main "smtpd_sender_login_maps=texthash:$CONFIG/owners" "smtpd_relay_restrictions=reject_authenticated_sender_login_mismatch,'
        ' reject_unauth_destination, permit_sasl_authenticated"',
        OK,
        "Relay access denied",
        main(
            "smtpd_relay_restrictions = reject_authenticated_sender_login_mismatch, permit_sasl_authenticated,"
            " reject_unauth_destination, permit_sasl_authenticated"
        ),
        relays=(554, 554),
    ),
    Fault(
        "relay-refused",
        "a restriction class refuses who has logged in",
        'main smtpd_restriction_classes=ours "ours=permit_mynetworks, reject" smtpd_relay_restrictions=ours',
        OK,
        "Recipient address rejected: Access denied",
        main("ours = permit_mynetworks, permit_sasl_authenticated, reject"),
        relays=(554, 554),
    ),
    Fault(
        "relay-refused",
        "restrictions of submission alone refuse who has logged in",
        'postconf -c "$CONFIG" -M "127.0.0.1:submission/inet=127.0.0.1:submission inet n - n - - smtpd -o { smtpd_relay_restrictions = permit_mynetworks reject }"',
        OK,
        NOTHING,
        "postconf -c {config} -P 127.0.0.1:submission/inet/smtpd_relay_restrictions=permit_mynetworks,permit_sasl_authenticated,reject && "
        + RELOAD,
        where=CHROOT,
    ),
    Fault(
        "relay-unprotected",
        "nothing protects from relaying",
        "main smtpd_relay_restrictions=permit",
        SILENT,
        "specify at least one working instance of",
        main("smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination, permit"),
    ),
]
