"""Refused by the system at any step: a clear error and the old file, or the new file when there was another way."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sasldb.errors import NotFound
from tests import campaigns
from tests.conftest import Commands, Require, lacking
from tests.faults import one_edit
from tests.faults.databases import Records, age, build, key, names, records
from tests.faults.elsewhere import HOMES
from tests.faults.injection import Run, run, tampered, trace

ERRORS = {
    "ENOSPC": "No space left on device",
    "EIO": "Input/output error",
    "EDQUOT": "Disk quota exceeded",
    "EROFS": "Read-only file system",
    "EACCES": "Permission denied",
    "EINTR": "Interrupted system call",
}
CHANGING = {
    "pwrite64",
    "copy_file_range",
    "ftruncate",
    "fallocate",
    "fsync",
    "fdatasync",
    "renameat",
    "linkat",
    "flock",
}
CHANGING |= {"fchown", "fchmod"}
# Where one refusal is no defeat: copying has a second way, what may not be renamed into place is overwritten, an owner that is
# right already need not be set; and an interrupted call is made again.
WAYS_AROUND = {("copy_file_range", name) for name in ERRORS} | {(call, "EINTR") for call in CHANGING}
WAYS_AROUND |= {("renameat", "EROFS"), ("renameat", "EACCES"), ("flock", "EACCES"), ("flock", "EROFS")}
WAYS_AROUND |= {
    ("fchmod", "EACCES"),
    ("fchmod", "EROFS"),
    ("fchown", "EACCES"),
    ("openat", "EROFS"),
    ("openat", "EACCES"),
}
WAYS_AROUND |= {
    ("fdatasync", "EACCES"),
    ("pwrite64", "EACCES"),
    ("openat", "ENOSPC"),
    ("openat", "EINTR"),
}  # libdb tries these again
PASSWORD = b"n" * 3000  # makes the file grow
USERS = 12
PROGRAMS = ["command", "library"]
SETTINGS = ["plain", "linked", "missing"]


class Place:
    """A database to change, laid out anew before each attempt: `directory / "db"`."""

    def __init__(self, directory: Path, content: bytes, setting: str, argv: list[str]) -> None:
        self.directory = directory
        self.path = directory / "db"
        self.other = directory.with_name(directory.name + "-other")
        self.content = content
        self.setting = setting
        self.argv = [str(self.path) if word == "DATABASE" else word for word in argv]

    def lay_out(self) -> None:
        """Make the place as it was before the command."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.other.unlink(missing_ok=True)
        self.directory.mkdir()
        if self.setting != "missing":
            self.path.write_bytes(self.content)
            age(self.path)
            self.path.chmod(0o660)
            self.path.chmod(0o640)
        if self.setting == "linked":
            os.link(self.path, self.other)

    def is_old(self) -> bool:
        """Tell whether everything is as it was: the file byte by byte, its mode, no litter."""
        if self.setting == "missing":
            return names(self.directory) == set()
        kept = self.path.read_bytes() == self.content and self.path.stat().st_mode & 0o777 == 0o640
        return kept and names(self.directory) == {"db"}

    def is_new(self, before: Records) -> bool:
        """Tell whether the new user is there, beside all of `before`, and nothing else is."""
        try:
            found = records(self.path)
        except NotFound:
            return False
        found.pop(key("new", b"cmusaslsecretOTP"), None)
        return found == {**before, key("new"): PASSWORD} and names(self.directory) == {"db"}


def argv_of(program: str, commands: Commands) -> list[str]:
    """Return the argv that creates new@example.com in DATABASE, through the command or the library."""
    if program == "command":
        return [commands.saslpasswd2, "-p", "-c", "-f", "DATABASE", "-u", "example.com", "new"]
    return [sys.executable, "-I", one_edit.__file__, "DATABASE"]


def assert_clear(done: Run, words: list[str], program: str) -> None:
    """Assert that a failure is told in one line; the library's holds one of `words`, the system's own reason first."""
    assert done.status > 0, str(done)
    lines = done.err.decode().splitlines()
    assert len(lines) == 1 and done.out == b"", str(done)
    if program == "command":
        assert lines == ["saslpasswd2: generic failure"] and done.status == 1  # as Cyrus does; the reason is in the log
    else:
        assert any(word in lines[0] for word in words) and done.status == 3, str(done)


def sites(place: Place) -> Iterator[tuple[str, str]]:
    """Yield (call, expression that picks this one call) for each call of a run that changes or opens something at the place."""
    place.lay_out()
    run(
        place.argv, PASSWORD
    )  # the first run after a change of the source compiles it: more calls than in any later one
    place.lay_out()
    seen: Counter[str] = Counter()
    touched = False
    for name, line in trace(place.directory.with_name("trace"), place.argv, PASSWORD):
        seen[name] += 1
        if name == "fsync" and any(f"<{home}>" in line for home in HOMES):
            continue  # then the private directory is made in another of them
        here = str(place.directory) in line and name != "execve"
        touched = touched or here
        if (
            touched
            and name in CHANGING
            or name == "openat"
            and here
            and "O_DIRECTORY" not in line
            and "O_PATH" not in line
        ):
            yield name, f"when={seen[name]}"


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_refused_call_is_an_error_or_is_got_around(
    tmp_path: Path, commands: Commands, require: Require, setting: str, program: str
) -> None:
    """Each step of a change, refused in each way: exit not 0, one clear line, the old file, no litter; or a full success.

    A failed pwrite is tried again by libdb as a write, so that one is refused too.
    """
    require("strace", "strace")
    content = build(tmp_path / "original", USERS)
    before = records(tmp_path / "original") if setting != "missing" else {}
    place = Place(tmp_path / "place", content, setting, argv_of(program, commands))
    found = list(sites(place))
    if setting == "linked":  # the last syncs are of the journal's removal and its signpost's: the change stands
        for site in [site for site in found if site[0] == "fsync"][-2:]:
            found.remove(site)
    every = [(call, which, name) for call, which in found for name in ERRORS]
    attempts = campaigns.sample(f"refused {program} {setting}", every, len(every) // 4)
    with ThreadPoolExecutor(2) as pool:
        shares = [Place(tmp_path / f"place{share}", content, setting, argv_of(program, commands)) for share in range(2)]
        parts = [pool.submit(refuse, shares[at], attempts[at::2], before, program) for at in range(2)]
        failures = sum(part.result()[0] for part in parts)
        broken = [complaint for part in parts for complaint in part.result()[1]]
    print(f"{len(attempts)} refusals, {failures} failures")
    assert not broken, "\n".join(broken)
    assert failures > len(attempts) // 3


def refuse(place: Place, attempts: list[tuple[str, str, str]], before: Records, program: str) -> tuple[int, list[str]]:
    """Make every attempt of `(call, which, error)`; return how many ended in an error, and every broken promise."""
    broken = []
    failures = 0
    for call, which, name in attempts:
        place.lay_out()
        second = [f"write:error={name}:when=1"] if call == "pwrite64" else []
        done = tampered([f"{call}:error={name}:{which}", *second], place.argv, PASSWORD)
        try:
            if done.status == 0:
                assert (call, name) in WAYS_AROUND, "must not succeed"
                assert place.is_new(before), "not the new records, or litter"
            else:
                failures += 1
                assert_clear(done, [ERRORS[name], "may not be written to"], program)
                assert place.is_old(), f"not as before: {names(place.directory)}"
        except AssertionError as error:
            broken.append(f"{call} {which} {name}: {error}; {done}")
    return failures, broken


SMALL_DISK = 'mount -t tmpfs -o size=$3k tmpfs "$1" && cp "$2" "$1/db" && chmod 640 "$1/db" && shift 3 && exec "$@"'
# ... after which: fill the disk, run the command, show what is left
FILL = 'dd if=/dev/zero of="$0/ballast" bs=1k 2>/dev/null; "$@"; status=$?; rm "$0/ballast"; cp -a "$0/." "$0-after"; exit $status'


def in_namespace(require: Require, *argv: str, stdin: bytes = b"") -> Run:
    """Run `argv` in a private mount namespace."""
    (unshare,) = require("namespace", "unshare")
    if run([unshare, "--mount", "true"]).status != 0:
        lacking("namespace", "no private mount namespace can be made here")
    return run([unshare, "--mount", *argv], stdin)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("free", [0, 8])
def test_a_full_disk_is_an_error(tmp_path: Path, commands: Commands, require: Require, program: str, free: int) -> None:
    """On a file system that is full, at once or in the midst of the copy: the error says so, and the old file stands."""
    content = build(tmp_path / "original", USERS)
    place = Place(tmp_path / "place", content, "plain", argv_of(program, commands))
    place.directory.mkdir()
    after = tmp_path / "place-after"
    fill = f'dd if=/dev/zero of="$0/room" bs=1k count={free} 2>/dev/null; ' + FILL.replace('"$@"', 'rm "$0/room"; "$@"')
    argv = ["sh", "-c", SMALL_DISK, "sh", str(place.directory), str(tmp_path / "original"), "64"]
    done = in_namespace(require, *argv, "sh", "-c", fill, str(place.directory), *place.argv, stdin=PASSWORD)
    assert_clear(done, ["No space left on device"], program)
    assert (after / "db").read_bytes() == content
    assert names(after) == {"db"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_limit_on_file_size_is_an_error(tmp_path: Path, commands: Commands, program: str) -> None:
    """Under RLIMIT_FSIZE, where the Cyrus tools die of a signal, the error says so, and the old file stands."""
    content = build(tmp_path / "original", USERS)
    for limit in range(0, len(content) + 4096, 4096):
        place = Place(tmp_path / "place", content, "plain", argv_of(program, commands))
        place.lay_out()
        done = run(["prlimit", f"--fsize={limit}", *place.argv], PASSWORD)
        assert_clear(done, ["File too large"], program)
        assert place.is_old(), f"limit {limit}: {names(place.directory)}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_read_only_file_system_is_an_error(
    tmp_path: Path, commands: Commands, require: Require, program: str
) -> None:
    """On a file system mounted read-only the error says so, and nothing is left behind, in the refuge neither."""
    content = build(tmp_path / "original", USERS)
    place = Place(tmp_path / "place", content, "plain", argv_of(program, commands))
    place.lay_out()
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    done = in_namespace(require, "sh", "-c", script, str(place.directory), *place.argv, stdin=PASSWORD)
    assert_clear(done, ["may not be written to"], program)
    assert place.is_old()
    refuge = Path(f"/var/tmp/sasldb-{os.geteuid()}")
    assert not refuge.exists() or names(refuge) == set()


def test_who_may_not_write_is_told_so(open_path: Path, public_bin: str, require: Require) -> None:
    """Another user, who may read the file and write neither to it nor to its directory, is told so, and nothing changes."""
    (setpriv,) = require("namespace", "setpriv")
    if os.geteuid() != 0:
        lacking("namespace", "only root can become somebody else")
    content = build(open_path / "original", USERS)
    argv = [f"{public_bin}/sasldb", "add", "--password-stdin", "-f", "DATABASE", "new@example.com"]
    place = Place(open_path / "place", content, "plain", argv)
    place.lay_out()
    place.directory.chmod(0o755)
    place.path.chmod(0o644)
    done = run([setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", *place.argv], PASSWORD)
    assert_clear(done, ["may not be written to"], "library")
    assert place.path.read_bytes() == content and names(place.directory) == {"db"}
    shutil.rmtree("/var/tmp/sasldb-65534", ignore_errors=True)
