"""script/setup with packages of the tests' own, from a directory instead of an index: what it installs, refuses, and leaves alone."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

PYTHON = "/usr/bin/python3"  # script/setup uses no other


class Checkout:
    """A checkout with script/setup alone, a lock, and a directory of wheels from which pip installs."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "checkout"
        self.wheels = directory / "wheels"
        self.wheels.mkdir()
        (self.home / "script/locks").mkdir(parents=True)
        for name in ("setup", "packages"):
            shutil.copy(ROOT / "script" / name, self.home / "script")
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        version = subprocess.run([PYTHON, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        self.lock = self.home / f"script/locks/python{version}"
        self.stamp = self.home / ".venv/setup-stamp"

    def block(self, name: str, version: str, part: str, right: bool = True) -> str:
        """Make a wheel with one empty module; return its block of a lock, with the hash of another file where it is not to be `right`."""
        path = self.wheels / f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(f"{name}.py", "")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        digest = hashlib.sha256(path.read_bytes() if right else b"another file").hexdigest()
        return f"# for: {part}; needs: nothing\n{name}=={version} \\\n    --hash=sha256:{digest}\n"

    def setup(self, *extras: str) -> tuple[int, str]:
        """Run script/setup; return its exit status and what it printed, all of it on standard error."""
        environment = {
            "PATH": os.environ["PATH"],
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
        }
        argv = [str(self.home / "script/setup"), *extras]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=600, check=False)
        assert done.stdout == ""
        return done.returncode, done.stderr

    def installed(self) -> set[str]:
        """Return name-version of each package of these tests that is in the environment."""
        return {
            path.name[: -len(".dist-info")] for path in self.home.glob(".venv/lib/*/site-packages/thing*.dist-info")
        }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a checkout in which the tests install packages of different names: making an environment takes seconds."""
    return Checkout(tmp_path_factory.mktemp("setup"))


def test_only_what_is_outstanding_is_installed(checkout: Checkout) -> None:
    """Each part is installed once; a second run is silent, and so is one for less; a newer lock replaces one release and nothing else."""
    head = "# extras: dev\n"
    one, two = checkout.block("thingone", "1.0", "core"), checkout.block("thingtwo", "1.0", "dev")
    checkout.lock.write_text(head + one + two)
    assert checkout.setup() == (0, "script/setup: installing into .venv: thingone 1.0\n")
    assert checkout.setup() == (0, "")
    assert checkout.setup("dev") == (0, "script/setup: installing into .venv: thingtwo 1.0\n")
    assert checkout.setup("dev") == checkout.setup() == (0, "")
    checkout.lock.write_text(head + checkout.block("thingone", "1.1", "core") + two)
    assert checkout.setup("dev") == (0, "script/setup: installing into .venv: thingone 1.1\n")
    assert {"thingone-1.1", "thingtwo-1.0"} <= checkout.installed() and "thingone-1.0" not in checkout.installed()
    assert {"thingone==1.1", "thingtwo==1.0"} <= set(checkout.stamp.read_text().splitlines()[1:])
    checkout.lock.write_text(head + one + two)
    assert checkout.setup() == (0, "script/setup: installing into .venv: thingone 1.0\n")


def test_another_file_than_the_locked_one_is_refused(checkout: Checkout) -> None:
    """A file with another hash, and one with none in the lock, are not installed; a later run begins again where this one stopped."""
    head = "# extras: dev\n"
    for bad in (checkout.block("thing", "1.0", "core", right=False), "# for: core; needs: nothing\nthing==1.0\n"):
        checkout.lock.write_text(head + bad)
        status, told = checkout.setup()
        assert status != 0 and "hash" in told.lower(), told
        assert "thing-1.0" not in checkout.installed() and "thing==1.0" not in checkout.stamp.read_text()
    checkout.lock.write_text(head + checkout.block("thing", "1.0", "core"))
    assert checkout.setup()[0] == 0 and "thing-1.0" in checkout.installed()


def test_a_python_without_a_lock_is_named(checkout: Checkout) -> None:
    """Nothing is installed unlocked where there is no lock for this Python: the message says how to make one."""
    checkout.lock.unlink(missing_ok=True)
    status, told = checkout.setup()
    assert status == 1
    assert told.startswith(
        f"script/setup: there is no script/locks/{checkout.lock.name}; to make it, run: script/lock "
    )
