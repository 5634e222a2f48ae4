"""Every system call of every public function fails once with every error that it can give: none leaves the package bare.

A call of the library ends in a SasldbError or does what it was asked, a command with one of its own exit statuses. After it the
file is the old or the new one, and the next change finds nothing in its way and leaves nothing behind.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import sasldb
from sasldb.errors import NotFound
from tests import campaigns
from tests.conftest import Require, lacking
from tests.faults import library_calls, watching
from tests.faults.databases import Records, build, key, records
from tests.faults.elsewhere import apart
from tests.faults.errnos import ERRORS
from tests.faults.library_calls import COMMANDS, EMPTY, Command, MISSING, OLD, READING, USERS, WRITING, Call
from tests.faults.stages import THEIRS, Stage
from tests.faults.watching import DONE, REFUSED, Called, Decide, Outcome

MOST = 40  # broken promises of one case that are shown
EACH = 12  # errors that a case tries in the suite; a campaign tries all, which are some hundreds
OTP = b"cmusaslsecretOTP"
STATUSES = {DONE, REFUSED, 1}  # of commands; 1: a drop-in failed, or standard output could not be told of a change
PLUGINS = "/sasl2"  # in such a path: without a plug-in the drop-ins store nothing and end with 0, as Cyrus's do

Site = tuple[int, str, str, int]  # the number of the call, its name, what it is about, the error


class Case:
    """One function in one setting, in a process whose mounts are its own."""

    def __init__(self, directory: Path, setting: str, call: Call, after: Records, is_command: bool) -> None:
        self.stage = Stage(directory / "stage", setting if setting != "missing" else "plain")
        self.content = None if setting == "missing" else build(directory / "stage/original", USERS)
        self.before = {} if setting == "missing" else OLD
        self.after = after
        self.is_command = is_command
        self.call = call

    def run(self, decide: Decide) -> Outcome:
        """Lay the place out and run the call."""
        self.stage.lay_out(self.content)
        prepare = self.call.prepare if isinstance(self.call, Command) else bool
        return watching.watch(lambda: self.call(str(self.stage.path)), decide, prepare)

    def sites(self) -> list[Site]:
        """Return each call of a run that nothing disturbs, with each error of that call; they end as they began."""
        seen: list[tuple[int, str, str]] = []
        outcome = self.run(lambda count, called: seen.append((count, called.name, called.where)))
        assert outcome.status == DONE, str(outcome)
        assert self.found() == self.after
        ours = [(count, name, where) for count, name, where in seen if PLUGINS not in where]
        # The package berkeleydb crashes when libdb's close(2) of the draft fails, which it has synced before; the old file stands.
        ours = [(count, name, where) for count, name, where in ours if name != "close" or ".sasldb-" not in where]
        return [(count, name, where, code) for count, name, where in ours for code in ERRORS.get(name, [])]

    def found(self) -> Records | None:
        """Return the records, without the secret that no two runs make alike; None where there is no file."""
        try:
            found = records(self.stage.path)
        except NotFound:
            return None
        found.pop(key("new", OTP), None)
        return found

    def judge(self, outcome: Outcome) -> str:
        """Return which promise is broken, "" where none is; whatever else is raised breaks one too."""
        found = self.found()
        old = found == (None if self.content is None else self.before)
        new = found == self.after
        which = "old" if old else "new" if new else "other"
        allowed = STATUSES if self.is_command else {DONE, REFUSED}
        if outcome.status not in allowed:
            return f"no error of this package, {which} records"
        if outcome.status == DONE and not new:
            return f"done, with the {which} records"
        if not old and not (new and (self.is_command or outcome.status == DONE)):
            return f"refused, with the {which} records"
        with sasldb.edit(str(self.stage.path)) as db:
            db.set_password("next@example.com", b"next-password")
        if self.found() != {**(found or {}), key("next"): b"next-password"}:
            return "the next change found other records"
        return f"litter: {self.stage.litter()}" if self.stage.litter() else ""


def tried(
    directory: Path, name: str, setting: str, call: Call, after: Records, is_command: bool
) -> tuple[int, list[str]]:
    """Let each call fail in each way; return how many failures were tried, and every broken promise."""
    case = Case(directory, setting, call, after, is_command)
    case.run(lambda count, called: None)
    sites = campaigns.sample(f"errors/{name}/{setting}", case.sites(), EACH)
    broken: dict[str, str] = {}  # the errors of one call that come to the same
    for site in sites:

        def decide(count: int, called: Called, site: Site = site) -> int | None:
            return site[3] if (count, called.name) == site[:2] else None

        said = ""
        try:
            outcome = case.run(decide)
            said = str(outcome)
            complaint = case.judge(outcome)
        except Exception as error:
            complaint = f"{type(error).__name__}: {error}"
        if complaint:
            what = f"{site[1]} ({site[0]}: {site[2]}) fails: {complaint}"
            broken[what] = f"{errno.errorcode[site[3]]} {broken.get(what, said)}"
    return len(sites), [f"{what}; {said}" for what, said in broken.items()]


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    """Load here what the forks must not load."""
    if not watching.supported():
        lacking("ptrace", "this machine's system calls are not known here")
    library_calls.preload()


def held(directory: Path, name: str, setting: str, call: Call, after: Records, is_command: bool = False) -> None:
    """Assert that no promise was broken."""
    count, broken = apart([directory], tried, directory, name, setting, call, after, is_command)
    print(f"{name}, {setting}: {count} errors, {len(broken)} broken promises")
    if broken:
        pytest.fail("\n\n".join(broken[:MOST]), pytrace=False)
    assert count >= EACH


@pytest.mark.parametrize("setting", ["plain", "linked", "unwritable"])
@pytest.mark.parametrize("name", READING)
def test_an_error_while_reading_is_ours(tmp_path: Path, require: Require, name: str, setting: str) -> None:
    """Opening, reading and checking a password gives the right result or a SasldbError, whichever call fails."""
    held(tmp_path, name, setting, READING[name], OLD)


@pytest.mark.parametrize("setting", ["plain", "linked", THEIRS, "mounted", "unwritable"])
@pytest.mark.parametrize("name", WRITING)
def test_an_error_while_writing_is_ours(tmp_path: Path, require: Require, name: str, setting: str) -> None:
    """An edit is done, or ends in a SasldbError with the old file there, whichever call fails."""
    held(tmp_path, name, setting, *WRITING[name])


@pytest.mark.parametrize("name", MISSING)
def test_an_error_while_creating_is_ours(tmp_path: Path, require: Require, name: str) -> None:
    """A database is made, or it is not there, whichever call fails."""
    call, after = MISSING[name]
    held(tmp_path, f"make by {name}", "missing", call, after or EMPTY, name in COMMANDS or name == "init")


@pytest.mark.parametrize("setting", ["plain", "linked"])
@pytest.mark.parametrize("name", COMMANDS)
def test_an_error_in_a_command_is_told(tmp_path: Path, require: Require, name: str, setting: str) -> None:
    """A command ends with an exit status of its own and a line that says why, whichever call fails."""
    held(tmp_path, name, setting, *COMMANDS[name], is_command=True)


def test_the_table_covers_what_is_called(tmp_path: Path, require: Require) -> None:
    """Every call that a change in place makes on files is in the table, so that no new one goes untried."""
    unknown = apart([tmp_path], _unknown_calls, tmp_path)
    assert unknown <= HARMLESS, f"not in tests/faults/errnos.py: {sorted(unknown - HARMLESS)}"


# Memory, time, signals, process ids, ioctl on what is no terminal; and what only names the host or a process.
HARMLESS = {f"call {number}" for number in (9, 10, 11, 12, 13, 14, 16, 25, 28, 39, 63, 96, 102, 104, 107, 108, 110)}
HARMLESS |= {f"call {number}" for number in (35, 41, 42, 44, 186, 202, 228, 230, 318, 334, 24, 15, 131, 33, 61)}


def _unknown_calls(directory: Path) -> set[str]:
    found: set[str] = set()
    for setting in ("plain", "linked", "unwritable"):
        case = Case(directory / setting, setting, *WRITING["set_password"], False)
        case.run(lambda count, called: found.add(called.name) if called.name not in ERRORS else None)
    assert os.geteuid() == 0
    return found
