"""A Postfix configuration for setups to be planned on; nothing of it runs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sasldb.postfix.setup.planning import Setup
from sasldb.postfix.setup.request import Request
from sasldb.postfix.setup.steps import FileStep

MASTER = "smtp inet n - n - - smtpd\n"
GOOD = (
    "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_security_options = noplaintext, noanonymous, nodictionary\n"
    "smtpd_sasl_tls_security_options = noanonymous\n"
)


class Ground:
    """A Postfix configuration directory of the test's own, with a database beside it. Nothing of it runs."""

    def __init__(self, directory: Path, main: str = "", master: str = MASTER) -> None:
        self.directory = directory
        self.database = str(directory / "sasldb2")
        self.conf = directory / "sasl/smtpd.conf"
        self.conf.parent.mkdir()
        head = f"compatibility_level = 3.6\nqueue_directory = {directory}/queue\nmyhostname = mail.example.com\n"
        (directory / "main.cf").write_text(head + main)
        (directory / "master.cf").write_text(master)
        os.utime(directory / "main.cf", (0, 0))  # Postfix waits for one that has just been changed

    def request(self, **choices: object) -> Request:
        """Return a request with `choices` as its attributes."""
        request = Request(str(self.directory), self.database)
        for name, value in choices.items():
            setattr(request, name, value)
        return request

    def planned(self, **choices: object) -> dict[str, str]:
        """Return parameter -> value of main.cf as it would be, for what a setup would set or change."""
        steps = [step for step in Setup(self.request(**choices)).plan.steps if isinstance(step, FileStep)]
        texts = {os.path.basename(step.path): step.after.decode(errors="replace") for step in steps}
        before = (self.directory / "main.cf").read_text().splitlines()
        lines = [line for line in texts.get("main.cf", "").splitlines() if line not in before]
        return dict(line.split(" = ", 1) for line in lines)

    def services(self, **choices: object) -> str:
        """Return the -o overrides of master.cf as it would be."""
        steps = [step for step in Setup(self.request(**choices)).plan.steps if isinstance(step, FileStep)]
        text = next((step.after for step in steps if step.path.endswith("master.cf")), b"")
        (self.directory / "after").mkdir()
        (self.directory / "after/main.cf").touch()
        (self.directory / "after/master.cf").write_bytes(text)
        argv = ["postconf", "-c", str(self.directory / "after"), "-P"]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout
