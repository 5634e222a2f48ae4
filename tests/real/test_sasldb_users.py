"""What `sasldb list` says of a user's mechanisms is what a real Postfix says to other people's clients, for each kind of storage."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.conftest import Commands
from tests.real.clients import LOGINS, login
from tests.real.postfix import REALM, PostfixInstance

PASSWORD, OLD = "pass w:rd%7", "the old one"
ASK = "--password-stdin"

# User -> the commands that make it, each with the password that it is given.
MADE: dict[str, list[tuple[list[str], str]]] = {
    "plain": [(["add", ASK, "plain"], PASSWORD)],
    "sha1": [(["add", ASK, "--scram", "SHA-1", "sha1"], PASSWORD)],
    "sha256": [(["add", ASK, "--no-plaintext", "--iterations", "10000", "sha256"], PASSWORD)],
    "hardened": [(["add", ASK, "hardened"], PASSWORD), (["harden", "hardened"], "")],
    "changed": [(["add", ASK, "--no-plaintext", "changed"], OLD), (["passwd", ASK, "changed"], PASSWORD)],
    "again": [(["add", ASK, "--no-plaintext", "again"], OLD), (["passwd", ASK, "--plaintext", "again"], PASSWORD)],
    "renamed": [(["add", ASK, "before"], PASSWORD), (["rename", "before", "renamed"], "")],
    "moved": [(["add", ASK, "moved@example.org"], PASSWORD), (["rename-realm", "example.org", REALM], "")],
    "deleted": [(["add", ASK, "deleted"], PASSWORD), (["delete", "deleted"], "")],
}


def sasldb(commands: Commands, server: PostfixInstance, arguments: list[str], password: str = "") -> bytes:
    """Run sasldb on the server's database; it must succeed. Return what it printed."""
    realm = [] if arguments[0] in ("rename-realm", "copy-realm") else ["-u", REALM]
    argv = [commands.sasldb, arguments[0], "-f", str(server.database), *realm, *arguments[1:]]
    done = subprocess.run(argv, input=f"{password}\n".encode(), capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


@pytest.fixture(scope="module")
def listed(postfix_instance: PostfixInstance, commands: Commands) -> dict[str, list[str]]:
    """Return user -> mechanisms, as list tells them, once all users are made."""
    for steps in MADE.values():
        for arguments, password in steps:
            sasldb(commands, postfix_instance, arguments, password)
    entries = json.loads(sasldb(commands, postfix_instance, ["list", "--json"]))
    return {entry["user"]: entry["mechanisms"] for entry in entries}


@pytest.mark.parametrize("user", MADE)
def test_who_gets_in(postfix_instance: PostfixInstance, listed: dict[str, list[str]], user: str) -> None:
    """Every mechanism that is listed for a user lets the user in, and no other does; somebody deleted is listed nowhere."""
    mechanisms = set(listed.get(user, []))
    entered = {
        (client, mechanism)
        for client, mechanism in LOGINS
        if login(postfix_instance.port, client, mechanism, f"{user}@{REALM}", PASSWORD) == 235
    }
    assert entered == {(client, mechanism) for client, mechanism in LOGINS if mechanism in mechanisms}
    assert (entered == set()) == (user == "deleted")


@pytest.mark.parametrize("user", ["changed", "again"])
def test_the_old_password(postfix_instance: PostfixInstance, listed: dict[str, list[str]], user: str) -> None:
    """After passwd no mechanism takes the old password, however either was stored."""
    assert user in listed
    codes = {login(postfix_instance.port, client, mechanism, f"{user}@{REALM}", OLD) for client, mechanism in LOGINS}
    assert codes <= {535, 454}  # 454: libsasl takes a verifier of another hash for a broken one


@pytest.mark.parametrize("name", ["before@example.com", "moved@example.org"])
def test_the_old_name(postfix_instance: PostfixInstance, listed: dict[str, list[str]], name: str) -> None:
    """Under a name that was given up nobody gets in."""
    assert listed
    codes = {login(postfix_instance.port, client, mechanism, name, PASSWORD) for client, mechanism in LOGINS}
    assert codes == {535}
