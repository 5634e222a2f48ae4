"""Killed at any moment: the file is the old or the new one, and the next command works at once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import campaigns
from tests.conftest import Commands, CyrusTools, lacking
from tests.faults import bulk_edit, tracer
from tests.faults.campaign import ANY, ONE_IN, Scenario, Tally, besiege
from tests.faults.databases import Records, build, key, records

USERS = 12
FEWEST = 100  # calls of a run; fewer would mean that the tracer missed some
OTP = b"cmusaslsecretOTP"


class Siege:
    """Builds and runs scenarios on a database of a dozen users, whose records are `before`."""

    def __init__(self, directory: Path, commands: Commands, cyrus: CyrusTools) -> None:
        self.directory = directory
        self.content = build(directory / "original", USERS)
        self.before = records(directory / "original")
        self.commands = commands
        self.db_verify = cyrus.db_verify

    def saslpasswd2(self, *options: str) -> list[str]:
        """Return the argv of our saslpasswd2 on the database under siege."""
        return [self.commands.saslpasswd2, "-f", "DATABASE", "-u", "example.com", *options]

    def run(self, argv: list[str], after: Records, setting: str = "plain", missing: bool = False) -> Tally:
        """Besiege `argv`, after which the records are `after`; with `missing` there is no database at first."""
        scenario = Scenario(argv, b"new-password\n", None if missing else self.content, after)
        scenario.setting = setting
        scenario.next_command = self.saslpasswd2("-p", "-c", "next")
        scenario.db_verify = self.db_verify
        return besiege(scenario, self.directory)


@pytest.fixture
def siege(tmp_path: Path, commands: Commands, cyrus: CyrusTools) -> Siege:
    """Return what a test needs to run a campaign."""
    if not tracer.supported():
        lacking("ptrace", "this machine's system calls are not known to the tracer")
    return Siege(tmp_path, commands, cyrus)


def held(tally: Tally) -> None:
    """Assert that every kill kept the promises, and that kills fell on both sides of the change."""
    print(f"{tally.kills} kills: {tally.old} old, {tally.new} new")
    assert not tally.broken, "\n".join(tally.broken)
    assert tally.kills > campaigns.count(FEWEST // ONE_IN - 1, FEWEST) and tally.old and tally.new


def stored(user: str) -> Records:
    """Return the records that our saslpasswd2 stores for `user` here."""
    return {key(user): b"new-password", key(user, OTP): ANY}


@pytest.mark.parametrize("setting", ["plain", "linked", "mounted"])
def test_a_killed_create_leaves_the_old_or_the_new_file(siege: Siege, setting: str) -> None:
    """A new user is there with every record or with none, also where the file can only be overwritten."""
    held(siege.run(siege.saslpasswd2("-p", "-c", "new"), {**siege.before, **stored("new")}, setting))


def test_a_killed_first_create_leaves_no_file_or_the_new_one(siege: Siege) -> None:
    """Where there was no file, there is none or a whole one, never a half-made one that blocks the next command."""
    held(siege.run(siege.saslpasswd2("-p", "-c", "new"), stored("new"), missing=True))


def test_a_killed_change_leaves_the_old_or_the_new_file(siege: Siege) -> None:
    """A changed password is the old one alone or the new one with all its records."""
    held(siege.run(siege.saslpasswd2("-p", "user5"), {**siege.before, **stored("user5")}))


@pytest.mark.parametrize("setting", ["plain", "linked"])
def test_a_killed_delete_leaves_the_old_or_the_new_file(siege: Siege, setting: str) -> None:
    """A deleted user is there as before or not at all."""
    after = {name: value for name, value in siege.before.items() if name != key("user5")}
    held(siege.run(siege.saslpasswd2("-d", "user5"), after, setting))


def test_a_killed_bulk_edit_leaves_the_old_or_the_new_file(siege: Siege) -> None:
    """An edit of many users through the library is done as a whole or not begun."""
    after = {**siege.before, **bulk_edit.ADDED}
    del after[key("user1")]
    held(siege.run([sys.executable, "-I", bulk_edit.__file__, "DATABASE"], after))
