"""Faults of what is demanded of a login."""

from __future__ import annotations

from tests.real.faults.fault import CHROOT, NONE_LEFT, NOTHING, OK, RELAY, RELOAD, SILENT, Fault, main

FAULTS = [
    Fault(
        "tls-off",
        "AUTH under TLS alone, and no TLS",
        "main smtpd_tls_security_level=none",
        SILENT,
        NOTHING,
        main("smtpd_tls_security_level = may"),
    ),
    Fault(
        "tls-certificate",
        "the certificate is gone",
        'rm "$CONFIG/cert.pem"',
        SILENT,
        "disabling TLS support",
        None,
        then='cp -a "$HOME_/good/config/cert.pem" "$CONFIG/"; postfix -c "$CONFIG" reload',
    ),
    Fault(
        "security-option-unknown",
        "an unknown security option",
        'main "smtpd_sasl_security_options=noanonymous, noplain"',
        SILENT,
        'unknown SASL security options value "noplain"',
        main("smtpd_sasl_security_options = noanonymous"),
    ),
    Fault(
        "anonymous-allowed",
        "noanonymous is missing",
        "main smtpd_sasl_security_options= smtpd_sasl_tls_security_options=noanonymous",
        OK,
        NOTHING,
        main("smtpd_sasl_security_options = noanonymous"),
    ),
    Fault(
        "mechanisms-none-left",
        "no mechanism passes the security options",
        'main "smtpd_sasl_tls_security_options=noanonymous, noplaintext"; option "mech_list: PLAIN LOGIN"',
        SILENT,
        NONE_LEFT,
        main("smtpd_sasl_tls_security_options = noanonymous"),
    ),
    Fault(
        "mechanisms-none-left",
        "no mechanism passes them before TLS",
        'main "smtpd_sasl_security_options=noanonymous, noplaintext" smtpd_sasl_tls_security_options=noanonymous smtpd_tls_auth_only=no; option "mech_list: PLAIN LOGIN"',
        SILENT,
        NONE_LEFT,
        main("smtpd_tls_auth_only = yes"),
        where=CHROOT,
    ),
    Fault(
        "plaintext-without-tls",
        "passwords may cross the network in the clear",
        "main smtpd_tls_auth_only=no",
        OK,
        NOTHING,
        main("smtpd_tls_auth_only = yes"),
        where=CHROOT,
    ),
    Fault(
        "open-relay",
        "an open relay",
        'main "smtpd_relay_restrictions=check_client_access static:OK, reject_unauth_destination"',
        OK,
        NOTHING,
        main(
            "smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination,"
            " check_client_access static:OK, reject_unauth_destination"
        ),
        relays=(250, 250),
        where=CHROOT,
    ),
    Fault(
        "open-relay",
        "an open relay on a port without AUTH",
        'postconf -c "$CONFIG" -M "127.0.0.1:2526/inet=127.0.0.1:2526 inet n - n - - smtpd -o smtpd_sasl_auth_enable=no -o smtpd_relay_restrictions=static:OK,reject"',
        OK,
        NOTHING,
        "postconf -c {config} -P 127.0.0.1:2526/inet/smtpd_relay_restrictions=permit_sasl_authenticated,reject_unauth_destination,static:OK,reject && "
        + RELOAD,
        where=CHROOT,
    ),
    Fault(
        "networks-too-wide",
        "everybody is in mynetworks",
        f'main "mynetworks=10.0.0.0/8, 0.0.0.0/0" "smtpd_relay_restrictions={RELAY}"',
        OK,
        NOTHING,
        main("mynetworks = 10.0.0.0/8"),
        relays=(250, 250),
        where=CHROOT,
    ),
    Fault(
        "networks-too-wide",
        "mynetworks has static:all in it",
        f"main 'mynetworks=$mine, static:all' mine=10.0.0.0/8 'smtpd_relay_restrictions={RELAY}'",
        OK,
        NOTHING,
        main("mynetworks = $mine"),
        relays=(250, 250),
        where=CHROOT,
    ),
    Fault(
        "networks-too-wide",
        "everybody is in a file that mynetworks names",
        f'echo 0.0.0.0/0 > "$CONFIG/nets"; main "mynetworks=$CONFIG/nets" "smtpd_relay_restrictions={RELAY}"',
        OK,
        NOTHING,
        None,
        then='echo 10.0.0.0/8 > "$CONFIG/nets"; postfix -c "$CONFIG" reload',
        relays=(250, 250),
        where=CHROOT,
    ),
]
