"""The diff of a setup has the lines that change and no others, and no value that is not known to be harmless."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.model.secret import Secret
from sasldb.postfix.setup import client
from sasldb.postfix.setup.planning import Setup
from sasldb.postfix.site.site import Site
from tests.conftest import Require
from tests.postfix.setup.scratch_site import Ground

SECRET = "hunter2-"
# Beside the lines that change, and in them.
MAIN = f"""\
acct_bind_pw = {SECRET}ldap
smtpd_sasl_auth_enable = no
apikey = {SECRET}apikey
relay_password = {SECRET}relay
# relayhost password: {SECRET}comment
relayhost = [old.example]
mysql_password = {SECRET}mysql
    {SECRET}continued
smtp_sasl_password_maps = static:user:{SECRET}static
virtual_alias_maps = inline:{{ a@example.com = {SECRET}inline }}
mua = check_sender_access static:{{554 {SECRET}answer}}, reject
ours = {SECRET}, permit_mynetworks, reject
smtpd_client_restrictions = $mua
smtpd_recipient_restrictions = $ours
smtpd_helo_restrictions = check_helo_access inline:{{ x={SECRET}helo }}, permit_sasl_authenticated, reject
smtpd_sender_restrictions =
    reject_non_fqdn_sender,
# {SECRET}between
    reject
"""
MASTER = f"""\
smtp inet n - y - - smtpd -o smtpd_sasl_auth_enable=no
587 inet n - y - - smtpd -o smtpd_sasl_auth_enable=no -o apikey={SECRET}service -o {{ more = {SECRET} service }}
  -o smtpd_relay_restrictions=permit_mynetworks,reject
x unix - n n - - pipe user=nobody argv=/bin/x --password={SECRET}pipe
"""
CONF = f"""\
# old: sql_passwd: {SECRET}comment
pwcheck_method: saslauthd
sql_passwd: {SECRET}sql
sql_select: SELECT AES_DECRYPT(p, '{SECRET}key')
ldapdb_pw: {SECRET}ldapdb
mech_list: PLAIN
# last: {SECRET}last"""


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")


@pytest.fixture
def ground(tmp_path: Path, tls: str) -> Ground:
    """Return a Postfix with secrets in every place."""
    made = Ground(tmp_path, tls + MAIN, MASTER)
    made.conf.write_text(CONF)
    return made


def test_a_setup(ground: Ground) -> None:
    """Whatever a setup changes, neither its diff nor its notes show a secret of main.cf, master.cf or smtpd.conf."""
    setup = Setup(ground.request(backend="sasldb", submission=True, sender_logins="authenticated"))
    shown = setup.plan.shown()
    assert not any(SECRET in line for line in (*shown, *setup.plan.notes))
    assert "+smtpd_sasl_auth_enable = yes" in shown and "+pwcheck_method: auxprop" in shown
    assert "-ours = ********, permit_mynetworks, reject" in shown
    assert f"{ground.directory}/main.cf" in " ".join(shown)


def test_only_what_changes(ground: Ground) -> None:
    """Lines that stay are not shown, not even by their names."""
    shown = Setup(ground.request(backend="sasldb")).plan.shown()
    assert all(line.startswith(("+", "-", "@", "/", "would ")) for line in shown)
    for name in ("acct_bind_pw", "apikey", "relay_password", "mysql_password", "sql_passwd", "ldapdb_pw"):
        assert not any(name in line for line in shown)


def test_a_client(ground: Ground) -> None:
    """The diff of a client's password shows the key and the login of the entry that changes, and nothing of others."""
    table = ground.directory / "sasl_passwd"
    table.write_text(
        f"# {SECRET}old\n[other.example] them:{SECRET}other\n[mail.example] me:{SECRET}mine\n[third.example] x:{SECRET}"
    )
    (ground.directory / "main.cf").write_text(
        (ground.directory / "main.cf").read_text().replace("static:user", "static:us")
    )
    main = ground.directory / "main.cf"
    main.write_text(main.read_text().replace(f"static:us:{SECRET}static", f"hash:{table}"))
    account = client.Account("[mail.example]", "me", Secret(f"{SECRET}new".encode()))
    shown = client.plan(Site(str(ground.directory)), account).shown()
    assert not any(SECRET in line or "other.example" in line for line in shown)
    assert "-[mail.example]\tme:********".expandtabs() in shown
    assert "+relayhost = [mail.example]" in shown and "-relayhost = [old.example]" in shown
