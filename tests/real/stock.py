"""A machine with Postfix as Debian installs it: stock main.cf and master.cf, a certificate, chrooted smtpd, port 25.

It is a set of private namespaces (see `namespace`): /etc, /run, the queue and data directories and the network are its own, and what runs in it
ends with it. The configuration is put together as the package's postinst does. Facts used (Debian 12): postfix.postinst; gsasl needs
--no-cb for SCRAM under STARTTLS; a main.cf younger than 2 seconds makes programs wait.
"""

from __future__ import annotations

import subprocess

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real.namespace import PrivateEtc

ROOT = Path(__file__).resolve().parent.parent.parent
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
HOST, DOMAIN = "mail.example.com", "example.com"
CERTIFICATE = "/etc/ssl/certs/ssl-cert-snakeoil.pem"
GSASL, SWAKS = ("PLAIN", "LOGIN", "SCRAM-SHA-256"), ("PLAIN", "LOGIN")
LOGINS = [("gsasl", name) for name in GSASL] + [("swaks", name) for name in SWAKS]

_INSTALL = f"""
set -e
mount -t tmpfs -o mode=0755 private-run /run
mount -t tmpfs -o mode=0755 private-data /var/lib/postfix
chown postfix: /var/lib/postfix
mkdir {{scratch}}/spool
cp -a /var/spool/postfix/. {{scratch}}/spool
chmod --reference=/var/spool/postfix {{scratch}}/spool
rm -f {{scratch}}/spool/pid/* {{scratch}}/spool/etc/sasldb2
mount --bind {{scratch}}/spool /var/spool/postfix
ip link set lo up
echo 127.0.0.1 {HOST} >> /etc/hosts
rm -rf /etc/sasldb2 /etc/postfix/sasl/*
cat /usr/share/postfix/main.cf.debian /usr/share/postfix/main.cf.tls > /etc/postfix/main.cf
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
mkdir -p /etc/ssl/private
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={HOST} -addext subjectAltName=DNS:{HOST},IP:127.0.0.1 \
    -keyout /etc/ssl/private/ssl-cert-snakeoil.key -out {CERTIFICATE} 2>/dev/null
postconf -e "smtpd_relay_restrictions=permit_mynetworks permit_sasl_authenticated defer_unauth_destination" \
    myhostname={HOST} "mydestination=\\$myhostname, localhost" relayhost= inet_interfaces=loopback-only inet_protocols=ipv4
"""
# Everything that a setup may touch: name, owner, group, mode and content of each file.
_STATE = """
for place in /etc/postfix /etc/sasldb2 /var/spool/postfix/etc; do
    [ ! -e $place ] || find $place -printf '%p %u:%g %m\\n' -type f -exec sha256sum {} +
done | sort
"""
_RESTORE = """
rm -rf /etc/sasldb2 /etc/postfix/sasldb* /etc/postfix/sasl/* /var/spool/postfix/etc/sasldb2 /var/spool/postfix/var
cp -a {kept}/* /etc/postfix/; touch -d '-1 minute' /etc/postfix/main.cf; postfix reload 2>/dev/null
"""
_AGE = "touch -d '-1 minute' /etc/postfix/main.cf"


class StockMachine(PrivateEtc):
    """The machine. `run` and `shell` work in it."""

    def __init__(self) -> None:
        """Install; the errors are those of PrivateEtc."""
        super().__init__(HOST, network=True)
        self.shell(_INSTALL.format(scratch=self.scratch))

    def shell(self, script: str, stdin: bytes = b"") -> str:
        """Run a script that must succeed and return what it printed; `sasldb` is this project's, all else the system's."""
        done = self.tried(script, stdin)
        assert done.returncode == 0, f"{script}: {done.returncode}: {done.stderr.decode()}"
        return done.stdout.decode()

    def tried(self, script: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a script, whatever comes of it."""
        return self.run("env", "-i", f"PATH={ROOT}/bin:{SYSTEM_PATH}", "TERM=dumb", "sh", "-c", script, stdin=stdin)

    def state(self) -> list[str]:
        """Return, line by line, everything that a setup may touch."""
        return self.shell(_STATE).splitlines()

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Put back, at the end of the block, what a setup may touch, and see that all is as it was."""
        self.age()
        before, kept = self.state(), f"{self.scratch}/kept"
        self.shell(f"mkdir -p {kept}; cp -a /etc/postfix/main.cf /etc/postfix/master.cf {kept}")
        yield
        self.shell(_RESTORE.format(kept=kept))
        assert self.state() == before

    def age(self) -> None:
        """Make main.cf old enough that nobody waits for it."""
        self.shell(_AGE)

    def login(self, client: str, mechanism: str, user: str, password: str, port: int = 25) -> int:
        """Log in under STARTTLS, the certificate checked, and return the reply: 235, 535; 0 where AUTH was not reached."""
        if client == "gsasl":
            argv = f"gsasl --smtp --starttls --no-cb --x509-ca-file {CERTIFICATE} --mechanism {mechanism}"
            argv += f" --authorization-id '' --authentication-id {user} --connect {HOST}:{port}"
            lines = self.tried(f"setsid {argv}", f"{password}\n".encode()).stdout.decode(errors="replace").splitlines()
        else:
            lines = self.swaks(f"auth {mechanism}\nauth-user {user}\nauth-password {password}\nquit-after AUTH", port)
        codes = [int(line[:3]) for line in lines if line[:3].isdigit() and line[3:4] == " "]
        return next((code for code in codes if code == 235 or code >= 400), 0)

    def swaks(self, options: str, port: int = 25, tls: bool = True) -> list[str]:
        """Let swaks speak to smtpd, and return the lines of the dialogue, without its marks."""
        secure = f"tls\ntls-verify\ntls-ca-path {CERTIFICATE}\n" if tls else ""
        text = f"server {HOST}:{port}\n{secure}{options}\n"
        script = 'umask 077; cat > "$0"; swaks --config "$0" 2>&1; rm "$0"'.replace("$0", f"{self.scratch}/swaks")
        lines = self.tried(script, text.encode()).stdout.decode(errors="replace").splitlines()
        return [line[4:] if line[:4] in ("<-  ", "<** ", " -> ", "<~  ", "<~* ", " ~> ") else line for line in lines]

    def sent(self, user: str, sender: str, password: str, port: int = 25) -> int:
        """Log in as `user` ("" for nobody), name `sender` and a foreign recipient, and return the reply to the latter."""
        login = f"auth PLAIN\nauth-user {user}\nauth-password {password}\n" if user else ""
        lines = self.swaks(f"{login}from {sender}\nto somebody@example.net\nquit-after RCPT", port)
        place = next((number for number, line in enumerate(lines) if line.startswith("RCPT TO:")), None)
        return 0 if place is None else int(lines[place + 1][:3])

    def offered(self, port: int = 25, tls: bool = True) -> list[str]:
        """Return the lines of the last answer to EHLO, without their codes."""
        lines = self.swaks("quit-after EHLO", port, tls)
        start = max((number for number, line in enumerate(lines) if line.startswith("EHLO ")), default=0)
        return [line[4:] for line in lines[start:] if line.startswith(("250-", "250 "))]
