"""Run a function in a child process: with a private /tmp, /var/tmp and /var/lib, or as another user.

A test of what other users put into shared directories must not touch the machine's own. So the child gets a mount namespace in
which /tmp, /var/tmp and /var/lib are empty; directories that the test still needs keep their paths there.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from tests.conftest import ROOT, lacking

NOBODY = 65534
SHARED = ("/var/tmp", "/tmp")  # where every user may make files
HOMES = ("/var/lib", *SHARED)  # where a private directory of this package may lie
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 0x1, 0x20, 0x1000, 0x2000, 0x4000, 0x40000
_CLONE_NEWNS = 0x20000
_LONGEST = 900  # seconds

Result = TypeVar("Result")
_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str | Path, target: str | Path, kind: str = "none", flags: int = 0, options: str = "") -> None:
    """Mount as mount(2) does; OSError where that is not allowed."""
    words = [os.fsencode(source), os.fsencode(target), kind.encode()]
    if _libc.mount(*words, ctypes.c_ulong(flags), options.encode()) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


def private_mounts() -> None:
    """Give this process a mount namespace of its own; OSError where that is not allowed."""
    if _libc.unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    mount("none", "/", flags=MS_REC | MS_PRIVATE)


def empty_shared_directories(keep: Sequence[str | Path]) -> None:
    """Make the directories HOMES empty in this process's mounts; the directories `keep` stay where they are."""
    for shared in HOMES:
        fresh = tempfile.mkdtemp(prefix="sasldb-fresh-", dir="/dev/shm")
        mount("fresh", fresh, "tmpfs", options="mode=1777" if shared in SHARED else "mode=755")
        for path in sorted({str(path) for path in keep if str(path).startswith(f"{shared}/")}):
            within = fresh + path[len(shared) :]
            if not os.path.isdir(within):
                os.makedirs(within, 0o755)
            mount(path, within, flags=MS_BIND | MS_REC)
        mount(fresh, shared, flags=MS_MOVE)
        os.rmdir(fresh)


def apart(keep: Sequence[str | Path], function: Callable[..., Result], *arguments: object) -> Result:
    """Return `function(*arguments)` of a child for which the directories HOMES are private, and empty but for `keep`.

    AssertionError with the child's traceback where it raises anything; a skip of pytest is passed on.
    """
    if os.geteuid() != 0:
        lacking("namespace", "only root can become somebody else")
    kept = [*keep, ROOT, Path(sys.prefix), Path(sys.base_prefix)]

    def inside() -> Result:
        try:
            private_mounts()
            empty_shared_directories(kept)
        except OSError as error:
            lacking("namespace", f"no private mount namespace can be made here: {error}")
        return function(*arguments)

    return in_child(inside)


def as_user(uid: int, function: Callable[..., Result], *arguments: object) -> Result:
    """Return `function(*arguments)` of a child with this user and group id and no other group; errors as `apart`."""

    def inside() -> Result:
        become(uid)
        return function(*arguments)

    return in_child(inside)


def become(uid: int) -> None:
    """Turn this process into one of user and group `uid`."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def in_child(function: Callable[[], Result]) -> Result:
    """Return what `function` returns in a fork of this process."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _tell(function, writing)
    os.close(writing)
    try:
        with open(reading, "rb") as heard:
            told = heard.read()
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if not told:
        raise AssertionError(f"the child ended with {status} and said nothing")
    kind, value = pickle.loads(told)
    if kind == "skipped":
        pytest.skip(value)
    if kind == "failed":
        raise AssertionError(value)
    result: Result = value
    return result


def _tell(function: Callable[[], Result], writing: int) -> None:
    """Write what comes of `function` to the pipe, and end this process."""
    try:
        signal.alarm(_LONGEST)
        try:
            said = pickle.dumps(("done", function()))
        except pytest.skip.Exception as skipped:
            said = pickle.dumps(("skipped", str(skipped)))
        except BaseException:
            said = pickle.dumps(("failed", traceback.format_exc()))
        with open(writing, "wb") as told:
            told.write(said)
    finally:
        os._exit(0)
