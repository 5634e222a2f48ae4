"""Sites that look odd and are sound: users log in, nobody else does, and sasldb postfix check has nothing to say."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT, Require, lacking
from tests.real.faults.fault import CHROOT, OK, PLAIN
from tests.real.faults.methods import SASLAUTHD, SQL, SQL_USER
from tests.real.faults.others import CLIENT, LENIENT
from tests.real.faults.postfix import DOVECOT
from tests.real.faults.security import OTHER_KEY
from tests.real.faults.users import GENERATE, GENERATED
from tests.real.faulty import FaultyPostfix
from tests.real.outcomes import check

SUBMISSION = 'postconf -c "$CONFIG" -F "127.0.0.1:$PORT/inet/command=smtpd -o smtpd_sasl_auth_enable=yes"; main smtpd_sasl_auth_enable=no'
SYSTEM_USER = 'id alice >/dev/null 2>&1 || useradd alice; printf "%s:%s" alice "$PASSWORD" | chpasswd -c SHA256'
SOUND = {
    "TLS is demanded, which implies smtpd_tls_auth_only": (
        PLAIN,
        "main smtpd_tls_security_level=encrypt smtpd_tls_auth_only=no",
    ),
    "plaintext only under TLS, challenges before": (
        PLAIN,
        'main smtpd_tls_auth_only=no "smtpd_sasl_security_options=noanonymous, noplaintext" smtpd_sasl_tls_security_options=noanonymous',
    ),
    "AUTH in master.cf alone": (PLAIN, SUBMISSION),
    "a port for printers, where nobody logs in": (
        PLAIN,
        'postconf -c "$CONFIG" -M "127.0.0.1:smtp/inet=127.0.0.1:smtp inet n - n - - smtpd -o smtpd_client_restrictions=permit_mynetworks,reject"',
    ),
    "a content filter on another host gives mail back": (
        PLAIN,
        'postconf -c "$CONFIG" -M "10025/inet=10025 inet n - n - - smtpd -o content_filter= -o smtpd_recipient_restrictions=permit_mynetworks,reject"',
    ),
    "a port without TLS for programs of this host": (
        PLAIN,
        'postconf -c "$CONFIG" -M "127.0.0.1:smtp/inet=127.0.0.1:smtp inet n - n - - smtpd -o smtpd_tls_security_level=none"',
    ),
    "submission asks Dovecot, which is there": (PLAIN, DOVECOT + '; touch "$JAIL/private/auth"'),
    "Debian's root:sasl, with postfix in that group": (
        PLAIN,
        'usermod -a -G sasl postfix; chown root:sasl "$DB"; chmod 0660 "$DB"',
    ),
    "several realms, and logins in full": (
        PLAIN,
        "main smtpd_sasl_local_domain= myhostname=example.com; printf x | saslpasswd2 -p -c -u example.org bob",
    ),
    "a conf with CRLF, comments and odd case": (PLAIN, 'sed -i "s/^/# x\\n/; s/pwcheck/PwCheck/; s/$/\\r/" "$CONF"'),
    "a second conf that is a link to the first": (PLAIN, 'mkdir -p /etc/sasl2; ln -s "$CONF" /etc/sasl2/smtpd.conf'),
    "sasl_passwd that root's group may read, which has nobody in it": (
        PLAIN,
        LENIENT + "TYPE=texthash; " + CLIENT + 'chmod 0640 "$CONFIG/sasl_passwd"',
    ),
    "sasl_passwd that proxymap opens, as user postfix": (
        PLAIN,
        LENIENT
        + "TYPE=proxy:texthash; "
        + CLIENT
        + 'chgrp postfix "$CONFIG/sasl_passwd"; chmod 0640 "$CONFIG/sasl_passwd"',
    ),
    "saslauthd that reads the sasldb": (PLAIN, SASLAUTHD.format("sasldb") + '; option "mech_list: PLAIN LOGIN"'),
    "saslauthd that knows the system's users, and no sasldb": (
        PLAIN,
        SASLAUTHD.format("shadow") + '; option "mech_list: PLAIN LOGIN"; rm "$DB"; ' + SYSTEM_USER,
    ),
    "saslauthd that knows the system's users, and others in a sasldb": (
        PLAIN,
        SASLAUTHD.format("shadow") + '; option "mech_list: PLAIN LOGIN"; ' + SYSTEM_USER,
    ),
    "saslauthd in the jail, and no sasldb": (
        CHROOT,
        'mkdir -p "$JAIL/etc/elsewhere"; saslauthd -a shadow -m "$JAIL/etc/elsewhere" -n 1 >/dev/null 2>&1; rm "$DB" "$SEEN"; '
        'option "pwcheck_method: saslauthd"; option "saslauthd_path: /etc/elsewhere/mux"; option "mech_list: PLAIN LOGIN"; '
        + SYSTEM_USER,
    ),
    "a certificate in smtpd_tls_chain_files, and an old one that is gone": (
        PLAIN,
        'cat "$CONFIG/key.pem" "$CONFIG/cert.pem" > "$CONFIG/chain.pem"; main smtpd_tls_cert_file=/etc/none smtpd_tls_chain_files="$CONFIG/chain.pem"',
    ),
    "key and certificate in one file, by its relative path": (
        PLAIN,
        'cat "$CONFIG/cert.pem" "$CONFIG/key.pem" > "$JAIL/both.pem"; main smtpd_tls_cert_file=both.pem; postconf -c "$CONFIG" -X smtpd_tls_key_file',
    ),
    "an ECDSA certificate alone": (
        PLAIN,
        'main smtpd_tls_cert_file= smtpd_tls_key_file= "smtpd_tls_eccert_file=$CONFIG/cert.pem" "smtpd_tls_eckey_file=$CONFIG/key.pem"',
    ),
    "a certificate with the one above it": (
        CHROOT,
        OTHER_KEY + '; openssl req -x509 -key "$CONFIG/other.pem" -subj /CN=ca -days 2 >> "$CONFIG/cert.pem"',
    ),
    "two keys with their certificates in files of their own": (
        PLAIN,
        'cd "$CONFIG"; openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.pem -subj /CN=x -days 2 -out x.pem 2>/dev/null; '
        'cat cert.pem rsa.pem x.pem > rest.pem; main "smtpd_tls_chain_files=$CONFIG/key.pem, $CONFIG/rest.pem" smtpd_tls_cert_file=',
    ),
    "a weak key": (
        PLAIN,
        'openssl req -x509 -newkey rsa:1024 -sha1 -nodes -keyout "$CONFIG/key.pem" -out "$CONFIG/cert.pem" -subj /CN=x -days 2 2>/dev/null',
    ),
    "a directory of CAs that is not there": (PLAIN, "main smtpd_tls_CApath=/etc/none smtpd_tls_ask_ccert=yes"),
    "SQL and the sasldb": (PLAIN, SQL + 'option "auxprop_plugin: sasldb sql"'),
    "SQL, and no sasldb": (PLAIN, SQL + SQL_USER + 'rm "$DB"'),
    "SQL for challenges, and saslauthd for PLAIN": (
        PLAIN,
        SASLAUTHD.format("shadow") + "; mkdir() { :; }; " + SQL + SYSTEM_USER + '; rm "$DB"',
    ),
    "/etc/sasldb2 is a link into the jail": (CHROOT, 'rm "$DB"; ln -s "$SEEN" "$DB"'),
    "a restriction class protects, and lets logins through": (
        PLAIN,
        'main "smtpd_restriction_classes=outer inner" "outer=permit_mynetworks, inner" "inner=permit_sasl_authenticated, reject" smtpd_relay_restrictions=outer',
    ),
    "a name stands for the restrictions": (
        PLAIN,
        "main 'ours=permit_sasl_authenticated, reject_unauth_destination' 'smtpd_relay_restrictions=permit_mynetworks, $ours'",
    ),
    "senders are bound where relaying is decided, by an owner in other case": (
        PLAIN,
        'echo "a@example.com Alice@Example.com" > "$CONFIG/owners"; main "smtpd_sender_login_maps=texthash:$CONFIG/owners" '
        '"smtpd_relay_restrictions=reject_authenticated_sender_login_mismatch, permit_sasl_authenticated, reject_unauth_destination"',
    ),
    "owners that were generated": (PLAIN, GENERATED + GENERATE),
    "owners that were generated, for logins without a realm, and then sorted by hand": (
        PLAIN,
        f"main smtpd_sasl_local_domain= myhostname=example.com; printf x | saslpasswd2 -p -c -u example.org bob; {GENERATED} {GENERATE}; "
        'sort -r "$CONFIG/sasldb_sender_logins" > "$CONFIG/x"; sed -n /Written/p "$CONFIG/x" > "$CONFIG/sasldb_sender_logins"; '
        'sed /Written/d "$CONFIG/x" >> "$CONFIG/sasldb_sender_logins"; postmap -c "$CONFIG" "hash:$CONFIG/sasldb_sender_logins"',
    ),
    "owners that were written by hand, where generated ones would lie": (
        PLAIN,
        GENERATED + 'echo "a@example.com alice@example.com" > "$CONFIG/sasldb_sender_logins"; '
        'postmap -c "$CONFIG" "hash:$CONFIG/sasldb_sender_logins"',
    ),
    "owners that were generated outside the jail": (CHROOT, GENERATED + GENERATE),
    "owners that were generated of users in the jail alone": (
        CHROOT,
        f'rm "$DB"; sasldb init -f "$DB"; touch "$SEEN"; {GENERATED} {GENERATE}; grep -q alice "$CONFIG/sasldb_sender_logins"',
    ),
    "a map that may refuse comes before the login": (
        PLAIN,
        'echo "x.example reject" > "$CONFIG/x"; main "smtpd_relay_restrictions=check_recipient_access texthash:$CONFIG/x, '
        'warn_if_reject reject_unauth_destination, permit_sasl_authenticated, reject"',
    ),
    "options of smtpd in every form": (
        PLAIN,
        'printf "127.0.0.1:2526 inet n - n - - smtpd -v -oline_length_limit=2048 -m 5\\n  -o { smtpd_relay_restrictions = permit_mynetworks, reject }'
        '\\n  -o {smtpd_client_restrictions=permit_mynetworks reject}\\n# a comment\\n  -vo smtpd_sasl_auth_enable=no -o content_filter=\\n" >> "$CONFIG/master.cf"',
    ),
    "restrictions of every kind, and words that smtpd never comes to": (
        PLAIN,
        'echo "x.example reject" > "$CONFIG/x"; main smtpd_restriction_classes=ours "ours=sleep 0, warn_if_reject Reject_Unknown_Client" '
        '"smtpd_client_restrictions=ours, reject_rbl x.invalid, permit_mynetworks, texthash:$CONFIG/x, permit, nonsense" '
        '"smtpd_relay_restrictions=check_client_access { texthash:$CONFIG/x }, permit_sasl_authenticated, reject, nonsense" mynetworks=127.0.0.0/8',
    ),
    "a filter of mechanisms that leaves some, and a service with one in a table": (
        PLAIN,
        'echo "PLAIN x" > "$CONFIG/x"; main "smtpd_sasl_mechanism_filter=!login, static:rest"; postconf -c "$CONFIG" -M '
        '"127.0.0.1:2530/inet=127.0.0.1:2530 inet n - n - - smtpd -o smtpd_sasl_mechanism_filter=texthash:$CONFIG/x"',
    ),
    "a yes and a level in other case, and what is wrong where no smtpd asks": (
        PLAIN,
        "main smtpd_tls_auth_only=YES smtpd_tls_security_level=May smtpd_helo_required=junk; "
        'postconf -c "$CONFIG" -P "127.0.0.1:$PORT/inet/smtpd_helo_required=no"',
    ),
    "a port without AUTH that relays for nobody, and one for neighbours": (
        PLAIN,
        'for port in 2527 2528; do postconf -c "$CONFIG" -M "127.0.0.1:$port/inet=127.0.0.1:$port inet n - n - - smtpd '
        '-o smtpd_sasl_auth_enable=no -o smtpd_relay_restrictions=permit_mynetworks,reject -o mynetworks=127.0.0.0/8"; done',
    ),
    "a port for the mail that a content filter gives back, which has AUTH from main.cf": (
        PLAIN,
        'postconf -c "$CONFIG" -M "127.0.0.1:2529/inet=127.0.0.1:2529 inet n - n - - smtpd -o content_filter= -o mynetworks=127.0.0.0/8 '
        '-o smtpd_client_restrictions=permit_mynetworks,reject -o smtpd_recipient_restrictions=permit_mynetworks,reject"',
    ),
    "neighbours in tables and files": (
        PLAIN,
        'echo 10.0.0.0/8 > "$CONFIG/nets"; echo "0.0.0.0/0 dunno" > "$CONFIG/table"; main "mynetworks=!0.0.0.0/0, $CONFIG/nets, cidr:$CONFIG/table" '
        '"smtpd_relay_restrictions=permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"',
    ),
    "neighbours by addresses that only they can have": (
        PLAIN,
        'main inet_protocols=all "mynetworks=[fc00::]/7, [fe80::]/10, [::1]/128, 10.0.0.0/8" '
        '"smtpd_relay_restrictions=permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"',
    ),
    "a parameter that Debian's master.cf uses in comments": (
        PLAIN,
        'main "mua_client_restrictions=permit_sasl_authenticated,reject" "my_sasl_helo=reject"; '
        'echo "#  -o smtpd_helo_restrictions=\\$my_sasl_helo" >> "$CONFIG/master.cf"',
    ),
    "an empty database outside, and the users in the jail": (CHROOT, 'rm "$DB"; sasldb init -f "$DB"; touch "$SEEN"'),
    "an empty database outside that is newer": (CHROOT, 'rm "$DB"; sasldb init -f "$DB"; touch "$DB"'),
    "a file of zero bytes outside": (CHROOT, ': > "$DB"'),
    "a link that leads to the copy inside the jail alone": (
        CHROOT,
        'mkdir "$JAIL/etc/db"; mv "$SEEN" "$JAIL/etc/db/x"; ln -s /etc/db/x "$SEEN"',
    ),
    "users in SQL, and in the sasldb": (PLAIN, SQL + 'option "auxprop_plugin: sql sasldb"'),
    "no database outside the jail": (CHROOT, 'rm "$DB"'),
    "the conf names the path that is seen inside": (
        CHROOT,
        'mkdir "$JAIL/etc/db"; cp -a "$DB" "$JAIL/etc/db/x"; option "sasldb_path: /etc/db/x"',
    ),
}


@pytest.fixture(scope="module", params=[PLAIN, CHROOT])
def postfix(request: pytest.FixtureRequest, postfix_parts: None, require: Require) -> Iterator[FaultyPostfix]:
    """Yield a Postfix that may be changed."""
    require("namespace", "unshare", "nsenter")
    require("postfix", "openssl")
    try:
        instance = FaultyPostfix(request.param == CHROOT, f"{ROOT}/bin")
    except OSError as error:
        lacking("namespace", str(error))
    with instance:
        yield instance


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_said_of_a_sound_site(postfix: FaultyPostfix, name: str) -> None:
    """There is no finding, and the login works."""
    where, change = SOUND[name]
    if (where == CHROOT) != postfix.chroot:
        change = ":"  # here the same as any other: nothing is said, again and again
    postfix.break_by(change)
    assert postfix.login() == OK
    assert check(postfix)[1]["findings"] == []


def test_a_client_that_stays_over_a_reload(postfix: FaultyPostfix) -> None:
    """An smtpd that still serves a client from before the last reload is no finding; once something is changed after it, it is one."""
    postfix.break_by(":")
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=10) as client:
        client.ehlo()
        reload = 'touch "$CONF"; sleep 0.1; postfix -c "$CONFIG" reload; while [ "$(pidof qmgr)" = "$OLD" ]; do sleep 0.02; done'
        postfix.shell(f"OLD=$(pidof qmgr); {reload} 2>/dev/null; while ! pidof qmgr; do sleep 0.02; done")
        assert client.noop()[0] == 250
        assert check(postfix)[1]["findings"] == []
        postfix.shell('sleep 0.1; touch "$CONF"')
        assert [finding["name"] for finding in check(postfix)[1]["findings"]] == ["reload-due"]


def test_each_conf_is_looked_at(postfix: FaultyPostfix) -> None:
    """Of two services with confs of their own, what is wrong with one conf is told, and nothing while both are sound; --app takes one alone."""
    second = (
        'cp "$CONF" "$CONFIG/sasl/other.conf"; postconf -c "$CONFIG" -M '
        '"127.0.0.1:submission/inet=127.0.0.1:submission inet n - n - - smtpd -o smtpd_sasl_path=other"; '
    )
    postfix.break_by(second)
    assert check(postfix)[1]["findings"] == []
    done = postfix.shell('sasldb postfix check -c "$CONFIG"')
    reads = [line.split()[2] for line in done.stdout.decode().splitlines() if line.startswith("smtpd reads ")]
    assert reads == [postfix.conf, f"{postfix.config}/sasl/other.conf"]
    postfix.break_by(second + 'echo "mech_lst: PLAIN" >> "$CONFIG/sasl/other.conf"; chmod 0644 "$DB"')
    findings = check(postfix)[1]["findings"]
    assert [finding["name"] for finding in findings] == ["conf-unknown-option", "database-exposed"]
    assert f"{postfix.config}/sasl/other.conf" in findings[0]["seen"]
    for application, names in (("other", ["conf-unknown-option"]), ("smtpd", ["database-exposed"])):
        done = postfix.shell(f'sasldb postfix check -c "$CONFIG" --app {application} --json')
        assert [finding["name"] for finding in json.loads(done.stdout)["findings"]] == names
