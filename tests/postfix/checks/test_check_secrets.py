"""No finding, message or remedy of a check has a value of main.cf or master.cf in it that may be a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sasldb.errors import SasldbError
from sasldb.postfix.checks import arguments, client, relaying, server, spelling, unknown_words
from tests.conftest import Require
from tests.postfix.checks.postfix_files import SMTP, PostfixFiles

SECRET = "hunter2"
RELAY = "smtpd_relay_restrictions"


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")


@pytest.mark.parametrize(
    ("main", "master"),
    [
        (f"relay_password {SECRET}\n", SMTP),
        (f"sasl_passwd = {SECRET}\n", SMTP),
        (f"smtp_sasl_password_map = static:u:{SECRET}\n", SMTP),
        (f"smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = static:{SECRET}/sasldb\n", SMTP),
        (f"apikey = {SECRET}\n{RELAY} = $apikey, permit_sasl_authenticated, reject\n", SMTP),
        ("", f"smtp inet n - n - - smtpd -o apikey=x, {SECRET}\n"),
        ("", f"smtp inet n - n - - smtpd -o apikey={SECRET} -o {RELAY}=permit_mynetworks, reject\n"),
        (f"{RELAY} = check_sasl_access inline:{{ {SECRET}=DUNNO }}, reject\n", SMTP),
        (f"ours = {SECRET}, reject\n{RELAY} = $ours\n", SMTP),
    ],
)
def test_no_secret(tmp_path: Path, main: str, master: str) -> None:
    """Something is found, and the secret is neither in what is said of it nor in a command."""
    site = PostfixFiles(tmp_path, main, master).site()
    looks = [server.main_cf, arguments.stray, spelling.misspelt, spelling.misspelt_of_client, spelling.unknown]
    looks += [unknown_words.unknown, relaying.refused, client.no_passwords]
    found = []
    for look in looks:
        try:
            problem = look(site)
            found += [problem.seen, problem.why, problem.remedy or ""] if problem else []
        except SasldbError as error:
            found.append(str(error))
    assert found and SECRET not in json.dumps(found)
