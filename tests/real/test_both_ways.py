"""Our commands and the real ones work on the same file: what either writes, the other reads, and in any order."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import campaigns
from tests.conftest import Commands, CyrusTools

REALM = b"example.com"
USERS = [b"alice", b"Alice", b"bob smith", "zoë".encode(), b"\xff\xfe", b"dash-", b"x" * 300]
PLAINTEXT, VERIFIER, PLAIN, OTP = b"userPassword", b"authPassword", b"cmusaslsecretPLAIN", b"cmusaslsecretOTP"

Records = dict[bytes, set[bytes]]  # user -> names of its properties


def run(program: str, *arguments: bytes | str | Path, stdin: bytes = b"") -> bytes:
    """Run a command that must succeed and say nothing on stderr, and return its stdout (bytes)."""
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def listing(records: Records) -> list[bytes]:
    """Return, sorted, the lines that sasldblistusers2 prints for `records`."""
    return sorted(b"%b@%b: %b" % (user, REALM, name) for user, names in records.items() for name in names)


@pytest.mark.parametrize("user", USERS)
def test_real_tools_read_what_we_write(tmp_path: Path, commands: Commands, cyrus: CyrusTools, user: bytes) -> None:
    """A user of ours is listed by the real tool, in a file that Berkeley DB verifies and whose password is the one given."""
    database = tmp_path / "sasldb2"
    run(commands.saslpasswd2, "-c", "-p", "-f", database, "-u", REALM, user, stdin=b"pass w\xc3\xb6rd\n")
    names = {PLAINTEXT, OTP} if cyrus.otp_installed else {PLAINTEXT}
    assert sorted(run(cyrus.sasldblistusers2, "-f", database).splitlines()) == listing({user: names})
    assert cyrus.records(database)[b"%b\0%b\0%b" % (user, REALM, PLAINTEXT)] == b"pass w\xc3\xb6rd"


@pytest.mark.parametrize("user", USERS)
def test_we_read_what_real_tools_write(tmp_path: Path, commands: Commands, cyrus: CyrusTools, user: bytes) -> None:
    """A user of the real tool is listed by ours, byte for byte as by the real one."""
    database = tmp_path / "sasldb2"
    run(cyrus.saslpasswd2, "-c", "-p", "-f", database, "-u", REALM, user, stdin=b"secret\n")
    real = run(cyrus.sasldblistusers2, "-f", database)
    assert REALM in real
    assert run(commands.sasldblistusers2, "-f", database) == real


def steps(seed: int, count: int) -> Iterator[tuple[bool, str, bytes, bytes]]:
    """Yield `count` changes: whether it is ours to do, what (set, verifier, delete), the user, the password."""
    draw = campaigns.chance(f"both ways {seed}")
    for number in range(count):
        action = draw.choice(["set", "set", "set", "verifier", "delete"])
        yield draw.random() < 0.5, action, draw.choice(USERS), b"password %d" % number


def expected(names: set[bytes], ours: bool, action: str, otp: set[bytes]) -> set[bytes]:
    """Return the properties of a user after a change; where ours and the real tool differ is in the README."""
    if action == "delete":
        return set() if ours else names & {VERIFIER}
    if action == "verifier":
        return {VERIFIER, PLAIN} | otp if ours else (names - {PLAIN}) | otp
    return (names & {VERIFIER}) | {PLAINTEXT} | otp


@pytest.mark.parametrize("seed", range(campaigns.count(2, 50)))
def test_interleaved_on_one_file(tmp_path: Path, commands: Commands, cyrus: CyrusTools, seed: int) -> None:
    """Forty changes by ours and the real tool in random order: after each both list the same, and what is expected."""
    database = tmp_path / "sasldb2"
    options = {"set": ["-c", "-p"], "verifier": ["-c", "-p", "-n"], "delete": ["-d"]}
    otp = {OTP} if cyrus.otp_installed else set()
    properties: Records = {}
    passwords: dict[bytes, bytes] = {}
    for ours, action, user, password in steps(seed, 40):
        program = commands.saslpasswd2 if ours else cyrus.saslpasswd2
        run(program, *options[action], "-f", database, "-u", REALM, user, stdin=password + b"\n")
        properties[user] = expected(properties.get(user, set()), ours, action, otp)
        if action == "set":
            passwords[user] = password
        real = run(cyrus.sasldblistusers2, "-f", database)
        assert sorted(real.splitlines()) == listing(properties)
        assert run(commands.sasldblistusers2, "-f", database) == real
    stored = cyrus.records(database)
    plaintexts = {user: stored.get(b"%b\0%b\0%b" % (user, REALM, PLAINTEXT)) for user in properties}
    assert plaintexts == {user: passwords[user] if PLAINTEXT in properties[user] else None for user in properties}
