"""Stand beside a process at each of its system calls: look around, let one fail, or kill it (ptrace(2), x86-64 only).

The process is a fork of this one which has all modules loaded, so that nearly every call is one of the work that is watched: it
begins and ends its work with a call of getppid(2), and only the calls in between count.

Sources: ptrace(2); struct user_regs_struct in sys/user.h; the numbers in tests/faults/errnos.py.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import platform
import signal
import tempfile
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Optional

from sasldb.errors import SasldbError
from tests.faults.errnos import NAMES

DONE, REFUSED, WRONG, BARE, KILLED = 0, 3, 98, 99, -9
_LONGEST = 60  # seconds
_TRACEME, _POKEUSER, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 6, 24, 0x4200, 0x420E
_OPTIONS = 0x100000 | 0x1  # EXITKILL, TRACESYSGOOD
_AT_A_CALL = signal.SIGTRAP | 0x80
_ORIG_RAX, _RAX = 15 * 8, 10 * 8
_MARK = 110  # getppid
_ENTRY = 1

_BY_PATH = {"stat", "lstat", "access", "rename", "mkdir", "rmdir", "link", "unlink", "readlink", "chmod"}
_BY_PATH |= {"setxattr", "getxattr", "listxattr", "removexattr"}

Act = Optional[int]  # what happens at a call: None lets it be, an errno makes it fail, KILL kills the process before it
KILL = -1


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class _Info(ctypes.Structure):
    _fields_ = [
        ("op", ctypes.c_uint8),
        ("pad", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("ip", ctypes.c_uint64),
        ("sp", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("arguments", ctypes.c_uint64 * 6),
        ("more", ctypes.c_uint64 * 4),
    ]


class Called:
    """A system call that a process is about to make: its `name`, and `where` it does so."""

    def __init__(self, pid: int, info: _Info) -> None:
        self.name = NAMES.get(info.number, f"call {info.number}")
        self.pid = pid
        self._arguments = tuple(info.arguments)

    @property
    def where(self) -> str:
        """The path or the open file that the call is about, as well as it can be told."""
        first, second = self._arguments[:2]
        try:
            if self.name.endswith(("at", "at2")) and self.name not in ("stat", "fstat", "lstat"):
                path = self._text(second) if second else ""
                return path if path.startswith("/") else f"{self._file(first)} {path}".strip()
            if self.name in _BY_PATH:
                return self._text(first)
            return self._file(first)
        except (OSError, ValueError):
            return "?"

    def _file(self, number: int) -> str:
        fd = ctypes.c_int32(number & 0xFFFFFFFF).value
        return "" if fd == -100 else os.readlink(f"/proc/{self.pid}/fd/{fd}")

    def _text(self, address: int) -> str:
        with open(f"/proc/{self.pid}/mem", "rb", 0) as memory:
            memory.seek(address)
            return memory.read(256).split(b"\0")[0].decode(errors="replace")


Decide = Callable[[int, Called], Act]


class TookTooLong(BaseException):
    """Somebody had to wait; no Exception, so that nothing under test takes it for an error of its own."""


def supported() -> bool:
    """Tell whether this machine's calls are known here."""
    return platform.machine() == "x86_64"


class Outcome:
    """How a watched process ended: `status` (one of the names above, or an exit status), `said` (its message or traceback)."""

    def __init__(self, status: int, said: str) -> None:
        self.status = status
        self.said = said

    def __str__(self) -> str:
        kinds = {DONE: "done", REFUSED: "refused", WRONG: "a wrong result", BARE: "a bare exception", KILLED: "killed"}
        return f"{kinds.get(self.status, self.status)}: {self.said}"


def watch(work: Callable[[], object], decide: Decide, prepare: Callable[[], object] = bool) -> Outcome:
    """Run `work` in a fork and call `decide(count, called)` before each of its system calls (count from 1).

    The process stands still meanwhile. `prepare` is called in it first; its calls do not count.

    Raises:
        TookTooLong: it ran for too long. OSError: this system lets nobody trace. Whatever `decide` raises.
    """
    with tempfile.TemporaryFile() as said:
        pid = os.fork()
        if pid == 0:
            _be_watched(work, prepare, said.fileno())
        before = signal.signal(signal.SIGALRM, _give_up)
        left = signal.alarm(_LONGEST)
        try:
            status = _lead(pid, decide)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        finally:
            signal.alarm(left)
            signal.signal(signal.SIGALRM, before)
        said.seek(0)
        return Outcome(status, said.read().decode(errors="replace"))


def _lead(pid: int, decide: Decide) -> int:
    os.waitpid(pid, 0)
    _ptrace(_SETOPTIONS, pid, 0, _OPTIONS)
    count, marks, deliver, failing = 0, 0, 0, 0
    while True:
        _ptrace(_SYSCALL, pid, 0, deliver)
        status = os.waitpid(pid, 0)[1]
        deliver = 0
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        if os.WSTOPSIG(status) != _AT_A_CALL:
            deliver = os.WSTOPSIG(status)
            continue
        info = _Info()
        _ptrace(_GET_SYSCALL_INFO, pid, ctypes.sizeof(info), ctypes.addressof(info))
        if info.op != _ENTRY:
            if failing:
                _ptrace(_POKEUSER, pid, _RAX, (1 << 64) - failing)
                failing = 0
            continue
        if info.number == _MARK:
            marks += 1
        elif marks == 1:
            count += 1
            act = decide(count, Called(pid, info))
            if act == KILL:
                os.kill(pid, signal.SIGKILL)
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if act:
                _ptrace(_POKEUSER, pid, _ORIG_RAX, (1 << 64) - 1)
                failing = act


def _be_watched(work: Callable[[], object], prepare: Callable[[], object], said: int) -> None:
    """Do the work in the child; never return."""
    status, words = DONE, ""
    try:
        faulthandler.disable()
        prepare()
        _ptrace(_TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)  # `_lead` waits for it
        os.getppid()
        try:
            code = work()
            status = code if isinstance(code, int) else DONE
        except SasldbError as error:
            status, words = REFUSED, f"{type(error).__name__}: {error}"
        except AssertionError as error:
            status, words = WRONG, str(error)
        except BaseException:
            status, words = BARE, traceback.format_exc()
        os.getppid()
        os.write(said, words.encode(errors="replace"))
    finally:
        os._exit(status)


def _give_up(number: int, frame: FrameType | None) -> None:
    raise TookTooLong(f"a watched process ran for {_LONGEST} seconds")


def _ptrace(request: int, pid: int, address: int, data: int) -> None:
    if _libc.ptrace(request, pid, address, data) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
