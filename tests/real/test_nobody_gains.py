"""Nobody gains what a setup was not asked to give: users, strangers and own networks are tried on a real smtpd before and after.

alice is listed in the administrator's tables, bob is not, mallory is blocked. Each sends as herself and as alice, to a local and to a
foreign recipient, from an address in mynetworks and from elsewhere; so does a client without a login. ETRN is tried as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.list_shapes import POLICY_PORT, SHAPES, TABLES, Shape
from tests.real.relay_probe import USERS
from tests.real.stock import StockMachine

PROBE = str(Path(__file__).with_name("relay_probe.py"))
PASSWORD = "wonder land:7"
SETUP, FIX = "sasldb postfix setup --yes", "sasldb postfix check --fix --yes"
EVERYTHING = f"{SETUP} --submission --sender-login-maps --authenticated-header --broken-clients --exceptions-networks 192.0.2.0/24"
_BASE = """
postconf -e mynetworks=127.0.0.2/32 mydestination=example.com mydomain=example.com max_use=1 service_throttle_time=1s local_recipient_maps= \
    smtpd_client_event_limit_exceptions=static:all default_transport=discard local_transport=discard smtpd_peername_lookup=no
touch -d '-1 minute' /etc/postfix/main.cf
sasldb postfix setup --local-domain mydomain --yes >/dev/null 2>&1 || true
mkdir /etc/kept
"""
_KEEP = "cp -a /etc/postfix/. /etc/kept/"
# All that a setup or a fix changes, but the database.
_BACK = """
rm -rf /etc/postfix/sasldb*; cp -a /etc/kept/. /etc/postfix/; touch -d '-1 minute' /etc/postfix/main.cf /etc/postfix/master.cf
postfix reload 2>/dev/null
"""
_CONFIGURED = "cat /etc/postfix/main.cf /etc/postfix/master.cf"
Matrix = dict[str, bool]


@pytest.fixture(scope="module")
def site(stock_machine: StockMachine) -> Iterator[StockMachine]:
    """Yield the machine with SMTP AUTH as a setup makes it, three users, the tables, and a policy server."""
    machine = stock_machine
    with machine.restored():
        machine.shell(_BASE)
        for user in filter(None, USERS):
            machine.shell(f"sasldb add --password-stdin {user}@example.com", PASSWORD.encode())
        for name, text in TABLES.items():
            machine.shell(f"cat > /etc/postfix/{name}", f"{text}\n".encode())
        argv = machine.argv(sys.executable, PROBE, "policy", str(POLICY_PORT))
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as policy:
            assert policy.stdout is not None and policy.stdout.readline() == b"ready\n"
            machine.shell(_KEEP)
            yield machine
            policy.kill()
        machine.shell(_BACK)
        machine.shell(f"rm -r /etc/kept; cd /etc/postfix; rm -f {' '.join(TABLES)}")


def give(machine: StockMachine, shape: Shape) -> None:
    """Give the machine the lists of `shape`, whatever it had."""
    machine.shell(_BACK)
    if shape.services:
        machine.shell(
            "postconf -MX smtp/inet; cat >> /etc/postfix/master.cf", ("\n".join(shape.services) + "\n").encode()
        )
    for name, value in shape.main.items():
        machine.shell('postconf -e "$(cat)" 2>/dev/null', f"{name} = {value}".encode())
    machine.shell("touch -d '-1 minute' /etc/postfix/main.cf /etc/postfix/master.cf; postfix reload 2>/dev/null")


def matrix(machine: StockMachine, dead: bool = False) -> Matrix:
    """Return who may send what at the ports of smtpd, for which not much is waited where it is `dead`."""
    ports = ["25", "587"] if "submission" in machine.shell("postconf -M") else ["25"]
    done = machine.run(sys.executable, PROBE, PASSWORD, "1" if dead else "25", *ports)
    assert done.returncode == 0, done.stderr
    found: Matrix = json.loads(done.stdout)
    return found


def gained(before: Matrix, after: Matrix) -> list[str]:
    """Return what is accepted after and was accepted at no port before; of an smtpd that took no mail at all it is relaying alone."""
    known = {key.partition(" ")[2] for key, accepted in before.items() if accepted}
    new = [key for key, accepted in after.items() if accepted and key.partition(" ")[2] not in known]
    return new if known else [key for key in new if key.endswith("foreign")]


def asked(key: str, command: str, shape: Shape) -> bool:
    """Tell whether a permission is what the command is for: a sender login map gives users their own addresses."""
    own = "--sender-login-maps" in command and "smtpd_sender_login_maps" in shape.main
    return own and key.split()[1] != "nobody" and " own " in key


@pytest.mark.parametrize("name", SHAPES)
def test_nobody_gains(site: StockMachine, name: str) -> None:
    """After a setup, one with every option, and a fix, nobody but whom a plain list kept out has got a permission, and no list is lost."""
    shape = SHAPES[name]
    give(site, shape)
    text, before = site.shell(_CONFIGURED), matrix(site, shape.dead)
    for command, allowed in ((SETUP, shape.gain), (EVERYTHING, shape.gain), (FIX, shape.gain | shape.fixed)):
        give(site, shape)
        done = site.tried(command)
        assert done.returncode in (0, 1) and b"Traceback" not in done.stderr, done.stderr
        if site.shell(_CONFIGURED) == text:
            continue
        new = gained(before, matrix(site))
        assert [key for key in new if key.split()[1] not in allowed and not asked(key, command, shape)] == [], (
            command,
            site.shell("postconf -n; postconf -M"),
        )
        if shape.gain and command == SETUP:  # whom the setup is for gets what it is for
            assert "25 alice stranger own foreign" in new or before["25 alice stranger own foreign"]
