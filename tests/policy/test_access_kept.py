"""Nobody but others loses access to the default database by a change: tried as real users, over owners, groups, modes, lists and links."""

from __future__ import annotations

import itertools
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT as CHECKOUT
from tests.conftest import Commands, Require
from tests.real.namespace import PrivateEtc

OWNERS = ["root", "cyrus", "postfix", "memcache", "4321"]
GROUPS = ["root", "sasl", "mail", "memcache", "empty", "postfix", "4321"]
MODES = ["0600", "0620", "0640", "0660", "0644", "0666", "0604", "0400", "0440", "0060", "2640"]
MEMBERS = ["", "root", "cyrus", "cyrus,postfix", "postfix"]
ACLS = [
    "u:cyrus:r",
    "u:cyrus:rw",
    "g:memcache:r",
    "u:cyrus:r,g::-",
    "u:cyrus:rw,g::r,m::r",
    "u:postfix:r,u:cyrus:rw,g:memcache:rw,g::-",
    "u:cyrus:rw,g::rw,m::-",
    "u:postfix:-",
]
LAYOUTS = ["plain", "symlink", "hardlink", "chroot"]
SERVED = {"postfix"}  # who may gain: smtpd reads a default database
HAS_MEMBERS = {"mail", "memcache", "postfix"}

Case = dict[str, str]
Outcome = dict[str, Any]


def case(
    owner: str, group: str, mode: str, members: str, acl: str = "", layout: str = "plain", command: str = ""
) -> Case:
    """Return a case, as `ownership_inside` takes it."""
    return {
        **{"owner": owner, "group": group, "mode": mode, "members": members},
        **{"acl": acl, "layout": layout, "command": command},
    }


def tried(private_etc: PrivateEtc, cases: list[Case]) -> list[Outcome]:
    """Run cases inside, ordered so that the users are made seldom, and some at a time: `run` waits for 30 seconds."""
    ordered = sorted(cases, key=lambda each: each["members"])
    script = str(Path(__file__).with_name("ownership_inside.py"))
    outcomes: list[Outcome] = []
    for at in range(0, len(ordered), 100):
        some = json.dumps(ordered[at : at + 100]).encode()
        done = private_etc.run(sys.executable, script, str(CHECKOUT), stdin=some)
        assert done.returncode == 0, done.stderr.decode()
        outcomes += json.loads(done.stdout)
    assert len(outcomes) == len(cases)
    return outcomes


def wrong(outcome: Outcome) -> list[str]:
    """Return what is wrong with one outcome, [] when nothing is."""
    found = []
    before, after, made = outcome["before"], outcome["after"], outcome["case"]
    for user, rights in before.items():
        if set(rights) - set(after[user]):
            found.append(f"{user} had {rights}, has {after[user]}")
        may_gain = "rw" if user == made["owner"] else "r" if user in SERVED else ""  # an owner can give himself all
        if set(after[user]) - set(rights) - set(may_gain):
            found.append(f"{user} had {rights}, and gained {after[user]}")
    if after["plain"]:
        found.append("a stranger gets in")
    if int(outcome["is"][-4:], 8) & 0o7007:
        found.append("something is left for others")
    hints = [line for line in outcome["said"] if "smtpd (user postfix) cannot read it" in line]
    if len(hints) != ("r" not in after["postfix"]):
        found.append(f"said of how smtpd gets in: {hints}")
    if hints and not made["acl"] and "r" in mode_of_group(outcome["is"]):
        if f"usermod -a -G {made['group']} postfix" not in hints[0]:
            found.append(f"not said what helps: {hints[0]}")
    if outcome["was"] != outcome["is"] and not any(f"is now {outcome['is']}" in line for line in outcome["said"]):
        found.append("the change was not told")
    if not made["acl"]:
        found += wrong_by_the_rule(outcome, made)
    return [f"{made}: {outcome['was']} -> {outcome['is']}: {each}" for each in found]


def wrong_by_the_rule(outcome: Outcome, made: Case) -> list[str]:
    """Return in what a file without a list is not as the rule has it."""
    owned, mode = outcome["is"].split()
    owner, group = owned.split(":")
    members = set(made["members"].split(",")) - {"", "root"} if made["group"] == "sasl" else set()
    gives_access = (made["group"] in HAS_MEMBERS or members) and int(made["mode"], 8) & 0o060
    found = []
    if group != (made["group"] if gives_access else "postfix"):
        found.append(f"the group is {group}")
    if made["owner"] in ("root", "4321") and owner != "root":
        found.append("it is not root's")
    if made["owner"] in ("root", "4321") and not gives_access and mode != "0640":
        found.append("the mode is not 0640")
    if gives_access and group != "postfix" and int(mode, 8) & 0o070 != int(made["mode"], 8) & 0o070:
        found.append("the group's bits are others")
    return found


def mode_of_group(described: str) -> str:
    """Return "r" where the mode lets the group read."""
    return "r" if int(described[-4:], 8) & 0o040 else ""


@pytest.mark.parametrize("members", MEMBERS)
def test_every_owner_group_and_mode(private_etc: PrivateEtc, members: str) -> None:
    """Who could read or write, and is not others, still can; nobody but smtpd gains; and the line says how smtpd gets in, when it does not."""
    cases = [case(owner, group, mode, members) for owner, group, mode in itertools.product(OWNERS, GROUPS, MODES)]
    assert [each for outcome in tried(private_etc, cases) for each in wrong(outcome)] == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_access_control_lists_and_links(private_etc: PrivateEtc, require: Require, layout: str) -> None:
    """The same holds for entries of access control lists, and where the file is a link, has a second name, or is the copy in the chroot."""
    require("strace", "setfacl")
    chosen = random.Random(layout)
    product = list(itertools.product(OWNERS, GROUPS, MODES, MEMBERS, ["", *ACLS]))
    cases = [case(*each, layout) for each in chosen.sample(product, 500)]
    outcomes = tried(private_etc, cases)
    assert [each for outcome in outcomes for each in wrong(outcome)] == []
    if layout == "hardlink":
        assert all(outcome["same_inode"] and outcome["links"] == 2 for outcome in outcomes)


COMMANDS = [
    "printf x | saslpasswd2 -p -c -u example.com bob",
    "saslpasswd2 -d -u example.com alice",
    "sasldb add --generate bob@example.com",
    "sasldb passwd --generate alice@example.com",
    "sasldb delete alice@example.com",
    "sasldb rename alice@example.com anna@example.com",
    "sasldb rename-realm example.com example.org",
    "sasldb copy-realm example.com example.org",
    "sasldb harden --all",
    """echo '{"users": [{"name": "bob@example.com", "password": "x"}]}' | sasldb apply -""",
    "sasldb init",
]
TYPICAL: list[tuple[str, ...]] = [
    ("root", "sasl", "0660", "cyrus"),
    ("root", "sasl", "0640", ""),
    ("root", "sasl", "0644", "cyrus,postfix"),
    ("root", "root", "0644", ""),
    ("root", "postfix", "0660", ""),
    ("cyrus", "mail", "0600", "cyrus"),
    ("memcache", "memcache", "0666", ""),
    ("root", "root", "0640", "cyrus", "u:cyrus:rw,g::-"),
    ("cyrus", "mail", "0600", "cyrus", "", "hardlink"),
    ("memcache", "root", "0664", "", "", "symlink"),
    ("root", "sasl", "0660", "cyrus", "", "chroot"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command(private_etc: PrivateEtc, require: Require, command: str) -> None:
    """Each command that changes the database leaves everybody in, whatever its change is; of a file of zero bytes too."""
    require("strace", "setfacl")
    cases = [case(*each) for each in TYPICAL]
    if "init" in command:  # which leaves a copy alone that has users of its own
        cases = [each for each in cases if each["layout"] != "chroot"]
    outcomes = tried(private_etc, [{**each, "command": command} for each in cases])
    assert {outcome["status"] for outcome in outcomes} == {0}
    assert [each for outcome in outcomes for each in wrong(outcome)] == []


@pytest.mark.parametrize("owner, group, numbers", [("root", "empty", "1804 1806"), ("4321", "root", "4321 4321")])
def test_running_processes(private_etc: PrivateEtc, owner: str, group: str, numbers: str) -> None:
    """A group that only a process has, as a service manager gives it, and an owner whom no account names, count while the process runs."""
    uid, gid = numbers.split()
    started = f"setpriv --reuid={uid} --regid={gid} --clear-groups sleep 20 >/dev/null 2>&1 & "
    change = "printf x | saslpasswd2 -p -c -u example.com bob"
    quiet, kept = (
        tried(private_etc, [case(owner, group, "0660", "", command=command)])[0]
        for command in (change, f"{started} sleep 0.2; {change}; status=$?; kill $!; exit $status")
    )
    assert (quiet["is"], quiet["status"], kept["status"]) == ("root:postfix 0640", 0, 0)
    assert kept["is"] == (f"{owner}:{group} 0660" if owner == "root" else "4321:postfix 0640")
    assert ("process " in " ".join(kept["said"])) == (owner == "root")


def test_no_advice_where_smtpd_has_its_copy(private_etc: PrivateEtc) -> None:
    """Where smtpd reads the copy in its chroot, nothing is said of a database that it cannot read, which keeps its group."""
    share = "chown root:sasl /etc/sasldb2; chmod 0660 /etc/sasldb2"
    command = f"{share}; printf x | saslpasswd2 -p -c -u example.com bob; stat -c '%U:%G %a' /etc/sasldb2 >&2"
    (outcome,) = tried(private_etc, [case("root", "postfix", "0640", "cyrus", "", "chroot", command)])
    assert (outcome["said"], outcome["is"]) == (["root:sasl 660"], "root:postfix 0640")
    assert wrong(outcome) == []


def test_two_names_of_one_number(private_etc: PrivateEtc, commands: Commands) -> None:
    """smtpd has the groups of the user that Postfix names, also where another name of the same number comes first in /etc/passwd."""
    host = r"""
set -e
printf 'root:x:0:0::/:\nother:x:1801:1809::/:\npostfix:x:1801:1801::/:\n' > /etc/passwd
printf 'root:x:0:\npostfix:x:1801:\nsasl:x:1805:postfix\nother:x:1809:\n' > /etc/group
rm -f /etc/sasldb2
"$0" init -f /etc/sasldb2
chown root:sasl /etc/sasldb2
printf x | "$0" add -f /etc/sasldb2 --password-stdin alice@example.com
stat -c '%U:%G %a' /etc/sasldb2
rm /etc/sasldb2
"""
    done = private_etc.run("sh", "-c", host, commands.sasldb)
    assert (done.stderr, done.stdout.splitlines()[-1]) == (b"", b"root:sasl 640")
