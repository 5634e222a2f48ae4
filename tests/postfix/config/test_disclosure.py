"""Of a configuration is shown what is known to be no secret, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.postfix.config import disclosure

M = disclosure.MASK


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("relayhost = [static.example]:25", "relayhost = [static.example]:25"),
        ("relayhost = user:7q@[mail.example]", f"relayhost = {M}"),
        ("smtpd_relay_restrictions=permit_mynetworks,reject", "smtpd_relay_restrictions=permit_mynetworks,reject"),
        ("apikey = 7q", f"apikey = {M}"),
        ("relay_password = 7q 7q,7q", f"relay_password = {M}"),
        ("acct_bind_pw = 7q\n    7q", f"acct_bind_pw = {M}\n    {M}"),
        ("mysql_macro_password = $apikey", "mysql_macro_password = $apikey"),
        ("ours = permit_mynetworks, 7q, reject", f"ours = permit_mynetworks, {M}, reject"),
        ("smtpd_relay_restrictions = static:{OK}, reject", "smtpd_relay_restrictions = static:{OK}, reject"),
        ("mynetworks = static:7q", f"mynetworks = static:{M}"),
        ("smtp_sasl_password_maps = hash:/etc/x, u:7q", f"smtp_sasl_password_maps = hash:/etc/x, {M}"),
        ("smtp_sasl_password_maps = proxy:static:{u:7q 7q},hash:/x", f"smtp_sasl_password_maps = proxy:static:{M},hash:/x"),
        ("smtp_sasl_password_maps = inline:{\n  {k = u:7q}\n  }\nbiff = no", f"smtp_sasl_password_maps = inline:{M}\n    {M}\n    {M}\nbiff = no"),
        ("smtpd_relay_restrictions = check_sasl_access inline:{7q=OK}, reject", f"smtpd_relay_restrictions = check_sasl_access inline:{M}, reject"),
        ("smtpd_client_restrictions = check_policy_service { inet:h:1, policy_context = 7q }", f"smtpd_client_restrictions = check_policy_service {M}"),
        ("smtpd_client_restrictions = pcre:{{/./ 7q}} hash:/y", f"smtpd_client_restrictions = {M} hash:/y"),
        ("mydestination = ${apikey?7q}", f"mydestination = {M}"),
        ("# apikey = 7q", f"# {M}"),
        ("relayhost =\n# 7q\n    [mail.example]", f"relayhost =\n# {M}\n    [mail.example]"),
        ("apikey 7q", M),
        ("  7q", M),
        ("biff = no\n\n# 7q\n", f"biff = no\n\n# {M}\n"),
    ],
)  # fmt: skip
def test_main_cf(text: str, shown: str) -> None:
    """Values of parameters on the list are shown, but for tables that stand in them; names of restrictions and parameters elsewhere."""
    assert disclosure.main_cf(text.encode().split(b"\n")) == shown.split("\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "smtp inet n - y - - smtpd -v -o smtpd_sasl_auth_enable=yes -o apikey=7q",
            f"smtp inet n - y - - smtpd -v -o smtpd_sasl_auth_enable=yes -o apikey={M}",
        ),
        (
            "smtp inet n - y - - smtpd\n  -o { apikey = 7q 7q }\n  -oapikey=7q\n  -o {biff = no}",
            f"smtp inet n - y - - smtpd\n  -o {{ apikey = {M} }}\n  -oapikey={M}\n  -o {{biff = no}}",
        ),
        ("x unix - n n - - pipe\n  user=vmail argv=/bin/x --password=7q", f"x unix - n n - - pipe\n  {M} {M} {M}"),
        (
            "smtp inet n - y - - smtpd -o syslog_name=a 7q\n# 7q",
            f"smtp inet n - y - - smtpd -o syslog_name=a {M}\n# {M}",
        ),
    ],
)
def test_master_cf(text: str, shown: str) -> None:
    """Of a service are shown its fields, its options, and the values that those of main.cf have there."""
    assert disclosure.master_cf(text.encode().split(b"\n")) == shown.split("\n")


def test_a_command() -> None:
    """A service's command is shown without what may be a secret."""
    assert disclosure.command("smtpd -o biff=no -o pw=7q") == f"smtpd -o biff=no -o pw={M}"


@given(st.text(alphabet=" \t#={}$:,/@-ox\n\r\x0b\x1c\u2028", max_size=40), st.integers(0, 40))
def test_no_secret_whatever_is_around(text: str, at: int) -> None:
    """Wherever a secret stands in a file that names no parameter of the list, it is not shown, and no line is lost."""
    lines = (text[:at] + "S3cret" + text[at:]).encode().splitlines()
    for show in (disclosure.main_cf, disclosure.conf):
        shown = show(lines)
        assert len(shown) == len(lines)
        assert "S3cret" not in "\n".join(
            line.partition("=")[2] if "=" in line else line.partition(":")[2] for line in shown
        )


def test_what_postconf_complains_of() -> None:
    """A line that Postfix cannot read is not repeated, wherever it has quotes; a path with one stays whole."""
    line = 'fatal: /etc/a"b/main.cf, line 2: missing \'=\' after attribute name: "pw 7q"7q'
    shown = 'fatal: /etc/a"b/main.cf, line 2: missing \'=\' after attribute name: "..."'
    assert disclosure.complaint(line) == shown
