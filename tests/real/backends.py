"""The servers that passwords are checked by where there is no sasldb, on a stock machine: saslauthd, an IMAP server, a directory, PostgreSQL.

Each is the distribution's own, listens on the machine's loopback, or on a socket of the machine, and ends with it or before. All of them know the user `alice`.
Facts used (Debian 12): slapd of package slapd with a slapd.conf, its directory made by slapadd; Dovecot holds its standard error open,
and lets who failed wait unless the socket for that has mode 0; pam_unix waits 2 seconds after a wrong password unless told `nodelay`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.real.stock import DOMAIN, StockMachine

PASSWORD = "wonder land:7"
ALICE = f"alice@{DOMAIN}"
SECRET = "white rabbit:9"  # of Postfix itself, at the directory and at the SQL server
JAIL = "/var/spool/postfix"
MUX = f"{JAIL}/var/run/saslauthd"  # where a chrooted smtpd looks for /var/run/saslauthd
LDAPI = "/var/run/slapd/ldapi"  # as a chrooted smtpd sees it

_PASSWD = """
echo alice:x:9999:9999::/nonexistent:/usr/sbin/nologin >> /etc/passwd
echo alice:$(openssl passwd -6 -stdin):19000:0:99999:7::: >> /etc/shadow
printf 'auth required pam_unix.so nodelay\\naccount required pam_unix.so\\n' > /etc/pam.d/smtp
"""
_NO_PASSWD = "sed -i /^alice:/d /etc/passwd /etc/shadow; rm /etc/pam.d/smtp"

_DOVECOT = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/log
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
mail_location = maildir:{home}/mail/%u
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid=dovenull gid=dovenull home={home}/mail/%u
}}
"""

SLAPD = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile @home@/pid
password-hash {CLEARTEXT}
authz-policy to
authz-regexp uid=([^,]*),cn=[^,]*,cn=auth ldap:///dc=example,dc=com??sub?(|(uid=$1)(mail=$1))
authz-regexp gidNumber=@gid@.uidNumber=@uid@,cn=peercred,cn=external,cn=auth uid=postfix,ou=services,dc=example,dc=com
access to attrs=userPassword by self read by anonymous auth
access to * by * read
database mdb
suffix dc=example,dc=com
directory @home@/db
"""
LDIF = f"""\
dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=services,dc=example,dc=com
objectClass: organizationalUnit
ou: services

dn: uid=postfix,ou=services,dc=example,dc=com
objectClass: account
objectClass: simpleSecurityObject
uid: postfix
userPassword: {SECRET}
authzTo: dn.regex:uid=[^,]*,ou=people,dc=example,dc=com

dn: uid=alice,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: alice
cn: Alice
sn: Liddell
mail: {ALICE}
userPassword: {PASSWORD}
"""

_POSTGRES = """
cd {home}; chown postgres .; PATH=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1):$PATH
install -m 600 -o postgres /dev/stdin pw
as() {{ setpriv --reuid postgres --regid postgres --clear-groups "$@"; }}
as initdb -D db -U postfix --pwfile pw -A scram-sha-256 --no-sync -E UTF8 --locale C > log
options="-F -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c dynamic_shared_memory_type=mmap"
as pg_ctl -D db -w -l log2 -o "$options" start > log
"""
_TABLE = f"""
create table users (name text, realm text, password text);
insert into users values ('alice', '{DOMAIN}', '{PASSWORD}');
"""


@contextmanager
def saslauthd(machine: StockMachine, options: str) -> Iterator[None]:
    """Let saslauthd run with `options`, as `-a pam`, where smtpd reaches it in its chroot."""
    machine.shell(f"mkdir -p {MUX}; chgrp postfix {MUX}; chmod 750 {MUX}; saslauthd {options} -m {MUX} -n 1")
    try:
        yield
    finally:
        machine.shell(f"{_ended(f'$(cat {MUX}/saslauthd.pid)')}; rm -r {JAIL}/var")


def saslauthd_anew(machine: StockMachine, options: str) -> None:
    """Let the saslauthd that runs end, and another one take its place."""
    machine.shell(f"{_ended(f'$(cat {MUX}/saslauthd.pid)')}; saslauthd {options} -m {MUX} -n 1")


@contextmanager
def system_user(machine: StockMachine) -> Iterator[None]:
    """Let `alice` be a user of the system, whom PAM lets use the service `smtp`."""
    machine.shell(_PASSWD, PASSWORD.encode())
    try:
        yield
    finally:
        machine.shell(_NO_PASSWD)


@contextmanager
def imap_server(machine: StockMachine, more: str = "") -> Iterator[None]:
    """Let Dovecot run on port 143, where ALICE logs in by that name, and `bob` by a name without a realm; `more` is for its conf."""
    home = _home(machine, "dovecot")
    user = f"printf '%s:{{PLAIN.b64}}%s\\n' $user $(printf %s '{PASSWORD}' | base64)"
    machine.shell(f"mkdir -m 777 {home}/mail; for user in {ALICE} bob; do {user}; done > {home}/users")
    machine.shell(f"cat > {home}/conf", (_DOVECOT.format(home=home) + more).encode())
    machine.shell(f"dovecot -c {home}/conf > {home}/out 2>&1")
    try:
        yield
    finally:
        machine.shell(f"{_ended(f'$(cat {home}/run/master.pid)')}; rm -r {home}")


@contextmanager
def directory(machine: StockMachine) -> Iterator[str]:
    """Let slapd run on port 389, and at two sockets; yield that outside of the jail. The other is LDAPI inside."""
    home = _home(machine, "slapd")
    uid, gid = machine.shell("id -u postfix; id -g postfix").split()
    machine.shell(f"mkdir -p {home}/db {JAIL}{LDAPI.rpartition('/')[0]}")
    conf = SLAPD.replace("@home@", home).replace("@uid@", uid).replace("@gid@", gid)
    machine.shell(f"cat > {home}/slapd.conf", conf.encode())
    machine.shell(f"slapadd -f {home}/slapd.conf", LDIF.encode())
    sockets = [f"ldapi://{path.replace('/', '%2F')}" for path in (f"{home}/ldapi", JAIL + LDAPI)]
    machine.shell(f"slapd -f {home}/slapd.conf -s 0 -h 'ldap://127.0.0.1 {' '.join(sockets)}'")
    try:
        yield f"{home}/ldapi"
    finally:
        machine.shell(f"{_ended(f'$(cat {home}/pid)')}; rm -r {home} {JAIL}/var")


@contextmanager
def sql_server(machine: StockMachine) -> Iterator[str]:
    """Let PostgreSQL run on port 5432 with a table of users in the database `postgres`; yield the directory of its socket."""
    home = _home(machine, "postgres")
    machine.shell(_POSTGRES.format(home=home), SECRET.encode())
    machine.shell(f"PGPASSWORD='{SECRET}' psql -q -h 127.0.0.1 -U postfix postgres", _TABLE.encode())
    try:
        yield home
    finally:
        machine.shell(f"{_ended(f'$(head -n 1 {home}/db/postmaster.pid)', 'INT')}; rm -r {home}")


def _home(machine: StockMachine, name: str) -> str:
    """Make a directory for a server, and return its path on the machine."""
    home = f"{machine.scratch}/{name}"
    machine.shell(f"mkdir -m 755 {home}")
    return home


def _ended(process: str, signal: str = "TERM") -> str:
    """Return the words of a shell that end a server and wait until it has ended; `process` is its number, in words of a shell."""
    return f"pid={process}; kill -{signal} $pid; while kill -0 $pid; do sleep 0.02; done 2>&-"
