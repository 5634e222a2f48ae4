"""saslauthd -a sasldb, which knows no other file than /etc/sasldb2, accepts and refuses what we wrote there.

Everything runs in namespaces with an /etc of their own. testsaslauthd takes the password as an argument only; it is seen by
nobody but root, and is good for nothing.
"""

from __future__ import annotations

import pytest

from tests.conftest import Commands, CyrusTools
from tests.real.namespace import PrivateEtc

PASSWORD = "pass w:rd%7"


@pytest.fixture
def saslauthd(private_etc: PrivateEtc, cyrus: CyrusTools) -> PrivateEtc:
    """Return namespaces with no /etc/sasldb2 yet, in which saslauthd -a sasldb listens in the scratch directory."""
    private_etc.run("rm", "-f", "/etc/sasldb2")
    done = private_etc.run(cyrus.saslauthd, "-a", "sasldb", "-n", "1", "-m", str(private_etc.scratch))
    assert done.returncode == 0, done.stderr  # it went to the background, where it dies with its namespace
    return private_etc


def verdict(inside: PrivateEtc, cyrus: CyrusTools, user: str, realm: str, password: str) -> str:
    """Return what saslauthd says of a login: `OK` or `NO`."""
    socket = f"{inside.scratch}/mux"
    done = inside.run(cyrus.testsaslauthd, "-f", socket, "-s", "smtp", "-u", user, "-r", realm, "-p", password)
    return done.stdout.split()[1].decode()


def test_saslauthd_accepts_what_we_wrote(saslauthd: PrivateEtc, commands: Commands, cyrus: CyrusTools) -> None:
    """The right user, realm and password pass; a wrong one of each, a changed password and a deleted user do not."""

    def ours(*arguments: str, password: str = "") -> None:
        done = saslauthd.run(commands.saslpasswd2, *arguments, stdin=password.encode() + b"\n")
        assert done.returncode == 0, done.stderr

    def answers(*logins: tuple[str, str, str]) -> list[str]:
        return [verdict(saslauthd, cyrus, *login) for login in logins]

    ours("-c", "-p", "-u", "example.com", "alice", password=PASSWORD)
    right = "alice", "example.com", PASSWORD
    assert answers(right, ("alice", "example.com", "x"), ("alice", "example.org", PASSWORD)) == ["OK", "NO", "NO"]
    ours("-p", "-u", "example.com", "alice", password="another")
    assert answers(right, ("alice", "example.com", "another")) == ["NO", "OK"]
    ours("-d", "-u", "example.com", "alice")
    assert answers(("alice", "example.com", "another")) == ["NO"]


def test_the_default_realm_is_the_host(saslauthd: PrivateEtc, commands: Commands, cyrus: CyrusTools) -> None:
    """A user made without -u is the one whom saslauthd finds without a realm: both take the host's name."""
    assert saslauthd.run(commands.saslpasswd2, "-c", "-p", "bob", stdin=PASSWORD.encode()).returncode == 0
    answers = [verdict(saslauthd, cyrus, "bob", realm, PASSWORD) for realm in ("", "vm.example.com", "example.com")]
    assert answers == ["OK", "OK", "NO"]


def test_the_default_database_is_made_for_postfix(
    private_etc: PrivateEtc, commands: Commands, postfix_parts: None
) -> None:
    """Without -f the database is /etc/sasldb2, and it is made root:postfix 0640."""
    private_etc.run("rm", "-f", "/etc/sasldb2")
    assert private_etc.run(commands.saslpasswd2, "-c", "-p", "bob", stdin=PASSWORD.encode()).returncode == 0
    assert private_etc.run("stat", "-c", "%U:%G %a", "/etc/sasldb2").stdout == b"root:postfix 640\n"
