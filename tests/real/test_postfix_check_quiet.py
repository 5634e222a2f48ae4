"""Sites that look odd and are sound: users log in, nobody else does, and sasldb postfix check has nothing to say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import ROOT, Require, lacking
from tests.real.faults.fault import CHROOT, OK, PLAIN
from tests.real.faulty import FaultyPostfix
from tests.real.outcomes import check

SUBMISSION = 'postconf -c "$CONFIG" -F "127.0.0.1:$PORT/inet/command=smtpd -o smtpd_sasl_auth_enable=yes"; main smtpd_sasl_auth_enable=no'
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
    "a map that may refuse comes before the login": (
        PLAIN,
        'echo "x.example reject" > "$CONFIG/x"; main "smtpd_relay_restrictions=check_recipient_access texthash:$CONFIG/x, '
        'warn_if_reject reject_unauth_destination, permit_sasl_authenticated, reject"',
    ),
    "a port without AUTH that relays for nobody, and one for neighbours": (
        PLAIN,
        'for port in 2527 2528; do postconf -c "$CONFIG" -M "127.0.0.1:$port/inet=127.0.0.1:$port inet n - n - - smtpd '
        '-o smtpd_sasl_auth_enable=no -o smtpd_relay_restrictions=permit_mynetworks,reject -o mynetworks=127.0.0.0/8"; done',
    ),
    "neighbours in tables and files": (
        PLAIN,
        'echo 10.0.0.0/8 > "$CONFIG/nets"; echo "0.0.0.0/0 dunno" > "$CONFIG/table"; main "mynetworks=!0.0.0.0/0, $CONFIG/nets, cidr:$CONFIG/table" '
        '"smtpd_relay_restrictions=permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"',
    ),
    "an empty database outside, and the users in the jail": (CHROOT, 'rm "$DB"; sasldb init -f "$DB"; touch "$SEEN"'),
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


def test_another_conf_is_told_as_not_looked_at(postfix: FaultyPostfix) -> None:
    """A service that reads a conf of another name is told, and --app checks that conf."""
    postfix.break_by(
        'cp "$CONF" "$CONFIG/sasl/other.conf"; echo "mech_lst: PLAIN" >> "$CONFIG/sasl/other.conf"; '
        'postconf -c "$CONFIG" -M "127.0.0.1:submission/inet=127.0.0.1:submission inet n - n - - smtpd -o smtpd_sasl_path=other"'
    )
    (finding,) = check(postfix)[1]["findings"]
    assert (finding["name"], finding["severity"]) == ("conf-several", "unseen") and "--app other" in finding["why"]
    done = postfix.shell('sasldb postfix check -c "$CONFIG" --app other')
    assert b"conf-unknown-option" in done.stdout and b"smtpd reads" in done.stdout
