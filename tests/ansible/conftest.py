"""What tests of the collection share: the real ansible-playbook, run against localhost, with the collection installed by ansible-galaxy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Optional

import pytest

from tests.conftest import ROOT, lacking

BIN = Path(sys.executable).parent
Task = dict[str, Any]


class Played:
    """What a playbook came to: `status`, `output` (standard output and error, text), and of each task that ran its result."""

    def __init__(self, status: int, output: str, results: list[Any]) -> None:
        self.status = status
        self.output = output
        self.results = results


Play = Callable[..., Played]


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory where ansible-galaxy has installed the collection."""
    if not (BIN / "ansible-galaxy").exists():
        lacking("ansible", "ansible-core is not installed; script/setup test installs it")
    path = tmp_path_factory.mktemp("collections")
    argv = [str(BIN / "ansible-galaxy"), "collection", "install", str(ROOT / "ansible"), "-p", str(path), "--offline"]
    subprocess.run(argv, check=True, capture_output=True, timeout=60, env=environment(path, path), cwd=path)
    return path


def environment(home: Path, collections: Path) -> dict[str, str]:
    """Return the environment of Ansible's programs: nothing of whoever runs the tests."""
    return {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@pytest.fixture
def play(collection: Path, tmp_path: Path) -> Play:
    """Return `play(tasks, variables={}, options=(), python=..., watch=None) -> Played`.

    `tasks` are options of sasldb.sasldb.user; `path` defaults to `db` in the test's directory. `variables` reach the playbook in a
    file. `watch` is called again and again while it runs.
    """

    def run(
        tasks: Sequence[Task],
        variables: Optional[dict[str, str]] = None,
        options: Sequence[str] = (),
        python: str = sys.executable,
        watch: Optional[Callable[[], None]] = None,
    ) -> Played:
        book = tmp_path / "playbook.json"
        book.write_text(json.dumps([playbook(tasks, tmp_path)]))
        (tmp_path / "variables.json").write_text(json.dumps(variables or {}))
        argv = [str(BIN / "ansible-playbook"), "-i", "localhost,", "-e", "@variables.json", *options, str(book)]
        env = environment(tmp_path, collection) | {"ANSIBLE_PYTHON_INTERPRETER": python}
        if python == sys.executable:
            env["PYTHONPATH"] = str(ROOT)
        process = subprocess.Popen(
            argv, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        while watch is not None and process.poll() is None:
            watch()
            time.sleep(0.01)
        output, _ = process.communicate(timeout=60)
        written = tmp_path / "results.json"
        results = json.loads(written.read_text()) if written.exists() else []
        return Played(process.returncode, output.decode(), results)

    return run


def playbook(tasks: Sequence[Task], directory: Path) -> dict[str, Any]:
    """Return a play of `tasks`; its last one writes what they came to into `results.json`, in check mode too."""
    steps: list[dict[str, Any]] = []
    for number, options in enumerate(tasks):
        step: dict[str, Any] = {"sasldb.sasldb.user": {"path": str(directory / "db"), **options}}
        check = step["sasldb.sasldb.user"].pop("check_mode", None)
        steps.append(step | {"register": f"result{number}"} | ({} if check is None else {"check_mode": check}))
    names = ", ".join(f"result{number}" for number in range(len(tasks)))
    write = {"content": f"{{{{ [{names}] | to_json }}}}", "dest": str(directory / "results.json"), "mode": "0600"}
    steps.append({"ansible.builtin.copy": write, "check_mode": False, "diff": False})
    return {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": steps}


def every_argument_list() -> list[bytes]:
    """Return the argument lists and environments of all processes, as far as they may be seen."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in "cmdline", "environ":
            try:
                found.append(Path("/proc", pid, name).read_bytes())
            except OSError:
                continue
    return found
