"""A second Postfix on a stock machine: somebody else's mail server, with a configuration directory and a queue of its own.

It listens on port 2525 of mail.isp.example, or on another, throws away what it accepts, and logs to a file.
"""

from __future__ import annotations

import re
import time

from tests.real.stock import StockMachine

HOST, PORT = "mail.isp.example", 2525
NEXTHOP = f"[127.0.0.1]:{PORT}"  # smtp asks DNS for names, of which there is none here

_INSTALL = f"""
set -e
mkdir -p {{home}}/config/sasl {{home}}/queue {{home}}/data
chown postfix: {{home}}/data
grep -q {HOST} /etc/hosts || echo 127.0.0.1 {HOST} >> /etc/hosts
cat /usr/share/postfix/main.cf.debian /usr/share/postfix/main.cf.tls > {{home}}/config/main.cf
sed 's/^smtp  *inet .*/{{port}} inet n - {{chroot}} - - smtpd/' /usr/share/postfix/master.cf.dist > {{home}}/config/master.cf
postconf -c {{home}}/config -e queue_directory={{home}}/queue data_directory={{home}}/data myhostname={HOST} \
    mydestination= mynetworks=192.0.2.0/24 inet_interfaces=loopback-only inet_protocols=ipv4 default_transport=discard \
    maillog_file={{home}}/maillog maillog_file_prefixes={{home}} smtpd_relay_restrictions=reject_unauth_destination
touch -d '-1 minute' {{home}}/config/main.cf
postfix -c {{home}}/config start 2>&1
"""


class Provider:
    """It, running until the machine ends. `config`: its configuration directory, a path on the machine. `home`: everything of it."""

    def __init__(self, machine: StockMachine, chroot: bool, port: int = PORT) -> None:
        """Install and start it on `machine`."""
        self._machine = machine
        self.home = f"{machine.scratch}/isp-{port}-{'jailed' if chroot else 'free'}"
        self.config = f"{self.home}/config"
        machine.shell(_INSTALL.format(home=self.home, chroot="y" if chroot else "n", port=port))

    def stop(self) -> None:
        """Stop it, so that another may have the port."""
        self._machine.shell(f"postfix -c {self.config} stop 2>&1")

    def logged(self, words: str, times: int = 1) -> bool:
        """Wait some seconds for so many lines in the log that have `words` in them, and tell whether they came."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if self.count(words) >= times:
                return True
            time.sleep(0.1)
        return False

    def taken(self, *senders: str) -> dict[str, str]:
        """Wait some seconds for a message of each of `senders`, and return sender -> login of those that were accepted."""
        for sender in senders:
            self.logged(f" from=<{sender}>")
        logins = dict(re.findall(r": (\w+): client=.* sasl_username=(\S+)", self._log()))
        messages = re.findall(r": (\w+): from=<(\S*)>", self._log())
        return {sender: logins.get(message, "") for message, sender in messages if sender in senders}

    def count(self, words: str) -> int:
        """Return how often the log has `words` in it."""
        return self._log().count(words)

    def _log(self) -> str:
        return self._machine.tried(f"cat {self.home}/maillog").stdout.decode()
