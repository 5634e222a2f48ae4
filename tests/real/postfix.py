"""A real Postfix for tests: its own configuration, queue and data under a temporary directory, smtpd on a free loopback port.

It uses the installed programs and nothing of /etc/postfix. Mail that it accepts is thrown away. It is stopped, and its
directory removed, at the end of the `with` block, and also when the test process is killed: a keeper process waits for that.
Facts used (Postfix 3.7, Debian 12, observed): smtpd reads `sasl/smtpd.conf` of its configuration directory, loads the plugins
before chroot, and opens the database afterwards as user postfix; a main.cf younger than 2 seconds makes programs wait.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

REALM = "example.com"
MECHANISMS = "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM", "SCRAM-SHA-1", "SCRAM-SHA-256"

_MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/maillog
maillog_file_prefixes = {home}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mail.example.com
mydestination =
mynetworks =
local_recipient_maps =
alias_maps =
default_transport = discard
smtpd_peername_lookup = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_security_options = noanonymous
smtpd_sasl_local_domain = {realm}
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
"""

_MASTER = """\
127.0.0.1:{port} inet n - {chroot} - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
discard unix - - n - - discard
bounce unix - - n - 0 bounce
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

_SMTPD = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: {mechanisms}
sasldb_path: {database}
"""

# $1 = the directory. `abort` ends at once; it answers 1 when nothing runs any more.
_KEEPER = 'cat >/dev/null; postfix -c "$1/config" abort >/dev/null 2>&1; rm -rf "$1"'


class PostfixInstance:
    """One Postfix, running from `__enter__` to `__exit__`.

    Attributes:
        database: where the tests write the database (Path, seen from outside the jail); the file does not exist at first.
        port: the TCP port on 127.0.0.1. home: everything of this instance (Path). chroot: whether smtpd is jailed.
    """

    def __init__(self, chroot: bool) -> None:
        self.chroot = chroot
        self.home = Path(tempfile.mkdtemp(prefix="sasldb-postfix-"))
        self.home.chmod(0o711)  # user postfix walks through it
        self.port = _free_port()
        self.config = self.home / "config"
        self.queue = self.home / "queue"
        inside = Path("/etc/sasldb2") if chroot else self.home / "etc/sasldb2"
        self.database = self.queue / inside.relative_to("/") if chroot else inside
        self.queue.mkdir()
        self.database.parent.mkdir(parents=True)
        self._configure(inside)

    def _configure(self, database: Path) -> None:
        (self.config / "sasl").mkdir(parents=True)
        (self.home / "data").mkdir()
        shutil.chown(self.home / "data", "postfix")
        texts = {
            "main.cf": _MAIN.format(home=self.home, realm=REALM),
            "master.cf": _MASTER.format(port=self.port, chroot="y" if self.chroot else "n"),
            "sasl/smtpd.conf": _SMTPD.format(mechanisms=" ".join(MECHANISMS), database=database),
        }
        past = time.time() - 60
        for name, text in texts.items():
            path = self.config / name
            path.write_text(text)
            os.utime(path, (past, past))

    def __enter__(self) -> PostfixInstance:
        self._keeper = subprocess.Popen(
            ["sh", "-c", _KEEPER, "sh", str(self.home)], stdin=subprocess.PIPE, start_new_session=True
        )
        start = subprocess.run(
            ["postfix", "-c", str(self.config), "start"], capture_output=True, timeout=30, check=False
        )
        if start.returncode != 0:
            words = start.stderr.decode(errors="replace") + self.log()
            self.__exit__(None, None, None)
            raise RuntimeError(f"postfix start: {words}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeper.communicate(timeout=30)
        deadline = time.monotonic() + 10
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.02)

    def log(self) -> str:
        """Return what this Postfix has logged so far, or "" before its first line."""
        path = self.home / "maillog"
        return path.read_text(errors="replace") if path.exists() else ""

    def processes(self) -> dict[str, int]:
        """Return the name of each process of this instance -> one process id: all that work in its queue directory."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if os.readlink(entry / "cwd").startswith(str(self.queue)):
                        found[(entry / "comm").read_text().strip()] = int(entry.name)
                except OSError:
                    continue  # it ended meanwhile
        return found

    def user_of(self, process: str) -> str:
        """Return the name of the user that the process named `process` runs as."""
        status = Path(f"/proc/{self.processes()[process]}/status").read_text()
        effective = next(line.split()[2] for line in status.splitlines() if line.startswith("Uid:"))
        return pwd.getpwuid(int(effective)).pw_name


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
