"""The faults that are injected into a working Postfix, one at a time: how, what smtpd logs, what `sasldb postfix check` says.

From the failures that users report. The docs have the same table (docs/authentication-failed.md), and tests hold them together.
"""

from __future__ import annotations

RELOAD = "postfix -c {config} reload"
NOTHING = ""
DENIED = "unable to open Berkeley db /etc/sasldb2: Permission denied"
INVALID = "unable to open Berkeley db /etc/sasldb2: Invalid argument"
FAILED = "SASL PLAIN authentication failed: authentication failure"
NO_VERIFIER = "unknown password verifier(s) auxprop"
MALFORMED = "SASL per-process initialization failed: error when parsing configuration file"
NONE_LEFT = "no applicable SASL mechanisms"
OK, SILENT, LATER, REFUSED = 235, 0, 454, 535  # replies to AUTH; SILENT: AUTH is not offered, or nobody answers
PLAIN, CHROOT = "plain", "chroot"  # where a fault is injected


class Fault:
    """One fault.

    Attributes:
        name: that of the check that finds it. title: for people. inject: a shell script (see `faulty`).
        code: what a login then comes to. logs: words of smtpd's log then; NOTHING: it logs no warning and no error.
        remedy: the exact command, with {config}, {conf}, {seen} and {jail} for what differs; None where no command can mend it.
        then: a script for what only the administrator can do after it. where: PLAIN or CHROOT.
        mechanism, after: what the login is tried with before and after the remedy.
        relays: what relaying comes to while the fault is there, as (whoever logged in, stranger), where that is the point.
    """

    def __init__(
        self, name: str, title: str, inject: str, code: int, logs: str, remedy: str | None, **more: object
    ) -> None:
        self.name, self.title, self.inject = name, title, inject
        self.code, self.logs, self.remedy = code, logs, remedy
        self.where = str(more.pop("where", PLAIN))
        self.then = str(more.pop("then", ""))
        self.mechanism = str(more.pop("mechanism", "PLAIN"))
        self.after = str(more.pop("after", self.mechanism))
        self.reload = bool(more.pop("reload", True))
        self.relays = more.pop("relays", None)
        assert not more, more

    def __repr__(self) -> str:
        return f"{self.name}: {self.title}"


def main(setting: str) -> str:
    """Return the remedy that sets a parameter of main.cf."""
    return f"postconf -c {{config}} -e '{setting}' && {RELOAD}"


def sed(*scripts: str) -> str:
    """Return the remedy that edits smtpd.conf."""
    return f"sed -i --follow-symlinks {' '.join(scripts)} {{conf}} && {RELOAD}"


def option(key: str, value: str) -> str:
    """Return the remedy that sets an option of smtpd.conf."""
    return sed(f"'s|^[ \\t]*{key}[ \\t]*:.*|{key}: {value}|I'")


NEW_USER = 'printf %s "$PASSWORD" | saslpasswd2 -p -c -f "$SEEN" -u example.com alice'
PRIVATE = "chown root:postfix {seen} && chmod 0640 {seen}"
GOOD_CONF = (
    "printf '%s\\n' 'pwcheck_method: auxprop' 'auxprop_plugin: sasldb' 'mech_list: PLAIN LOGIN SCRAM-SHA-256' > {conf}"
)
RELAY = "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
UNPLUG = 'mkdir "$HOME_/p"; cp -a "$PLUGINS"/. "$HOME_/p"; cd "$HOME_/p"; rm {}; mount --bind "$HOME_/p" "$PLUGINS"'
PLUG = 'umount -l "$PLUGINS"; postfix -c "$CONFIG" reload'
SASLAUTHD = 'mkdir -m 0755 /etc/elsewhere; saslauthd -a {} -m /etc/elsewhere -n 1 >/dev/null 2>&1; option "pwcheck_method: saslauthd"; option "saslauthd_path: /etc/elsewhere/mux"'
OWNERS = 'echo "a@example.com {}@example.com" > "$CONFIG/owners"; '
CLIENT = 'echo "[mail.example.net] u:p" > "$CONFIG/sasl_passwd"; main smtp_sasl_auth_enable=yes "smtp_sasl_password_maps=$TYPE:$CONFIG/sasl_passwd"; '
LENIENT = "main smtp_sasl_tls_security_options=noanonymous; "

POSTFIX_FAULTS = [
    Fault(
        "main-cf",
        "a line of main.cf that does not parse",
        'postfix -c "$CONFIG" stop; sleep 0.2; : > "$HOME_/maillog"; echo junk >> "$CONFIG/main.cf"',
        SILENT,
        NOTHING,
        "sed -i {last}'s/^/#/' {config}/main.cf",
        then='postfix -c "$CONFIG" start',
        reload=False,
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
        "sasl-type",
        "smtpd asks Dovecot",
        "main smtpd_sasl_type=dovecot",
        SILENT,
        "SASL: Connect to Dovecot auth socket 'smtpd' failed",
        main("smtpd_sasl_type = cyrus"),
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
        "relay-refused",
        "restrictions refuse who has logged in",
        "main smtpd_relay_restrictions=reject_unauth_destination",
        OK,
        "Relay access denied",
        main("smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination"),
        relays=(554, 554),
    ),
    Fault(
        "relay-unprotected",
        "nothing protects from relaying",
        "main smtpd_relay_restrictions=permit",
        SILENT,
        "specify at least one working instance of",
        main("smtpd_relay_restrictions = " + RELAY),
    ),
]
CONF_FAULTS = [
    Fault(
        "conf-elsewhere",
        "smtpd.conf lies where this smtpd does not look",
        'mv "$DB" /etc/elsewhere; option "sasldb_path: /etc/elsewhere"; mkdir -p /etc/sasl2; mv "$CONF" /etc/sasl2/smtpd.conf',
        REFUSED,
        FAILED,
        "install -D -o root -g root -m 0644 /etc/sasl2/smtpd.conf {conf} && " + RELOAD,
    ),
    Fault(
        "conf-elsewhere",
        "cyrus_sasl_config_path, which Debian's smtpd ignores",
        'mkdir "$CONFIG/mine"; mv "$CONF" "$CONFIG/mine/"; main "cyrus_sasl_config_path = $CONFIG/mine"; : > "$SEEN"',
        LATER,
        INVALID,
        "install -D -o root -g root -m 0644 {config}/mine/smtpd.conf {conf} && " + RELOAD,
        then='cp -a "$DB" "$SEEN"',
        where=CHROOT,
    ),
    Fault(
        "conf-missing",
        "no smtpd.conf",
        'rm "$CONF"',
        OK,
        NOTHING,
        "mkdir -p {config}/sasl && " + GOOD_CONF + " && " + RELOAD,
    ),
    Fault(
        "conf-missing",
        "smtpd.conf is a link to nothing",
        'ln -sf /etc/nowhere "$CONF"',
        OK,
        NOTHING,
        "mv {conf} {conf}.broken && " + GOOD_CONF + " && " + RELOAD,
        where=CHROOT,
    ),
    Fault(
        "conf-unreadable",
        "smtpd.conf is a directory",
        'rm "$CONF"; mkdir "$CONF"',
        OK,
        NOTHING,
        "mv {conf} {conf}.broken && " + GOOD_CONF + " && " + RELOAD,
    ),
    Fault(
        "conf-malformed",
        "a line without a colon",
        "sed -i '1s/:/ /' \"$CONF\"",
        SILENT,
        MALFORMED,
        sed("-e '1s/^[ \\t]*\\([A-Za-z_-]*\\)[ \\t=]*:*[ \\t=]*/\\1: /'"),
    ),
    Fault(
        "conf-malformed",
        "a byte order mark",
        "sed -i '1s/^/\\xef\\xbb\\xbf/' \"$CONF\"",
        SILENT,
        MALFORMED,
        sed("-e '1s/^\\xef\\xbb\\xbf//'"),
        where=CHROOT,
    ),
    Fault(
        "conf-quoted",
        "quotes around a value",
        "option 'sasldb_path: \"/etc/sasldb2\"'",
        REFUSED,
        FAILED,
        sed("-e '4s/[ \\t]#.*//'", "-e '4s/[\"'\"'\"']//g'"),
    ),
    Fault(
        "conf-quoted",
        "a comment behind a value",
        "option 'pwcheck_method: auxprop # not saslauthd'",
        OK,
        NOTHING,
        sed("-e '4s/[ \\t]#.*//'", "-e '4s/[\"'\"'\"']//g'"),
        where=CHROOT,
    ),
    Fault(
        "conf-doubled",
        "an option twice",
        "sed -i '1i pwcheck_method: saslauthd' \"$CONF\"",
        LATER,
        "cannot connect to saslauthd server: No such file or directory",
        sed("-e 1d"),
        where=CHROOT,
    ),
    Fault(
        "conf-unknown-option",
        "a misspelt option",
        'mv "$DB" /etc/elsewhere; sed -i \'s|^sasldb_path.*|sasldb-path: /etc/elsewhere|\' "$CONF"',
        REFUSED,
        FAILED,
        sed("-e '4s/^[^:]*:/sasldb_path:/'"),
    ),
    Fault(
        "conf-second",
        "a second smtpd.conf, which is not read",
        "mkdir -p /etc/sasl2; echo 'pwcheck_method: saslauthd' > /etc/sasl2/smtpd.conf",
        OK,
        NOTHING,
        "mv /etc/sasl2/smtpd.conf /etc/sasl2/smtpd.conf.unread && ln -s {conf} /etc/sasl2/smtpd.conf",
    ),
    Fault(
        "conf-exposed",
        "a password in a conf that everybody may read",
        "echo 'sql_passwd: secret' >> \"$CONF\"",
        OK,
        NOTHING,
        "chown root:root {conf} && chmod 0600 {conf}",
    ),
]
METHOD_FAULTS = [
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
        "saslauthd's socket is outside the jail",
        SASLAUTHD.format("sasldb") + '; option "sasldb_path: /etc/none"; option "mech_list: PLAIN LOGIN"',
        LATER,
        "cannot connect to saslauthd server: No such file or directory",
        None,
        where=CHROOT,
        then='mkdir -p "$JAIL/etc/elsewhere"; kill $(cat /etc/elsewhere/saslauthd.pid); saslauthd -a sasldb -m "$JAIL/etc/elsewhere" -n 1 >/dev/null 2>&1',
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
        "auxprop-plugin-unset",
        "auxprop_plugin is not set",
        'sed -i /^auxprop/d "$CONF"',
        OK,
        NOTHING,
        "printf '\\n%s\\n' 'auxprop_plugin: sasldb' >> {conf} && " + RELOAD,
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
        "OTP offered to who has no one-time passwords",
        'saslpasswd2 -d -u example.com alice; mkdir /etc/elsewhere; echo "mech_list: PLAIN" > /etc/elsewhere/saslpasswd.conf; printf %s "$PASSWORD" | SASL_CONF_PATH=/etc/elsewhere saslpasswd2 -p -c -u example.com alice; chmod 0660 "$DB"; cp -a "$DB" "$SEEN"; option "mech_list: PLAIN OTP"',
        OK,
        NOTHING,
        option("mech_list", "PLAIN"),
        where=CHROOT,
    ),
]
DATABASE_FAULTS = [
    Fault("database-unreadable", "the database is root's alone", 'chown root:root "$DB"', LATER, DENIED, PRIVATE),
    Fault(
        "database-unreadable",
        "the copy in the jail is root's alone",
        'chown root:root "$SEEN"; chmod 0600 "$SEEN"',
        LATER,
        DENIED,
        PRIVATE,
        where=CHROOT,
    ),
    Fault(
        "database-exposed",
        "everybody may read the database",
        'chown root:root "$DB"; chmod 0644 "$DB"',
        OK,
        NOTHING,
        PRIVATE,
    ),
    Fault("database-owner", "the database is not root's", 'chown postfix "$DB"', OK, NOTHING, PRIVATE),
    Fault(
        "database-directory",
        "a directory above does not let smtpd through",
        'mkdir -m 0700 /etc/elsewhere; mv "$DB" /etc/elsewhere/; option "sasldb_path: /etc/elsewhere/sasldb2"',
        LATER,
        "unable to open Berkeley db /etc/elsewhere/sasldb2: Permission denied",
        "chgrp postfix /etc/elsewhere && chmod g+x /etc/elsewhere",
    ),
    Fault(
        "database-directory",
        "a directory in the jail does not let smtpd through",
        'chmod 0700 "$JAIL/etc"',
        LATER,
        DENIED,
        "chgrp postfix {jail}/etc && chmod g+x {jail}/etc",
        where=CHROOT,
    ),
    Fault(
        "database-directory-open",
        "others may put a file in its place",
        'mkdir /etc/elsewhere; chmod 0777 /etc/elsewhere; mv "$DB" /etc/elsewhere/; option "sasldb_path: /etc/elsewhere/sasldb2"',
        OK,
        NOTHING,
        "chown root /etc/elsewhere && chmod go-w /etc/elsewhere",
    ),
    Fault(
        "chroot-path",
        "sasldb_path names the jail from outside",
        'option "sasldb_path: $SEEN"',
        REFUSED,
        FAILED,
        option("sasldb_path", "/etc/sasldb2"),
        where=CHROOT,
    ),
    Fault(
        "chroot-copy-missing",
        "smtpd is chrooted, and the database was not copied",
        'rm "$SEEN"',
        REFUSED,
        FAILED,
        "install -D -o root -g postfix -m 0640 /etc/sasldb2 {seen}",
        where=CHROOT,
    ),
    Fault(
        "chroot-copy-missing",
        "in the jail is a link that leads nowhere there",
        'rm "$SEEN"; ln -s /srv/sasldb2 "$SEEN"',
        REFUSED,
        FAILED,
        "rm {seen} && install -D -o root -g postfix -m 0640 /etc/sasldb2 {seen}",
        where=CHROOT,
    ),
    Fault(
        "chroot-copy-stale",
        "the copy in the jail is older than the password",
        'printf old | saslpasswd2 -p -f "$SEEN" -u example.com alice; touch "$DB"',
        REFUSED,
        FAILED,
        "install -D -o root -g postfix -m 0640 /etc/sasldb2 {seen}",
        where=CHROOT,
    ),
    Fault(
        "chroot-copy-stale",
        "the copy in the jail was changed, and not the database",
        'printf new | saslpasswd2 -p -f "$SEEN" -u example.com alice',
        REFUSED,
        FAILED,
        None,
        then='cp -a "$DB" "$SEEN"',
        where=CHROOT,
    ),
    Fault(
        "database-elsewhere",
        "the users are in another database",
        'option "sasldb_path: /etc/sasl2/sasldb2"',
        REFUSED,
        FAILED,
        option("sasldb_path", "/etc/sasldb2"),
    ),
    Fault("database-missing", "no database", 'rm "$DB"', REFUSED, FAILED, "sasldb init -f /etc/sasldb2", then=NEW_USER),
    Fault(
        "database-empty",
        "the database has zero bytes",
        ': > "$DB"',
        LATER,
        INVALID,
        "sasldb init -f /etc/sasldb2",
        then=NEW_USER,
    ),
    Fault(
        "database-format",
        "the database is a text",
        'echo alice:secret > "$DB"',
        LATER,
        INVALID,
        "mv {seen} {seen}.not-usable && sasldb init -f {seen} && " + PRIVATE,
        then=NEW_USER,
    ),
    Fault(
        "database-format",
        "the database is of another library (GDBM)",
        "printf '\\316\\232\\127\\023%4096s' '' > \"$DB\"",
        LATER,
        INVALID,
        "mv {seen} {seen}.not-usable && sasldb init -f {seen} && " + PRIVATE,
        then=NEW_USER,
    ),
    Fault(
        "database-damaged",
        "the database is damaged",
        'head -c 8192 /dev/zero | tr "\\0" "\\377" | dd of="$DB" bs=1 seek=4096 conv=notrunc 2>/dev/null',
        LATER,
        "error fetching from sasldb: BDB0087 DB_RUNRECOVERY",
        "mv {seen} {seen}.damaged && sasldb init -f {seen} && " + PRIVATE,
        then=NEW_USER,
    ),
    Fault(
        "database-no-users",
        "the database has no users",
        'rm "$DB"; sasldb init -f "$DB"',
        REFUSED,
        FAILED,
        None,
        then=NEW_USER,
    ),
    Fault(
        "database-read-only",
        "a new secret shall be stored at login, and smtpd may not write",
        'option "auto_transition: yes"',
        OK,
        NOTHING,
        "chmod 0660 {seen}",
    ),
]
USER_FAULTS = [
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
        "sender-login-owner",
        "an owner of an address who is no user",
        OWNERS.format("carol")
        + 'main "smtpd_sender_login_maps=texthash:$CONFIG/owners" smtpd_sender_restrictions=reject_sender_login_mismatch',
        OK,
        NOTHING,
        None,
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
        main("smtpd_sender_restrictions = reject_sender_login_mismatch"),
    ),
]
SECURITY_FAULTS = [
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
        main("smtpd_relay_restrictions = " + RELAY),
        relays=(250, 250),
        where=CHROOT,
    ),
    Fault(
        "networks-too-wide",
        "everybody is in mynetworks",
        'main "mynetworks=10.0.0.0/8, 0.0.0.0/0" "smtpd_relay_restrictions=permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"',
        OK,
        NOTHING,
        main("mynetworks = 10.0.0.0/8"),
        relays=(250, 250),
        where=CHROOT,
    ),
]
OTHER_FAULTS = [
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
FAULTS = [
    *POSTFIX_FAULTS,
    *CONF_FAULTS,
    *METHOD_FAULTS,
    *DATABASE_FAULTS,
    *USER_FAULTS,
    *SECURITY_FAULTS,
    *OTHER_FAULTS,
]
