"""sasldb.sasldb.user, in the real ansible-playbook: create, rotate, remove; check mode, diff mode; a second run is ok; no secret shows."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sasldb.store.reading import Database
from tests.ansible.conftest import BIN, Play, environment, every_argument_list
from tests.conftest import ROOT

pytestmark = pytest.mark.real

FIRST, SECOND = "wonderland-4711", "looking-glass-0815"
SECRETS = {"first": FIRST, "second": SECOND}
ALICE = {"name": "alice@example.com"}


def accepts(path: Path, login: str, password: str) -> bool:
    """Return whether the database accepts that password of `login`."""
    with Database(str(path)) as database:
        return bool(database.verify(login, password.encode()))


def properties(path: Path, login: str) -> set[str]:
    """Return the names of what is stored for `login`."""
    with Database(str(path)) as database:
        account = database.get(login)
    return set() if account is None else set(account.properties)


def test_a_users_life(play: Play, tmp_path: Path) -> None:
    """Created, rotated, hardened and removed: each step changes once, its repetition is ok, and check mode changes nothing.

    All of it under -vvv and --diff: neither password is in the output, an argument list or an environment at any time.
    """
    seen: set[bytes] = set()
    rotated = {**ALICE, "password": "{{ second }}"}
    hardened = {**rotated, "no_plaintext": True}
    gone = {**ALICE, "state": "absent"}
    steps = [
        {**ALICE, "password": "{{ first }}"},
        {**ALICE, "password": "{{ first }}"},
        {**rotated, "check_mode": True},
        rotated,
        rotated,
        {**hardened, "check_mode": True},
        hardened,
        hardened,
        {**gone, "check_mode": True},
        gone,
        gone,
    ]
    played = play(steps, SECRETS, ["-vvv", "--diff"], watch=lambda: seen.update(every_argument_list()))
    assert played.status == 0, played.output
    found = [(result["changed"], result["action"], result["reason"]) for result in played.results]
    ok = (False, "none", "")
    update, store, delete = (True, "update", "password"), (True, "update", "storage"), (True, "delete", "absent")
    assert found == [(True, "create", "new"), ok, update, update, ok, store, store, ok, delete, delete, ok]
    assert properties(tmp_path / "db", "alice@example.com") == set()
    for password in FIRST, SECOND:
        assert password not in played.output
        assert not any(password.encode() in text for text in seen)
    assert any(b"ansible-playbook" in text for text in seen)
    shown = {
        line for line in played.output.splitlines() if line[:1] in "+-" and "alice@example.com: " in line
    }  # --diff
    assert any(line.startswith("+") and "userPassword" in line for line in shown)
    assert any(line.startswith("-") and "userPassword" in line for line in shown)
    assert any(line.startswith("+") and "authPassword" in line for line in shown)


def test_what_is_stored(play: Play, tmp_path: Path) -> None:
    """The password is stored as asked, in the realm asked for, and the file has the owner and mode asked for."""
    users = [
        {"name": "alice", "realm": "example.com", "password": "{{ first }}", "mode": "0600"},
        {
            "name": "bob@example.org",
            "password": "{{ second }}",
            "no_plaintext": True,
            "scram": "SHA-512",
            "mode": 0o600,
        },
    ]
    played = play(users, SECRETS)
    assert played.status == 0, played.output
    assert accepts(tmp_path / "db", "alice@example.com", FIRST)
    assert accepts(tmp_path / "db", "bob@example.org", SECOND)
    assert "userPassword" in properties(tmp_path / "db", "alice@example.com")
    assert properties(tmp_path / "db", "bob@example.org") == {"authPassword", "cmusaslsecretPLAIN"}
    assert (tmp_path / "db").stat().st_mode & 0o777 == 0o600
    assert "WARNING" not in played.output
    assert played.results[0]["notes"] == [f"made {tmp_path}/db"]
    assert [(result["user"], result["realm"]) for result in played.results] == [
        ("alice", "example.com"),
        ("bob", "example.org"),
    ]


def test_second_run_leaves_the_file_alone(play: Play, tmp_path: Path) -> None:
    """A playbook that changes nothing leaves inode and time stamps as they are."""
    users = [{**ALICE, "password": "{{ first }}"}, {"name": "bob@x", "password": "{{ second }}", "no_plaintext": True}]
    assert play(users, SECRETS).status == 0
    before = os.stat(tmp_path / "db")
    played = play(users, SECRETS)
    after = os.stat(tmp_path / "db")
    assert not any(result["changed"] for result in played.results)
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )


def test_check_mode_makes_no_file(play: Play, tmp_path: Path) -> None:
    """--check tells of the user who would be made, and makes no database."""
    played = play([{**ALICE, "password": "{{ first }}"}], SECRETS, ["--check"])
    assert (played.status, played.results[0]["changed"]) == (0, True), played.output
    assert not (tmp_path / "db").exists()


def test_password_on_create_only(play: Play, tmp_path: Path) -> None:
    """update_password: on_create leaves the password that a user has meanwhile chosen, and no password at all does too."""
    first = {**ALICE, "password": "{{ first }}"}
    later = {**ALICE, "password": "{{ second }}", "update_password": "on_create"}
    played = play([first, later, ALICE], SECRETS)
    assert [result["changed"] for result in played.results] == [True, False, False], played.output
    assert accepts(tmp_path / "db", "alice@example.com", FIRST)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"name": "alice@x"}, "not there, and the desired state has no password"),
        ({"name": "alice@x", "realm": "y", "password": "{{ first }}"}, "beside a name that has its own"),
        ({"name": "alice@x", "password": "{{ first }}", "mode": "0644"}, "no permission for others"),
        ({"name": "alice@x", "password": "{{ first }}", "scram": "SHA-1"}, "only with no_plaintext"),
        ({"name": "alice@x", "password": "{{ first }}", "path": "/dev/null"}, "/dev/null"),
        ({"name": "@x", "password": "{{ first }}"}, "an empty user name"),
        ({"name": "alice@x", "password": ""}, "empty"),
    ],
    ids=["no password", "two realms", "mode", "scram", "no file", "no name", "empty password"],
)
def test_failures_say_why(play: Play, tmp_path: Path, options: dict[str, str], message: str) -> None:
    """What cannot be is a failed task with the reason, without a traceback or a secret, and nothing is made."""
    played = play([options], SECRETS, ["-vvv"])
    assert played.status != 0
    assert message in played.output
    assert "Traceback" not in played.output and FIRST not in played.output
    assert not (tmp_path / "db").exists()


def test_library_missing(play: Play, tmp_path: Path) -> None:
    """A host whose Python has no sasldb is told so, by name."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True, timeout=60)
    played = play([{**ALICE, "password": "{{ first }}"}], SECRETS, python=str(tmp_path / "bare/bin/python"))
    assert played.status != 0
    assert "Failed to import the required Python library (sasldb)" in played.output


def test_documentation(collection: Path, tmp_path: Path) -> None:
    """ansible-doc shows the module, and documents exactly the options that it takes, with their defaults and choices."""
    argv = [str(BIN / "ansible-doc"), "-t", "module", "-j", "sasldb.sasldb.user"]
    env = environment(tmp_path, collection)
    done = subprocess.run(argv, env=env, cwd=tmp_path, capture_output=True, check=True, timeout=60)
    documented = json.loads(done.stdout)["sasldb.sasldb.user"]["doc"]["options"]
    script = "import json, user; print(json.dumps(user.ARGUMENTS))"
    modules = collection / "ansible_collections/sasldb/sasldb/plugins/modules"
    spec = json.loads(
        subprocess.run([sys.executable, "-c", script], cwd=modules, capture_output=True, check=True).stdout
    )
    assert documented.keys() == spec.keys()
    for name, argument in spec.items():
        for key in "type", "default", "choices", "required":
            expected = argument.get(key, False if key == "required" else None)
            assert documented[name].get(key, False if key == "required" else None) == expected, (name, key)


def test_saslprep_is_a_warning(play: Play) -> None:
    """A password that some clients would change is warned of."""
    played = play([{**ALICE, "password": "{{ odd }}"}], {"odd": "x\u00a0y"})
    assert played.status == 0 and "SASLprep" in played.output


def test_version() -> None:
    """The collection has the version of the package."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert yaml.safe_load((ROOT / "ansible/galaxy.yml").read_text())["version"] == config["metadata"]["version"]
