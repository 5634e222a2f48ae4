"""A campaign finds what no test notices, leaves the tree alone, and says so."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.mutation import equivalents
from tests.mutation.campaign import sample
from tests.mutation.changes import changes_of

MODULE = """\
def least(a: int, b: int) -> int:
    if a < b:
        return a
    return b


def wait() -> None:
    while waiting:
        pass


waiting = False
"""
TESTS = """\
from sasldb.model.verdict import least, wait


def test_least() -> None:
    assert (least(1, 2), least(2, 1)) == (1, 1)
    wait()
"""
SURVIVOR = "sasldb/model/verdict.py least\n- if a < b:\n+ if a <= b:\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a small checkout with this script, one module and its test."""
    for name in ("mutate",):
        (tmp_path / "script").mkdir()
        shutil.copy(ROOT / "script" / name, tmp_path / "script")
    shutil.copytree(ROOT / "tests/mutation", tmp_path / "tests/mutation")
    (tmp_path / "sasldb/model").mkdir(parents=True)
    (tmp_path / "sasldb/model/verdict.py").write_text(MODULE)
    (tmp_path / "tests/model").mkdir()
    (tmp_path / "tests/model/test_verdict.py").write_text(TESTS)
    (tmp_path / equivalents.LIST).write_text("# none\n")
    (tmp_path / "setup.cfg").write_text("[tool:pytest]\npythonpath = .\nmarkers =\n    real: x\n")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


def mutate(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script of that checkout on its one room."""
    argv = [str(checkout / "script/mutate"), "model", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300, cwd="/")


def contents(checkout: Path) -> dict[str, bytes]:
    """Return what each file of a checkout holds, but for what Python compiled."""
    return {
        str(path): path.read_bytes()
        for path in checkout.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".venv" not in path.parts
    }


def test_a_survivor_is_named(checkout: Path) -> None:
    """What no test notices is told with place and text, exit 1; what is noticed, or never ends, is counted; the tree stays as it was."""
    before = contents(checkout)
    done = mutate(checkout, "7", "--count", "0", "--only", "verdict.py:2", "verdict.py:12")
    assert (done.returncode, done.stderr) == (1, "")
    assert "room model, seed 7: 4 of 4 changes" in done.stdout
    assert f"survived: sasldb/model/verdict.py:2\n{SURVIVOR}" in done.stdout
    assert [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("all ")] == [["3", "0", "1"]]
    assert "timed out" in done.stdout  # `waiting = True`
    assert contents(checkout) == before


def test_a_known_equivalent_is_no_survivor(checkout: Path) -> None:
    """What the list names is reported as such, with its reason, and is not tried; then the exit status is 0."""
    (checkout / equivalents.LIST).write_text(f"{SURVIVOR}= both are the same then\n")
    done = mutate(checkout, "--count", "0", "--only", "verdict.py:2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "equivalent: sasldb/model/verdict.py:2: both are the same then" in done.stdout


def test_a_stale_list_is_an_error(checkout: Path) -> None:
    """An entry that fits nothing is named, exit 3."""
    (checkout / equivalents.LIST).write_text(SURVIVOR.replace("least", "most") + "= some reason\n")
    done = mutate(checkout)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("mutate: tests/equivalent_mutants.txt: stale: sasldb/model/verdict.py most: ")


def test_tests_that_fail_by_themselves(checkout: Path) -> None:
    """Where a test fails without any change nothing is tried, exit 3."""
    (checkout / "tests/model/test_verdict.py").write_text("def test_never() -> None:\n    assert False\n")
    done = mutate(checkout)
    assert done.returncode == 3 and "survived" not in done.stdout
    assert "the tests fail without any change" in done.stderr and "test_never" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make namespaces, and do such harm")
def test_no_harm_is_done(checkout: Path, tmp_path: Path) -> None:
    """What the tests of root write to /etc and /var/tmp is gone with them, and so is a process that they leave behind."""
    lines = ["import pathlib, subprocess", "def test_harm() -> None:"]
    for place in ("/etc", "/var/tmp"):
        lines.append(f"    pathlib.Path('{place}/sasldb-harm').touch()")
    lines.append(f"    subprocess.Popen(['sh', '-c', 'sleep 1; touch {tmp_path}/left'], start_new_session=True)")
    (checkout / "tests/model/test_verdict.py").write_text("\n".join(lines))
    done = mutate(checkout, "--count", "1")
    assert done.returncode == 1, done.stderr
    assert not Path("/etc/sasldb-harm").exists() and not Path("/var/tmp/sasldb-harm").exists()
    assert subprocess.run(["pgrep", "-f", f"touch {tmp_path}/left"], check=False, capture_output=True).returncode == 1


def test_the_sample_is_repeatable_and_has_every_kind() -> None:
    """The same seed chooses the same changes, another one others; each kind is in turn, and none comes twice."""
    changes = changes_of(ROOT, "sasldb/store/copies.py")
    kinds = {change.kind for change in changes}
    first = sample(changes, len(kinds), 1)
    assert {change.kind for change in first} == kinds
    assert [change.identity for change in sample(changes, 50, 1)] == [
        change.identity for change in sample(changes, 50, 1)
    ]
    assert sample(changes, len(kinds), 2) != first
    assert len({id(change) for change in sample(changes, 0, 1)}) == len(changes)
