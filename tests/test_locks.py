"""script/locks: for each Python, releases that setup.cfg allows, with all that these need, each with the hashes of its files."""

from __future__ import annotations

import configparser
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.conftest import ROOT

LOCKS = sorted((ROOT / "script/locks").iterdir(), key=lambda path: Version(path.name[len("python") :]))
BLOCK = re.compile(
    r"# for: ([\w ]+); needs: ([\w -]+)\n([a-z0-9-]+)==([\w.]+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n"
)
each_lock = pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)


class Release:
    """A block of a lock: `name`, `version`, the parts of setup.cfg that ask `for_` it, and the names that it `needs`."""

    def __init__(self, block: tuple[str, ...]) -> None:
        for_, needs, self.name, self.version, hashes = block
        self.for_ = set(for_.split())
        self.needs = set(needs.split()) - {"nothing"}
        self.hashes = re.findall(r"[0-9a-f]{64}", hashes)


def releases(path: Path) -> dict[str, Release]:
    """Return the blocks of a lock, by name; nothing else may be in it."""
    text = path.read_text()
    head = re.match(r"(#.*\n)+?# extras: .*\n", text)
    assert head and BLOCK.sub("", text[head.end() :]) == ""
    found = [Release(block) for block in BLOCK.findall(text)]
    assert sorted(release.name for release in found) == [release.name for release in found]
    return {release.name: release for release in found}


def asked(version: str) -> dict[str, list[Requirement]]:
    """Return what setup.cfg asks for under this Python, by "core" and extra."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    texts = {"core": config["options"]["install_requires"], **config["options.extras_require"]}
    environment = {"python_version": version, "python_full_version": f"{version}.0", "extra": ""}
    wanted = {part: [Requirement(line) for line in text.splitlines() if line] for part, text in texts.items()}
    return {
        part: [each for each in lines if each.marker is None or each.marker.evaluate(environment)]
        for part, lines in wanted.items()
    }


def test_every_promised_python_has_a_lock() -> None:
    """There is a lock for each Python from the oldest that setup.cfg allows, without a gap, and for the one that runs here."""
    names = [path.name for path in LOCKS]
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    oldest = int(config["options"]["python_requires"].rpartition(".")[2])
    assert names == [f"python3.{minor}" for minor in range(oldest, oldest + len(names))]
    assert f"python3.{sys.version_info[1]}" in names


@each_lock
def test_a_lock_has_what_setup_cfg_asks_for(path: Path) -> None:
    """Each requirement of setup.cfg is a release in its range, marked as being for that extra; the extras of the head are those of setup.cfg."""
    found = releases(path)
    wanted = asked(path.name[len("python") :])
    assert f"# extras: {' '.join(part for part in wanted if part != 'core')}\n" in path.read_text()
    for part, requirements in wanted.items():
        for requirement in requirements:
            release = found[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(release.version), f"{requirement} and {release.version}"
            assert part in release.for_, f"{release.name} is not for {part}"


@each_lock
def test_a_lock_is_complete(path: Path) -> None:
    """What a release needs is locked too, for the same parts or for everybody; each release has the hash of its source or of several wheels."""
    found = releases(path)
    for release in found.values():
        assert (
            len(release.hashes) == len(set(release.hashes)) >= (1 if release.name == "berkeleydb" else 2)
        ), release.name
        for name in release.needs:
            assert found[name].for_ & {"core"} or release.for_ <= found[name].for_, f"{release.name} needs {name}"
    assert [release.name for release in found.values() if "build" in release.for_] == ["setuptools"]


@each_lock
def test_a_lock_names_no_place(path: Path) -> None:
    """No index, host, link or path is in a lock: where packages come from is up to pip's configuration."""
    assert not re.search(r"://|@|/|--(?!hash)|\b(org|com|net)\b", "".join(path.read_text().splitlines()[4:]))


def test_what_is_installed_is_what_is_locked() -> None:
    """In the environment that the tests run in, each locked release is there in its version, and needs nothing but what the lock says."""
    found = releases(ROOT / f"script/locks/python3.{sys.version_info[1]}")
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("these tests run in an environment that script/setup did not make")
    for release in found.values():
        distribution = metadata.distribution(release.name)
        assert distribution.version == release.version
        requirements = [Requirement(line) for line in distribution.requires or []]
        plain = {
            canonicalize_name(r.name) for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})
        }
        assert plain <= release.needs
