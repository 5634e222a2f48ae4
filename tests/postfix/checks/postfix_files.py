"""A Postfix that is only files, for checks: main.cf and master.cf in a directory, asked and changed by the real postconf. Nothing of it runs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sasldb.postfix.checks.finding import Problem
from sasldb.postfix.site.site import Site

SMTP = "smtp inet n - n - - smtpd\n"
_MAIN = """\
compatibility_level = 3.6
queue_directory = {directory}/queue
myhostname = mail.example.com
smtpd_sasl_auth_enable = yes
"""


class PostfixFiles:
    """The files, in `directory`."""

    def __init__(self, directory: Path, main: str = "", master: str = SMTP) -> None:
        """Write them; they are old, for postconf waits for fresh ones to settle."""
        self.directory = directory
        (directory / "main.cf").write_text(_MAIN.format(directory=directory) + main)
        (directory / "master.cf").write_text(master)
        self._age()

    def site(self) -> Site:
        """Return the site as it is now."""
        return Site(str(self.directory))

    def mend(self, problem: Problem) -> None:
        """Run the remedy, as a shell would."""
        assert problem.remedy is not None
        done = subprocess.run(["sh", "-c", problem.remedy], capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        self._age()

    def lines(self, path: str, words: str) -> list[str]:
        """Return the lines of a file that have `words` in them, without the blanks around."""
        return [line.strip() for line in (self.directory / path).read_text().splitlines() if words in line]

    def _age(self) -> None:
        for name in ("main.cf", "master.cf"):
            os.utime(self.directory / name, (1_000_000_000, 1_000_000_000))
