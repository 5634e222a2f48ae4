"""Faults of how passwords are verified: methods, plug-ins, mechanisms, saslauthd."""

from __future__ import annotations

from tests.real.faults.fault import (
    CHROOT,
    FAILED,
    LATER,
    NOTHING,
    NO_VERIFIER,
    OK,
    REFUSED,
    RELOAD,
    SILENT,
    Fault,
    option,
)

UNPLUG = 'mkdir "$HOME_/p"; cp -a "$PLUGINS"/. "$HOME_/p"; cd "$HOME_/p"; rm {}; mount --bind "$HOME_/p" "$PLUGINS"'
PLUG = 'umount -l "$PLUGINS"; postfix -c "$CONFIG" reload'
SASLAUTHD = 'mkdir -m 0755 /etc/elsewhere; saslauthd -a {} -m /etc/elsewhere -n 1 >/dev/null 2>&1; option "pwcheck_method: saslauthd"; option "saslauthd_path: /etc/elsewhere/mux"'
# A database of users that has none, and that smtpd can use.
SQL = """mkdir -m 0755 /etc/elsewhere
"$PYTHON" -c 'import sqlite3; sqlite3.connect("/etc/elsewhere/sql").execute("CREATE TABLE users (name, realm, password)")'
[ "$DB" = "$SEEN" ] || cp -a /etc/elsewhere "$JAIL/etc/"
option "auxprop_plugin: sql"; option "sql_engine: sqlite3"; option "sql_database: /etc/elsewhere/sql"
option "sql_select: SELECT password FROM users WHERE name = '%u' AND realm = '%r'"
"""
SQL_USER = """"$PYTHON" -c 'import sqlite3; c = sqlite3.connect("/etc/elsewhere/sql"); c.execute("INSERT INTO users VALUES (?, ?, ?)", ("alice", "example.com", "'"$PASSWORD"'")); c.commit()'
"""

FAULTS = [
    Fault(
        "pwcheck-method",
        "pwcheck_method: saslauthd, and the users are in the sasldb",
        'option "pwcheck_method: saslauthd"',
        LATER,
        "cannot connect to saslauthd server",
        option("pwcheck_method", "auxprop"),
    ),
    Fault(
        "pwcheck-method",
        "saslauthd runs, and knows other users",
        SASLAUTHD.format("shadow"),
        REFUSED,
        FAILED,
        option("pwcheck_method", "auxprop"),
    ),
    Fault(
        "pwcheck-method",
        "a misspelt pwcheck_method",
        'option "pwcheck_method: auxprob"',
        REFUSED,
        "unknown password verifier(s) auxprob",
        option("pwcheck_method", "auxprop"),
        where=CHROOT,
    ),
    Fault(
        "pwcheck-alwaystrue",
        "pwcheck_method: alwaystrue",
        'option "pwcheck_method: auxprop alwaystrue"',
        OK,
        NOTHING,
        option("pwcheck_method", "auxprop"),
    ),
    Fault(
        "saslauthd-mechanisms",
        "mechanisms that saslauthd cannot serve",
        SASLAUTHD.format("sasldb") + '; option "sasldb_path: /etc/none"',
        REFUSED,
        "CRAM-MD5 authentication failed",
        option("mech_list", "PLAIN LOGIN"),
        mechanism="CRAM-MD5",
        after="PLAIN",
    ),
    Fault(
        "saslauthd-unreachable",
        "smtpd may not reach saslauthd's socket",
        SASLAUTHD.format("sasldb")
        + '; option "sasldb_path: /etc/none"; option "mech_list: PLAIN LOGIN"; chgrp sasl /etc/elsewhere; chmod 0710 /etc/elsewhere',
        LATER,
        "cannot connect to saslauthd server: Permission denied",
        "usermod -a -G sasl postfix && " + RELOAD,
    ),
    Fault(
        "saslauthd-unreachable",
        "smtpd may not reach saslauthd's socket in its jail",
        'mkdir -p "$JAIL/etc/elsewhere"; saslauthd -a sasldb -m "$JAIL/etc/elsewhere" -n 1 >/dev/null 2>&1; option "pwcheck_method: saslauthd"; option "saslauthd_path: /etc/elsewhere/mux"; option "sasldb_path: /etc/none"; option "mech_list: PLAIN LOGIN"; chgrp sasl "$JAIL/etc/elsewhere"; chmod 0710 "$JAIL/etc/elsewhere"',
        LATER,
        "cannot connect to saslauthd server: Permission denied",
        "usermod -a -G sasl postfix && " + RELOAD,
        where=CHROOT,
    ),
    Fault(
        "saslauthd-unreachable",
        "saslauthd's directory is root's alone",
        SASLAUTHD.format("sasldb")
        + '; option "sasldb_path: /etc/none"; option "mech_list: PLAIN LOGIN"; chmod 0700 /etc/elsewhere',
        LATER,
        "cannot connect to saslauthd server: Permission denied",
        None,
        then="chmod 0755 /etc/elsewhere",
    ),
    Fault(
        "saslauthd-unreachable",
        "saslauthd's socket is outside the jail",
        SASLAUTHD.format("sasldb") + '; option "sasldb_path: /etc/none"; option "mech_list: PLAIN LOGIN"',
        LATER,
        "cannot connect to saslauthd server: No such file or directory",
        None,
        where=CHROOT,
        then='mkdir -p "$JAIL/etc/elsewhere"; kill $(cat /etc/elsewhere/saslauthd.pid); saslauthd -a sasldb -m "$JAIL/etc/elsewhere" -n 1 >/dev/null 2>&1',
    ),
    Fault(
        "saslauthd-unreachable",
        "saslauthd does not run, and there are users in a sasldb as well",
        'option "pwcheck_method: saslauthd"; option "saslauthd_path: /etc/elsewhere/mux"; option "mech_list: PLAIN LOGIN"',
        LATER,
        "cannot connect to saslauthd server: No such file or directory",
        None,
        where=CHROOT,
        then='mkdir -p "$JAIL/etc/elsewhere"; saslauthd -a sasldb -m "$JAIL/etc/elsewhere" -n 1 >/dev/null 2>&1',
    ),
    Fault(
        "auxprop-plugin",
        "auxprop_plugin names another plug-in",
        'option "auxprop_plugin: sql"',
        REFUSED,
        NO_VERIFIER,
        option("auxprop_plugin", "sasldb"),
        where=CHROOT,
    ),
    Fault(
        "auxprop-plugin",
        "a misspelt auxprop_plugin",
        'option "auxprop_plugin: sasldb2"',
        REFUSED,
        NO_VERIFIER,
        option("auxprop_plugin", "sasldb"),
    ),
    Fault(
        "auxprop-plugin",
        "auxprop_plugin names sql, and the users are in the sasldb",
        SQL,
        REFUSED,
        FAILED,
        option("auxprop_plugin", "sasldb"),
    ),
    Fault(
        "auxprop-plugin-unset",
        "auxprop_plugin is not set",
        'sed -i /^auxprop/d "$CONF"',
        OK,
        NOTHING,
        "printf '\\n%s\\n' 'auxprop_plugin: sasldb' >> {conf} && " + RELOAD,
    ),
    Fault(
        "auxprop-plugin-unset",
        "auxprop_plugin is not set, and SQL is used beside the sasldb",
        SQL + 'sed -i /^auxprop/d "$CONF"',
        OK,
        NOTHING,
        "printf '\\n%s\\n' 'auxprop_plugin: sasldb sql' >> {conf} && " + RELOAD,
        where=CHROOT,
    ),
    Fault(
        "sasldb-plugin",
        "the sasldb plug-in is not installed",
        UNPLUG.format("libsasldb.so*"),
        REFUSED,
        NO_VERIFIER,
        "apt-get install libsasl2-modules-db",
        then=PLUG,
        where=CHROOT,
    ),
    Fault(
        "mechanism-plugin",
        "mechanism plug-ins are not installed",
        UNPLUG.format("libplain.so* liblogin.so*"),
        REFUSED,
        "Couldn't find mech PLAIN",
        "apt-get install libsasl2-modules",
        then=PLUG,
    ),
    Fault(
        "mechanism-unknown",
        "a misspelt mechanism",
        'option "mech_list: CRAMMD5 PLAIN"',
        REFUSED,
        "Couldn't find mech CRAM-MD5",
        option("mech_list", "CRAM-MD5 PLAIN"),
        mechanism="CRAM-MD5",
    ),
    Fault(
        "mechanism-unknown",
        "no mechanism but a misspelt one, and PLAIN would be offered in the clear",
        'main smtpd_tls_auth_only=no; option "mech_list: PLAIM"',
        SILENT,
        "no SASL authentication mechanisms",
        "postconf -c {config} -e 'smtpd_tls_auth_only = yes' && " + option("mech_list", "PLAIN"),
    ),
    Fault(
        "mechanism-unservable",
        "a mechanism that what is stored cannot serve",
        'printf %s "$PASSWORD" | saslpasswd2 -p -c -n -u example.com alice',
        REFUSED,
        "CRAM-MD5 authentication failed",
        option("mech_list", "PLAIN LOGIN SCRAM-SHA-256"),
        mechanism="CRAM-MD5",
        after="PLAIN",
    ),
    Fault(
        "mechanism-unservable",
        "mechanisms for which no sasldb has anything",
        'option "mech_list: GSSAPI GS2-KRB5 KERBEROS_V4 EXTERNAL PLAIN"',
        OK,
        NOTHING,
        option("mech_list", "PLAIN"),
        where=CHROOT,
    ),
    Fault(
        "mechanism-unservable",
        "no mechanism but one for which no sasldb has anything",
        'option "mech_list: GSSAPI"',
        SILENT,
        "no SASL authentication mechanisms",
        option("mech_list", "PLAIN LOGIN"),
    ),
    Fault(
        "mechanism-unservable",
        "OTP offered to who has no one-time passwords",
        'saslpasswd2 -d -u example.com alice; mkdir /etc/elsewhere; echo "mech_list: PLAIN" > /etc/elsewhere/saslpasswd.conf; printf %s "$PASSWORD" | SASL_CONF_PATH=/etc/elsewhere saslpasswd2 -p -c -u example.com alice; chmod 0660 "$DB"; cp -a "$DB" "$SEEN"; option "mech_list: PLAIN OTP"',
        OK,
        NOTHING,
        option("mech_list", "PLAIN"),
        where=CHROOT,
    ),
]
