"""A Postfix as an administrator has it, to break on purpose: SMTP AUTH under TLS, a database at /etc/sasldb2, plain or chrooted.

It runs in a private mount namespace (see `namespace`), so that /etc and the plug-in directory may be broken too; its configuration and
queue are a temporary directory, as in `postfix`. `break_by` puts all back as it was, and then runs a shell script inside. Scripts have
$CONFIG (Postfix's configuration directory), $CONF (smtpd.conf), $DB (the administrator's database), $SEEN (the one that smtpd
opens), $JAIL (the queue directory) and $PLUGINS (libsasl's plug-in directory), and the functions `main` (postconf -e) and `option`
(a line of $CONF, put in place of the one of that name) and `greet` (talk to smtpd, so that one is running).
"""

from __future__ import annotations

import os
import shutil
import smtplib
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.real.namespace import PrivateEtc
from tests.real.postfix import _MAIN as MAIN
from tests.real.postfix import _MASTER as MASTER
from tests.real.postfix import REALM, _free_port

USER, PASSWORD = "alice", "correct horse"
NO_ANSWER = 0
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

_TLS = """\
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {home}/config/cert.pem
smtpd_tls_key_file = {home}/config/key.pem
smtp_tls_security_level = may
service_throttle_time = 1s
smtpd_client_event_limit_exceptions = static:all
"""
_TLSMGR = "tlsmgr unix - - n 1000? 1 tlsmgr\n"
_SMTPD = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256
sasldb_path: /etc/sasldb2
"""
_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=mail.example.com -days 2"
)

LAST_LINE = len((MAIN + _TLS).splitlines()) + 1  # number of a line that is added to main.cf
# Everything as it was: what is good lies in $HOME_/good.
_RESTORE = """
umount -l "$PLUGINS" 2>/dev/null
[ ! -e /etc/elsewhere/saslauthd.pid ] || kill $(cat /etc/elsewhere/saslauthd.pid)
[ ! -e "$JAIL/etc/elsewhere/saslauthd.pid" ] || kill $(cat "$JAIL/etc/elsewhere/saslauthd.pid")
cp -a "$HOME_/good/group" "$HOME_/good/gshadow" /etc/
rm -rf "$HOME_/p" "$HOME_/old" "$HOME_/new" "$JAIL/etc" /etc/sasldb2* /etc/sasl2/smtpd.conf* /etc/elsewhere
cp -a "$HOME_/good/config" "$HOME_/new"
[ ! -e "$CONFIG" ] || mv "$CONFIG" "$HOME_/old"
mv "$HOME_/new" "$CONFIG"
cp -a "$HOME_/good/sasldb2" /etc/sasldb2
[ "$DB" = "$SEEN" ] || { mkdir -m 0755 "$JAIL/etc" && cp -a "$HOME_/good/sasldb2" "$SEEN"; }
: > "$HOME_/maillog"
"""
# A reload has begun when it returns, and an smtpd from before may take one client more: wait until they are gone.
_BEFORE = "OLD=$(pidof smtpd); "
_GONE = """
for process in $OLD; do
    for turn in $(seq 150); do [ -e /proc/$process ] || break; sleep 0.02; done
done
"""
_FUNCTIONS = """
main() { for setting; do postconf -c "$CONFIG" -e "$setting" 2>/dev/null; done; }
option() { sed -i "/^${1%%:*}:/d" "$CONF"; printf '%s\\n' "$1" >> "$CONF"; }
greet() { "$PYTHON" -c "import smtplib; smtplib.SMTP('127.0.0.1', $PORT, timeout=10).ehlo()"; }
set -e
"""
# An old main.cf, for Postfix waits two seconds after a change. A reload may wedge: master logs to a socket that only postlogd
# empties, which only master can start, and ten messages fill it (net.unix.max_dgram_qlen). Then Postfix is started anew.
_SETTLE = """
set +e
touch -d '1 minute ago' "$CONFIG"/*.cf
timeout 10 postfix -c "$CONFIG" reload >/dev/null 2>&1 || {
    kill -9 $(cat "$JAIL/pid/master.pid") 2>/dev/null
    timeout 10 postfix -c "$CONFIG" start >/dev/null 2>&1
}
"""
_TOUCH = "touch -d '1 minute ago' \"$CONFIG\"/*.cf"


class FaultyPostfix:
    """A context manager. Attributes: `home` (Path), `config`, `conf`, `database`, `seen`, `jail` as in the scripts (text), `port`."""

    def __init__(self, chroot: bool, path: str, name: str = "postfix") -> None:
        """Make it and start it; `path` is a directory with this project's commands, put into PATH. `name` ends that of its directory."""
        self.chroot = chroot
        self.etc = PrivateEtc("vm.example.com")
        self.home = Path(f"{self.etc.scratch}-{name}")
        self.port = _free_port()
        self.config, self.jail = str(self.home / "config"), str(self.home / "queue")
        self.conf = f"{self.config}/sasl/smtpd.conf"
        self.database = "/etc/sasldb2"
        self.seen = self.jail + self.database if chroot else self.database
        self.plugins = os.path.realpath(next(Path("/usr/lib").glob("*/sasl2/libplain.so")).parent)
        self._environment = {
            **{"CONFIG": self.config, "CONF": self.conf, "DB": self.database, "SEEN": self.seen, "JAIL": self.jail},
            **{"PLUGINS": str(self.plugins), "HOME_": str(self.home), "PATH": f"{path}:{_PATH}", "LC_ALL": "C.UTF-8"},
            **{"PASSWORD": PASSWORD, "PORT": str(self.port), "PYTHON": sys.executable},
        }

    def __enter__(self) -> FaultyPostfix:
        # What runs inside dies with the test process; this one then removes the directory.
        argv = ["sh", "-c", 'cat >/dev/null; rm -rf "$1"', "sh", str(self.home)]
        self._keeper = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)
        try:
            self._prepare()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _prepare(self) -> None:
        for name in ("good/config/sasl", "queue", "data"):
            (self.home / name).mkdir(parents=True)
        self.home.chmod(0o711)
        shutil.chown(self.home / "data", "postfix")
        good = self.home / "good/config"
        argv = [*_CERTIFICATE.split(), "-keyout", str(good / "key.pem"), "-out", str(good / "cert.pem")]
        subprocess.run(argv, capture_output=True, check=True, timeout=30)
        (good / "main.cf").write_text((MAIN + _TLS).format(home=self.home, realm=REALM))
        (good / "master.cf").write_text(MASTER.format(port=self.port, chroot="y" if self.chroot else "n") + _TLSMGR)
        (good / "sasl/smtpd.conf").write_text(_SMTPD)
        make = f'rm -f /etc/sasldb2; saslpasswd2 -p -c -u {REALM} {USER}; chown root:postfix /etc/sasldb2; cp -a /etc/sasldb2 /etc/group /etc/gshadow "$HOME_/good/"'
        self._must(self.shell(make, stdin=PASSWORD.encode()))
        self.break_by(":")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shell('timeout 10 postfix -c "$CONFIG" abort')
        self.etc.__exit__(kind, error, trace)
        self._keeper.communicate(timeout=30)

    def shell(self, script: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
        """Run a script of sh inside, as root."""
        pairs = [f"{name}={value}" for name, value in {**self._environment, **environment}.items()]
        return self.etc.run("env", "-i", *pairs, "sh", "-c", script, stdin=stdin)

    def break_by(self, script: str, reload: bool = True) -> None:
        """Put everything back as it was, run `script`, and make Postfix read it all again, but for `reload` false."""
        if reload:
            self._must(self.shell(_BEFORE + _RESTORE + _FUNCTIONS + script + _SETTLE + _GONE))
        else:  # all is well, until the script itself does something
            self.break_by(":")
            self._must(self.shell(_BEFORE + _FUNCTIONS + script + "\n" + _TOUCH))

    def mend(self, script: str) -> str:
        """Run what shall mend it, and return what it complains of: "" where it works."""
        done = self.shell(f"{_BEFORE}\n{{ {script}\n}} || exit\n" + (_GONE if "reload" in script else ""))
        return done.stderr.decode(errors="replace") or f"exit status {done.returncode}" if done.returncode else ""

    def login(self, mechanism: str = "PLAIN", user: str = USER, patience: float = 10.0) -> int:
        """Log in under STARTTLS with gsasl, and return the reply code to AUTH; NO_ANSWER where it never came to AUTH."""
        argv = ["gsasl", "--smtp", "--x509-ca-file=", "--no-cb", "--mechanism", mechanism, "--authorization-id", ""]
        argv += ["--authentication-id", user, "--connect", f"127.0.0.1:{self.port}"]
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            shown, _ = process.communicate(f"{PASSWORD}\n".encode(), timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
            shown, _ = process.communicate()
        lines = shown.decode(errors="replace").partition("AUTH ")[2].splitlines()
        codes = [int(line[:3]) for line in lines if line[:3].isdigit() and line[3:4] == " "]
        return next((code for code in codes if code == 235 or code >= 400), NO_ANSWER)

    def in_clear(self) -> set[str]:
        """Return the mechanisms that smtpd offers without TLS; none where nobody answers."""
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
                client.ehlo()
                return set(client.esmtp_features.get("auth", "").split())
        except OSError:
            return set()

    def relay(self, user: str = "", sender: str = "a@example.com") -> int:
        """Offer mail of `sender` for a foreign domain, after a login as `user` if there is one, and return the reply to the recipient."""
        login = f"auth PLAIN\nauth-user {user}\nauth-password {PASSWORD}\n" if user else ""
        options = f"server 127.0.0.1:{self.port}\ntls\nfrom {sender}\nto b@example.net\nquit-after RCPT\n{login}"
        path = self.home / "swaksrc"
        path.touch(0o600)
        path.write_text(options)
        done = subprocess.run(
            ["swaks", "--config", path], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
        )
        lines = (done.stdout + done.stderr).decode(errors="replace").splitlines()
        at = next((n for n, line in enumerate(lines) if "RCPT TO:" in line), None)
        return NO_ANSWER if at is None else int(lines[at + 1].split()[1])

    def log(self) -> str:
        """Return what Postfix has logged since the last `break_by`."""
        return (self.home / "maillog").read_text(errors="replace")

    def wait_for_log(self, words: str, patience: float = 2.0) -> bool:
        """Tell whether `words` come to stand in the log."""
        deadline = time.monotonic() + patience
        while words not in self.log() and time.monotonic() < deadline:
            time.sleep(0.02)
        return words in self.log()

    @staticmethod
    def _must(done: subprocess.CompletedProcess[bytes]) -> None:
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))
