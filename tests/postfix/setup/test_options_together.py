"""Every combination of the options that the howto has, planned and carried out on Debian's own configuration: each option has its effect, and no other.

What an option does alone is found out first. In company it must do just that: main.cf and master.cf are the sum of what the single
options do. Nothing runs here; `tests/real/test_postfix_setup.py` logs in under combinations in which each two options meet.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sasldb.postfix.setup import steps
from sasldb.postfix.setup.planning import Setup
from sasldb.postfix.setup.request import AUTHENTICATED, EVERYBODY, Request
from tests.conftest import Require, lacking

OPTIONS: dict[str, object] = {
    "local_domain": "mydomain",
    "submission": True,
    "exceptions_networks": "!192.0.2.171/32, 192.0.2.0/24",
    "authenticated_header": True,
    "broken_clients": True,
    "sender_logins": AUTHENTICATED,
}
Effect = set[tuple[str, str]]
SHARE = Path("/usr/share/postfix")
STOCK = """
myhostname = mail.example.com
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
smtpd_tls_cert_file = {home}/certificate
smtpd_tls_key_file = {home}/key
queue_directory = {home}/queue
data_directory = {home}/data
"""


class Stock:
    """Debian's main.cf and master.cf in a directory of the test's own."""

    def __init__(self, home: Path) -> None:
        self.config = home / "config"
        for directory in self.config / "sasl", home / "queue", home / "data":
            directory.mkdir(parents=True)
        argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mail.example.com"]
        argv += ["-keyout", f"{home}/key", "-out", f"{home}/certificate"]
        subprocess.run(argv, check=True, capture_output=True, timeout=60)
        own = [line.partition(" =")[0] for line in STOCK.split("\n") if line]
        lines = (SHARE / "main.cf.debian").read_text() + (SHARE / "main.cf.tls").read_text()
        kept = [line for line in lines.splitlines() if line.partition("=")[0].strip() not in own]
        (self.config / "main.cf").write_text("\n".join(kept) + STOCK.format(home=home))
        (self.config / "master.cf").write_bytes((SHARE / "master.cf.dist").read_bytes())
        self.age()

    def age(self) -> None:
        """Make main.cf old enough that Postfix's programs do not wait for it."""
        os.utime(self.config / "main.cf", (0, 0))

    def setup(self, choices: dict[str, object]) -> Setup:
        """Plan a setup with `choices` as the attributes of its request."""
        request = Request(str(self.config), f"{self.config.parent}/sasldb2")
        for name, value in choices.items():
            setattr(request, name, value)
        return Setup(request)

    def asked(self, *arguments: str) -> str:
        """Return what postconf answers; it must not complain."""
        argv = ["postconf", "-c", str(self.config), *arguments]
        done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30)
        assert done.stderr == ""
        return done.stdout

    def said(self) -> Effect:
        """Return all that main.cf and master.cf say, as pairs (which, line)."""
        return {(option, line) for option in ("-n", "-M", "-P") for line in self.asked(option).splitlines()}

    def files(self) -> dict[str, bytes]:
        """Return path -> content of each file, but for main.cf's time."""
        return {str(path): path.read_bytes() for path in sorted(self.config.parent.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def stock(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    """Yield it."""
    require("postfix", "postconf", "openssl")
    if not (SHARE / "main.cf.debian").exists():
        lacking("postfix", f"{SHARE}/main.cf.debian is Debian's alone")
    yield Stock(tmp_path_factory.mktemp("stock"))


def after(stock: Stock, choices: dict[str, object]) -> Effect:
    """Set up with `choices`, again with no effect, return what the files then say, and take it back, without trace."""
    before = stock.files()
    config = str(stock.config)
    steps.carry_out(stock.setup(choices).plan, config, "setup")
    stock.age()
    said = stock.said()
    assert stock.setup(choices).plan.steps == []
    steps.take_back(config, "setup", dry_run=False)
    stock.age()
    assert stock.files() == before
    return said


def added(stock: Stock, base: Effect, choices: dict[str, object]) -> Effect:
    """Return what `choices` add to a setup without any; they must take nothing away."""
    said = after(stock, choices)
    assert base <= said
    return said - base


def test_all_combinations(stock: Stock) -> None:
    """All 64 combinations of six options say what the six say one by one, Postfix takes each, and a second run finds nothing to do."""
    base = after(stock, {})
    effects = {name: added(stock, base, {name: value}) for name, value in OPTIONS.items()}
    assert all(effects.values())
    for number in range(2, len(OPTIONS) + 1):
        for names in itertools.combinations(OPTIONS, number):
            together = added(stock, base, {name: OPTIONS[name] for name in names})
            assert together == set().union(*(effects[name] for name in names)), names


def test_the_other_policy(stock: Stock) -> None:
    """With all other options the policy everybody changes one word."""
    one, other = (after(stock, {**OPTIONS, "sender_logins": policy}) for policy in (AUTHENTICATED, EVERYBODY))
    assert one - other == {("-n", "smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch")}
    assert other - one == {("-n", "smtpd_sender_restrictions = reject_sender_login_mismatch")}
