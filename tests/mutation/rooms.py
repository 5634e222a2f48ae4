"""Which tests are run for a change in which room: those that mirror it, and others that take seconds and start no mail server.

The order is that of running, quick ones first; what mirrors the changed module itself comes before all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Room(NamedTuple):
    """Where the sources are (a folder of `sasldb`, or a module), and paths of tests, each a file or a folder."""

    sources: str
    tests: tuple[str, ...]


_FILES = (
    *("tests/files/test_[b-z]*.py", "tests/files/test_attributes.py", "tests/store"),
    "tests/faults/test_torn_overwrite.py",
    "tests/faults/test_refusals.py",
)
_STATE = ("tests/operations/state", "tests/cli/test_apply.py", "tests/cli/test_diff.py")
_AUDIT = ("tests/operations/audit", "tests/cli/test_audit.py")
_PASSWORDS = ("tests/cli/test_passwords.py", "tests/operations/test_passwords.py", "tests/cli/test_verify.py")

ROOMS = {
    "model": Room(
        "model", ("tests/model", "tests/secrets/test_check.py", "tests/store", "tests/operations/test_users.py")
    ),
    "secrets": Room("secrets", ("tests/secrets", "tests/operations/test_storing.py")),
    "formats": Room(
        "formats",
        (
            "tests/formats/test_hashpages_damage.py",
            "tests/formats/test_berkeley.py",
            "tests/formats/test_hashpages.py",
            "tests/store/test_editing.py",
        ),
    ),
    "files": Room("files", _FILES),
    "policy": Room("policy", ("tests/policy", "tests/store")),
    "store": Room("store", ("tests/store", "tests/files/test_exclusive_use.py", "tests/operations/test_change.py")),
    "operations": Room("operations", ("tests/operations/test_*.py", "tests/cli/test_[dilrsuvw]*.py")),
    "operations/state": Room("operations/state", _STATE),
    "operations/audit": Room("operations/audit", _AUDIT),
    "cli/compat": Room(
        "cli/compat",
        ("tests/cli/compat/test_[cdils]*.py", "tests/test_syslog.py", "tests/cli/compat/test_oracle.py"),
    ),
    "cli/passwords": Room("cli/passwords.py", _PASSWORDS),
}


def sources(root: Path, room: Room) -> list[str]:
    """Return the modules of a room, not those of rooms inside it, as paths relative to `root`."""
    place = root / "sasldb" / room.sources
    found = [place] if place.suffix else sorted(place.glob("*.py"))
    return [str(path.relative_to(root)) for path in found]


def selection(root: Path, room: Room, path: str) -> list[str]:
    """Return the test files for a change of the module `path`, relative to `root`, in the order of running."""
    found: dict[Path, None] = {}
    for pattern in room.tests:
        for place in sorted(root.glob(pattern)):
            found.update(dict.fromkeys(sorted(place.rglob("test_*.py")) if place.is_dir() else [place]))
    mirror = f"test_{Path(path).name}"
    return sorted((str(each.relative_to(root)) for each in found), key=lambda name: Path(name).name != mirror)
