"""`sasldb postfix client` on Postfix as Debian installs it: its mail goes out by a server that wants a login."""

from __future__ import annotations

import json
import pytest

from tests.real.provider import NEXTHOP, Provider
from tests.real.stock import StockMachine

CLIENT = "sasldb postfix client --password-stdin --yes"
PASSWORD = b"wonder:land 7\n"
OTHER_PORT = 2531
OTHER = b"looking-glass\n"
SEND = "printf 'Subject: x\\n\\nx\\n' | sendmail -f {sender} somebody@example.net"


@pytest.fixture(scope="module")
def provider(stock_machine: StockMachine) -> Provider:
    """Return a server that relays for two users, who log in as u1@isp.example and u2@isp.example."""
    return _relaying(stock_machine, Provider(stock_machine, chroot=False))


def _relaying(stock_machine: StockMachine, provider: Provider) -> Provider:
    setup = f"sasldb postfix setup -c {provider.config} -f {provider.home}/sasldb2 --local-domain isp.example --yes"
    stock_machine.shell(setup)
    for user, password in ("u1", PASSWORD), ("u2", OTHER):
        stock_machine.shell(f"sasldb add -f {provider.home}/sasldb2 --password-stdin {user}@isp.example", password)
    return provider


def test_all_mail_goes_there(stock_machine: StockMachine, provider: Provider) -> None:
    """With one account all mail is relayed by it; both files of passwords are root's alone; again changes nothing; --undo leaves no trace."""
    before = stock_machine.state()
    printed = stock_machine.shell(f"{CLIENT} '{NEXTHOP}' u1@isp.example 2>&1", PASSWORD)
    assert "wonder" not in printed and "u1@isp.example:********" in printed
    files = "/etc/postfix/sasl_passwd /etc/postfix/sasl_passwd.db"
    assert stock_machine.shell(f"stat -c '%U:%G %a' {files}") == "root:root 600\n" * 2
    after = stock_machine.state()
    assert stock_machine.shell(f"{CLIENT} '{NEXTHOP}' u1@isp.example", PASSWORD) == "nothing to change\n"
    assert stock_machine.state() == after
    stock_machine.shell(SEND.format(sender="root@example.com"))
    assert provider.logged("sasl_username=u1@isp.example")
    report = json.loads(stock_machine.tried("sasldb postfix check --json").stdout)
    assert [finding["name"] for finding in report["findings"] if finding["name"].startswith("client-")] == []
    assert {"client-map-stale", "client-passwords-exposed"} <= set(report["passed"])
    stock_machine.shell("sasldb postfix client --undo --yes")
    assert stock_machine.state() == before


def test_each_sender_by_its_own(stock_machine: StockMachine, provider: Provider) -> None:
    """With --sender the mail of that sender goes by its own login, and a changed password is a changed entry."""
    before = stock_machine.state()
    printed = stock_machine.shell(f"{CLIENT} '{NEXTHOP}' u2@isp.example --sender second@example.com", OTHER)
    lines = [line.split() for line in printed.splitlines() if line.startswith("+second@")]
    assert lines == [["+second@example.com", "u2@isp.example:********"], ["+second@example.com", NEXTHOP]]
    stock_machine.shell(f"{CLIENT} '{NEXTHOP}' u1@isp.example --sender first@example.com", b"wrong\n")
    printed = stock_machine.shell(f"{CLIENT} '{NEXTHOP}' u1@isp.example --sender first@example.com", PASSWORD)
    assert "changed /etc/postfix/sasl_passwd\n" in printed and "main.cf" not in printed
    assert stock_machine.shell("cut -f1 /etc/postfix/sender_relay") == "second@example.com\nfirst@example.com\n"
    logins = {"first@example.com": "u1@isp.example", "second@example.com": "u2@isp.example"}
    for sender in logins:
        stock_machine.shell(SEND.format(sender=sender))
    assert provider.taken(*logins) == logins
    for _ in range(3):
        stock_machine.shell("sasldb postfix client --undo --yes")
    assert stock_machine.state() == before


def test_two_providers(stock_machine: StockMachine, provider: Provider) -> None:
    """A sender's own mail goes to its own server by its own login, all other mail to the other server by the login of all."""
    before = stock_machine.state()
    other = _relaying(stock_machine, Provider(stock_machine, False, OTHER_PORT))
    stock_machine.shell(f"{CLIENT} '{NEXTHOP}' u1@isp.example", PASSWORD)
    stock_machine.shell(f"{CLIENT} '[127.0.0.1]:{OTHER_PORT}' u2@isp.example --sender x2@example.com", OTHER)
    stock_machine.shell(f"{CLIENT} '{NEXTHOP}' u2@isp.example --sender x3@example.com", OTHER)
    for number in range(1, 5):
        stock_machine.shell(SEND.format(sender=f"x{number}@example.com"))
    logins = {
        "x1@example.com": "u1@isp.example",
        "x3@example.com": "u2@isp.example",
        "x4@example.com": "u1@isp.example",
    }
    assert provider.taken(*logins) == logins
    assert other.taken("x2@example.com") == {"x2@example.com": "u2@isp.example"}
    other.stop()
    for _ in range(3):
        stock_machine.shell("sasldb postfix client --undo --yes")
    assert stock_machine.state() == before


def test_a_table_of_the_administrators(stock_machine: StockMachine, provider: Provider) -> None:
    """Where main.cf names a table already, the entry goes there, and what is in it stays; permissions for others are taken away."""
    stock_machine.shell(
        "printf '# mine\\nother a:b\\n' > /etc/postfix/mine; postconf -e smtp_sasl_password_maps=hash:/etc/postfix/mine"
    )
    before = stock_machine.state()
    printed = stock_machine.shell(f"{CLIENT} '{NEXTHOP}' u1@isp.example 2>&1", PASSWORD)
    assert "/etc/postfix/mine: root:root 0644 -> root:root 0600" in printed
    assert stock_machine.shell("postmap -s hash:/etc/postfix/mine | cut -f1 | sort") == f"{NEXTHOP}\nother\n"
    stock_machine.shell("sasldb postfix client --undo --yes")
    assert stock_machine.state() == before


def test_a_table_that_proxymap_opens(stock_machine: StockMachine, provider: Provider) -> None:
    """A table behind proxy: is that same table, and it is kept so that proxymap, which is not root, can read it."""
    stock_machine.shell(
        "echo 'other a:b' > /etc/postfix/mine; postconf -e smtp_sasl_password_maps=proxy:hash:/etc/postfix/mine"
    )
    before = stock_machine.state()
    stock_machine.shell(f"{CLIENT} '{NEXTHOP}' u2@isp.example", OTHER)
    files = "/etc/postfix/mine /etc/postfix/mine.db"
    assert stock_machine.shell(f"stat -c '%U:%G %a' {files}") == "root:postfix 640\n" * 2
    assert stock_machine.shell("postconf -h smtp_sasl_password_maps") == "proxy:hash:/etc/postfix/mine\n"
    count = provider.count("sasl_username=u2@isp.example")
    stock_machine.shell(SEND.format(sender="root@example.com"))
    assert provider.logged("sasl_username=u2@isp.example", times=count + 1)
    report = json.loads(stock_machine.tried("sasldb postfix check --json").stdout)
    assert [finding["name"] for finding in report["findings"] if finding["name"].startswith("client-")] == []
    stock_machine.shell("sasldb postfix client --undo --yes")
    assert stock_machine.state() == before


@pytest.mark.parametrize("sender", ["", "--sender {}"], ids=["all mail", "a sender"])
def test_names_in_another_case(stock_machine: StockMachine, sender: str) -> None:
    """A server or a sender in another case is the same entry: Postfix then finds the new password, and the new server."""
    stock_machine.shell("postconf -X smtp_sasl_password_maps")
    before = stock_machine.state()
    for name, address, password in (
        ("[Mail.ISP.example]:submission", "User1@Example.COM", b"old\n"),
        ("[mail.isp.example]:submission", "user1@example.com", b"new\n"),
    ):
        stock_machine.shell(f"{CLIENT} '{name}' u1 {sender.format(address)}", password)
    key = "user1@example.com" if sender else "[mail.isp.example]:submission"
    assert stock_machine.shell(f"postmap -q '{key}' hash:/etc/postfix/sasl_passwd") == "u1:new\n"
    if sender:
        found = stock_machine.shell(f"postmap -q {key} hash:/etc/postfix/sender_relay")
        assert found == "[mail.isp.example]:submission\n"
    for _ in range(2):
        stock_machine.shell("sasldb postfix client --undo --yes")
    assert stock_machine.state() == before


@pytest.mark.parametrize(
    "lines, said",
    [
        ("other a:5ecret\\nOTHER a:b\\n", 'postmap: duplicate entry: "other"'),
        (" other a:5ecret\\n", "postmap: logical line must not start with whitespace"),
    ],
)
def test_a_table_that_postmap_warns_of(stock_machine: StockMachine, lines: str, said: str) -> None:
    """Where postmap would leave out a line of the administrator's nothing is changed, and the error names the table, but no password."""
    stock_machine.shell(
        f"printf '{lines}' > /etc/postfix/mine; postconf -e smtp_sasl_password_maps=hash:/etc/postfix/mine"
    )
    before = stock_machine.state()
    done = stock_machine.tried(f"{CLIENT} '{NEXTHOP}' u1@isp.example", PASSWORD)
    stderr = done.stderr.decode()
    assert (done.returncode, done.stdout) == (3, b"") and "5ecret" not in stderr
    assert stderr == f"sasldb: /etc/postfix/mine: {said}; mend that line, then run this again\n"
    assert stock_machine.state() == before
    stock_machine.shell("rm /etc/postfix/mine; postconf -X smtp_sasl_password_maps")


def test_a_password_in_main_cf(stock_machine: StockMachine, provider: Provider) -> None:
    """A password that stands in main.cf is not shown, and our table stands before it, so that the new login is used."""
    table = f"inline:{{{{{NEXTHOP}=u1@isp.example:5ecret}}}}"
    stock_machine.shell(f"postconf -e 'smtp_sasl_password_maps={table}'")
    before = stock_machine.state()
    printed = stock_machine.shell(f"{CLIENT} '{NEXTHOP}' u2@isp.example 2>&1", OTHER)
    assert "5ecret" not in printed and "+smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd, inline:***" in printed
    count = provider.count("sasl_username=u2@isp.example")
    stock_machine.shell(SEND.format(sender="root@example.com"))
    assert provider.logged("sasl_username=u2@isp.example", times=count + 1)
    stock_machine.shell("sasldb postfix client --undo --yes")
    assert stock_machine.state() == before
    stock_machine.shell("postconf -X smtp_sasl_password_maps")


@pytest.mark.parametrize("tables", ["static:u:5ecret", "hash:/etc/postfix/sasl_passwd proxy:static:{u:5ecret 7}"])
def test_a_table_that_answers_everything(stock_machine: StockMachine, tables: str) -> None:
    """Beside static:, which smtp would take the login from, nothing is changed, and its password is not shown."""
    stock_machine.shell(f"postconf -e 'smtp_sasl_password_maps={tables}'")
    before = stock_machine.state()
    done = stock_machine.tried(f"{CLIENT} '{NEXTHOP}' u2@isp.example", OTHER)
    assert (done.returncode, done.stdout) == (3, b"") and b"5ecret" not in done.stderr
    assert done.stderr.endswith(b"; take static: out of it in main.cf, then run this again\n")
    assert stock_machine.state() == before
    stock_machine.shell("postconf -X smtp_sasl_password_maps")


_ENDED = """
printf wonder > /run/password; chmod 600 /run/password; mkdir /run/private
cp /usr/sbin/postmap /run/slow.real; chmod 755 /run/slow.real
printf '#!/bin/sh\\ntouch /run/begun\\nsleep 20\\nexec /run/slow.real "$@"\\n' > /run/slow; chmod 755 /run/slow
mount --bind /run/slow /usr/sbin/postmap
export TMPDIR=/run/private
sasldb postfix client '[a.example]' u --password-file /run/password --yes >/run/printed 2>&1 & process=$!
while [ ! -e /run/begun ]; do sleep 0.05; done
[ "$(ls /run/private)" ] || echo nothing to remove
kill -{signal} $process; wait $process; echo $?
umount /usr/sbin/postmap
ls /run/private; rm -r /run/begun /run/private
"""


@pytest.mark.parametrize("signal, status", [("TERM", 143), ("HUP", 129)])
def test_ended_while_postmap_runs(stock_machine: StockMachine, signal: str, status: int) -> None:
    """Ended by a signal while postmap works, it ends at once by that signal, and leaves no copy of the passwords."""
    before = stock_machine.state()
    assert stock_machine.shell(_ENDED.replace("{signal}", signal)) == f"{status}\n"
    assert stock_machine.state() == before


_MOMENTS = """
mkdir /run/private; export TMPDIR=/run/private
for moment in 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0 1.2 1.4; do
    timeout -s TERM $moment sasldb postfix client '[a.example]' u --password-file /run/password --dry-run >/dev/null 2>&1
    ls /run/private
done
rm -r /run/private
"""


def test_ended_at_any_moment(stock_machine: StockMachine) -> None:
    """Ended at whatever moment, it leaves nothing of passwords or configuration behind."""
    stock_machine.shell("printf wonder > /run/password; chmod 600 /run/password")
    assert stock_machine.shell(_MOMENTS) == ""


REFUSED = [
    ("smtp://mail.isp.example:587 u1", "name it as '[mail.isp.example]:587'"),
    ("'[127.0.0.1' u1", "name the server first, as '[mail.isp.example]:submission', then the user there"),
    ("'[mail.isp.example]:submision' u1", "name it as '[mail.isp.example]:submission'"),
    ("mail.isp.example:99999 u1", "name it as '[mail.isp.example]:submission'"),
    ("username '[mail.isp.example]'", "name the server first, then the user there"),
    (f"'{NEXTHOP}' u1 --sender foo", "name it as user@example.com, or a whole domain as @example.com"),
]


@pytest.mark.parametrize("words, remedy", REFUSED, ids=[words for words, _ in REFUSED])
def test_what_smtp_would_die_of(stock_machine: StockMachine, words: str, remedy: str) -> None:
    """A server that smtp cannot send to, the words the wrong way round, and a sender that is no address, are refused with the right form."""
    before = stock_machine.state()
    done = stock_machine.tried(f"{CLIENT} {words}", PASSWORD)
    assert (done.returncode, done.stdout) == (3, b"") and done.stderr.decode().endswith(f"; {remedy}\n")
    assert stock_machine.state() == before


def test_a_domain_of_senders(stock_machine: StockMachine, provider: Provider) -> None:
    """With --sender @DOMAIN the mail of all its senders goes by that login."""
    before = stock_machine.state()
    stock_machine.shell(f"{CLIENT} '{NEXTHOP}' u2@isp.example --sender @all.example", OTHER)
    stock_machine.shell(SEND.format(sender="anybody@all.example"))
    assert provider.taken("anybody@all.example") == {"anybody@all.example": "u2@isp.example"}
    stock_machine.shell("sasldb postfix client --undo --yes")
    assert stock_machine.state() == before


def test_tls_before_smtp(stock_machine: StockMachine) -> None:
    """At port 465 mail goes out under TLS from the first byte; where other servers are named it is refused, and port 587 sets that back."""
    wrapped = _relaying(stock_machine, Provider(stock_machine, chroot=False, port=465))
    stock_machine.shell(
        f"postconf -c {wrapped.config} -P 465/inet/smtpd_tls_wrappermode=yes; postfix -c {wrapped.config} reload 2>&1"
    )
    refused = stock_machine.tried(f"{CLIENT} --sender a@example.com '[127.0.0.1]:465' u1@isp.example", PASSWORD)
    assert refused.returncode == 3 and b"name port 587" in refused.stderr
    stock_machine.shell(f"{CLIENT} '[127.0.0.1]:465' u1@isp.example", PASSWORD)
    stock_machine.shell(SEND.format(sender="wrapped@example.com"))
    assert wrapped.taken("wrapped@example.com") == {"wrapped@example.com": "u1@isp.example"}
    stock_machine.age()
    stock_machine.shell(f"{CLIENT} '[127.0.0.1]:587' u1@isp.example", PASSWORD)
    assert stock_machine.shell("postconf -h smtp_tls_wrappermode") == "no\n"
    wrapped.stop()
    stock_machine.shell("sasldb postfix client --undo --yes; sasldb postfix client --undo --yes")
