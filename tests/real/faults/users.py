"""Faults of users: realms, names, passwords, owners of addresses."""

from __future__ import annotations

from tests.real.faults.fault import CHROOT, FAILED, NEW_USER, NOTHING, OK, OWNERS, REFUSED, RELOAD, Fault, main

MAP = "smtpd_sender_login_maps=texthash:$CONFIG/owners"
BIND = "reject_sender_login_mismatch"
GENERATED = 'main "smtpd_sender_login_maps=hash:$CONFIG/sasldb_sender_logins" smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch; '
GENERATE = 'sasldb postfix sender-login-maps -c "$CONFIG"'

FAULTS = [
    Fault(
        "realm",
        "the users are in the realm of the host's name",
        'saslpasswd2 -d -u example.com alice; printf %s "$PASSWORD" | saslpasswd2 -p -c alice',
        REFUSED,
        FAILED,
        main("smtpd_sasl_local_domain = vm.example.com"),
    ),
    Fault(
        "realm",
        "the container has another name now",
        'saslpasswd2 -d -u example.com alice; printf %s "$PASSWORD" | saslpasswd2 -p -c -u 51686ed8d2b4 alice; main smtpd_sasl_local_domain=',
        REFUSED,
        FAILED,
        main("smtpd_sasl_local_domain = 51686ed8d2b4"),
    ),
    Fault(
        "realm",
        "realms that differ in case",
        "main smtpd_sasl_local_domain=Example.COM",
        REFUSED,
        FAILED,
        main("smtpd_sasl_local_domain = example.com"),
    ),
    Fault(
        "realm",
        "the users are in two realms, and logins are looked up in a third",
        "saslpasswd2 -d -u example.com alice; for realm in example.net example.org; do printf x | saslpasswd2 -p -c -u $realm alice; done",
        REFUSED,
        FAILED,
        None,
        then=NEW_USER,
    ),
    Fault(
        "user-unreachable",
        "a user with an @ in the name",
        'printf "%s\\n" VERSION=3 format=bytevalue type=hash HEADER=END " 6140620065782e6f7267007573657250617373776f7264" " 7365637265740a" DATA=END | sed "s/0a$//" | db5.3_load "$DB"',
        OK,
        NOTHING,
        None,
    ),
    Fault(
        "password-odd",
        "a password stored with its line end",
        "printf '%s\\n\\n' \"$PASSWORD\" | saslpasswd2 -p -u example.com alice",
        REFUSED,
        FAILED,
        None,
        then=NEW_USER,
    ),
    Fault(
        "sender-login-map-outdated",
        "a user who was made after the owners were generated",
        f'{GENERATED} saslpasswd2 -d -u example.com alice; {GENERATE}; printf %s "$PASSWORD" | saslpasswd2 -p -c -u example.com alice',
        OK,
        "Sender address rejected: not owned by user alice@example.com",
        "sasldb postfix sender-login-maps -c {config}",
        relays=(553, 554),
        sender="alice@example.com",
    ),
    Fault(
        "sender-login-map-outdated",
        "a user who was deleted after the owners were generated",
        f"{GENERATED} printf x | saslpasswd2 -p -c -u example.com carol; {GENERATE}; saslpasswd2 -d -u example.com carol",
        OK,
        NOTHING,
        "sasldb postfix sender-login-maps -c {config}",
    ),
    Fault(
        "sender-login-owner",
        "an owner of an address who is no user",
        OWNERS.format("carol")
        + 'main "smtpd_sender_login_maps=texthash:$CONFIG/owners" smtpd_sender_restrictions=reject_sender_login_mismatch',
        OK,
        NOTHING,
        None,
    ),
    Fault(
        "sender-login-owner",
        "an owner without the realm that smtpd appends",
        f'echo "a@example.com alice" > "$CONFIG/owners"; main "{MAP}" smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch',
        OK,
        "Sender address rejected: not owned by user alice@example.com",
        None,
        then='echo "a@example.com alice@example.com" > "$CONFIG/owners"; postfix -c "$CONFIG" reload',
        relays=(553, 554),
    ),
    Fault(
        "sender-login-map-stale",
        "postmap was not run for the owners",
        OWNERS.format("alice")
        + 'main "smtpd_sender_login_maps=hash:$CONFIG/owners" smtpd_sender_restrictions=reject_sender_login_mismatch',
        OK,
        "open database",
        "postmap -c {config} hash:{config}/owners",
    ),
    Fault(
        "sender-login-unenforced",
        "owners that no restriction asks for",
        OWNERS.format("alice") + 'main "smtpd_sender_login_maps=texthash:$CONFIG/owners"',
        OK,
        NOTHING,
        main("smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch"),
    ),
    Fault(
        "sender-login-unenforced",
        "owners that are asked for when the login is through already",
        OWNERS.format("alice") + f'main "{MAP}" "smtpd_sender_restrictions=permit_sasl_authenticated, {BIND}"',
        OK,
        NOTHING,
        main(f"smtpd_sender_restrictions = {BIND}, permit_sasl_authenticated, {BIND}"),
    ),
    Fault(
        "sender-login-unenforced",
        "submission alone does not ask for owners",
        OWNERS.format("alice")
        + f'main "{MAP}" smtpd_sender_restrictions={BIND}; postconf -c "$CONFIG" -M "127.0.0.1:submission/inet=127.0.0.1:submission inet n - n - - smtpd -o smtpd_sender_restrictions="',
        OK,
        NOTHING,
        "postconf -c {config} -P 127.0.0.1:submission/inet/smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch && "
        + RELOAD,
        where=CHROOT,
    ),
]
