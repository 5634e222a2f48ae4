"""Names that Postfix does not know: what is the administrator's own is let be, and no guess changes what mail is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.postfix.checks.checking import check
from sasldb.postfix.checks.spelling import meant, misspelt
from tests.conftest import Require
from tests.postfix.checks.postfix_files import SMTP, PostfixFiles

KNOWN = """mynetworks mynetworks_style relay_domains mydestination smtpd_relay_restrictions smtpd_client_restrictions
smtpd_sasl_auth_enable smtpd_sasl_local_domain smtp_sasl_auth_enable smtpd_sasl_exceptions_networks smtpd_tls_auth_only
smtpd_tls_security_level smtpd_timeout""".split()


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("smtpd_sasl_auth_enabled", ["smtpd_sasl_auth_enable"]),
        ("smtp_sasl_auth_enabled", ["smtp_sasl_auth_enable"]),
        ("stmpd_sasl_auth_enable", ["smtpd_sasl_auth_enable"]),
        ("my_networks", ["mynetworks"]),
        ("smtpd_relay_restriction", ["smtpd_relay_restrictions"]),
        ("relay_domain", ["relay_domains"]),
        ("my_destination", ["mydestination"]),
        ("mua_client_restrictions", []),
        ("smtp_sasl_local_domain", []),
        ("smtpd_timeouts", []),
        ("relay", []),
    ],
)
def test_a_guess_goes_by_spelling(name: str, likely: list[str]) -> None:
    """At most two characters differ; a beginning that is right is not taken for another one."""
    assert meant(name, KNOWN) == likely


@pytest.mark.parametrize(
    ("main", "master"),
    [
        ("mua_client_restrictions = permit_sasl_authenticated,reject\n", SMTP),
        (
            "my_sasl_restrictions = reject\n",
            f"{SMTP}#587 inet n - n - - smtpd\n#  -o smtpd_client_restrictions=$my_sasl_restrictions\n",
        ),
        ("my_sasl_domain = example.com\n# smtpd_sasl_local_domain = ${my_sasl_domain}\n", SMTP),
    ],
)
def test_names_of_the_administrators(tmp_path: Path, main: str, master: str) -> None:
    """What Debian documents, and what is used as `$name` in a comment, is no mistake."""
    assert misspelt(PostfixFiles(tmp_path, main, master).site()) is None


@pytest.mark.parametrize(
    ("main", "likely"),
    [
        ("my_networks = 0.0.0.0/0\n", "mynetworks"),
        ("smtpd_relay_restriction = permit_mynetworks permit\n", "smtpd_relay_restrictions"),
        ("smtpd_client_restriction = reject\n", "smtpd_client_restrictions"),
        ("relay_domain = example.net\n", "relay_domains"),
        ("smtpd_tls_security_levle = encrypt\n", "smtpd_tls_security_level"),
        ("smtpd_sasl_exceptions_network = 0.0.0.0/0\n", "smtpd_sasl_exceptions_networks"),
    ],
)
def test_what_a_guess_must_not_bring_into_force(tmp_path: Path, main: str, likely: str) -> None:
    """Where mail could be stopped or a relay opened, there is no command: the likely name is told."""
    problem = misspelt(PostfixFiles(tmp_path, main).site())
    assert problem is not None and problem.remedy is None and not problem.safe
    assert f"likely meant to be {likely}, and" in problem.why


def test_what_can_be_mended_comes_first(tmp_path: Path) -> None:
    """Beside a name that only the administrator can judge, one that a command can correct is told, and corrected."""
    files = PostfixFiles(tmp_path, "my_networks = 10.0.0.0/8\nsmtpd_sasl_local_domian = example.com\n")
    problem = misspelt(files.site())
    assert problem is not None and problem.safe
    files.mend(problem)
    assert files.lines("main.cf", "local_dom") == ["smtpd_sasl_local_domain = example.com"]
    assert files.lines("main.cf", "networks") == ["my_networks = 10.0.0.0/8"]


def test_what_is_left_over_hides_nothing(tmp_path: Path) -> None:
    """A name that no Postfix has is told beside a relay that is open to everybody."""
    main = (
        "smtpd_sasl_application_name = smtpd\nsmtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated\n"
    )
    main += "smtpd_recipient_restrictions = check_client_access static:OK, reject\n"
    found = check(PostfixFiles(tmp_path, main).site()).findings
    assert {"parameter-unknown", "open-relay"} <= {finding.name for finding in found}
