"""What takes PLAIN and LOGIN out of the clear leaves them under TLS, however the options there are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.postfix.checks import guards
from sasldb.postfix.checks.finding import Problem
from sasldb.postfix.site import fixes
from sasldb.postfix.site.encryption import BEFORE, UNDER, options
from tests.conftest import Require
from tests.postfix.checks.postfix_files import SMTP, PostfixFiles

TLS = "smtpd_tls_security_level = may\n"
SUBMISSION = "587 inet n - n - - smtpd -o smtpd_tls_security_level=may -o smtpd_sasl_security_options=noanonymous"


@pytest.mark.parametrize(
    ("main", "submission"),
    [
        (f"{BEFORE} = noanonymous\n", ""),
        (f"{BEFORE} = noanonymous\n{UNDER} = ${BEFORE}\n", ""),
        (f"{BEFORE} = noanonymous\n{UNDER} = ${{mine}}\nmine = $({BEFORE})\n", ""),
        (f"{BEFORE} = noanonymous\n{UNDER} = ${BEFORE}\n", SUBMISSION),
        (f"{BEFORE} = noanonymous\n{UNDER} = noanonymous\n", f"{SUBMISSION} -o {UNDER}=${BEFORE}"),
        (f"{BEFORE} = noanonymous\n{UNDER} = ${BEFORE}\n", f"{SUBMISSION} -o {UNDER}=noanonymous,nodictionary"),
        ("", f"{SUBMISSION},nodictionary -o {UNDER}=${BEFORE}"),
    ],
)
def test_options_under_tls_stay(require: Require, tmp_path: Path, main: str, submission: str) -> None:
    """By default, by a name, in main.cf and in master.cf: the options without TLS get noplaintext, those under TLS are what they were."""
    require("postfix", "postconf")
    files = PostfixFiles(tmp_path, TLS + main, f"{SMTP}{submission}\n")
    site = files.site()
    before = {service.label: service.value(UNDER) for service in site.offering}
    commands = guards.challenges_alone(site, site.offering)
    files.mend(Problem("", "", fixes.together(*commands)))
    after = files.site().offering
    assert {service.label: service.value(UNDER) for service in after} == before
    assert all("noplaintext" in options(service, BEFORE) for service in after)
