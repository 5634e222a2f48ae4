"""Kill a program at one of its system calls: a ptrace(2) loop, in the place of strace's `inject`, which is slower by half.

The start-up of an interpreter is a thousand calls that do not concern the database. So a seccomp filter lets the program run
freely up to its first openat(2) for reading and writing, with which every writer of ours begins; all that it did with the
database before that is to look. From there on every call is counted.

Sources: ptrace(2), seccomp(2), linux/audit.h (the numbers of openat on the two machines that Debian calls amd64 and arm64).
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import subprocess
import tempfile
from types import FrameType

from tests.faults.injection import LONGEST, Run

_OPENAT = {"x86_64": 257, "aarch64": 56}
_TRACEME, _CONT, _SYSCALL, _SETOPTIONS = 0, 7, 24, 0x4200
_OPTIONS = 0x100000 | 0x80 | 0x1  # EXITKILL, TRACESECCOMP, TRACESYSGOOD
_AT_A_CALL = signal.SIGTRAP | 0x80
_SECCOMP_EVENT = 7
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _TRACE = 0x7FFF0000, 0x7FF00000
_LOAD, _AND, _EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06  # classic BPF instructions on 32-bit words
_NUMBER_AT, _FLAGS_AT = 0, 32  # in struct seccomp_data: the call's number, its third argument

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def supported() -> bool:
    """Tell whether this machine's openat is known here."""
    return platform.machine() in _OPENAT


def killed_at(call: int, argv: list[str], stdin: bytes = b"") -> Run:
    """Run `argv` and kill it at the `call`-th system call (1-based) that counts, or not at all when it makes fewer.

    Raises:
        OSError: this system lets nobody trace. subprocess.TimeoutExpired: it ran for too long.
    """
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        source.write(stdin)
        source.seek(0)
        child = subprocess.Popen(argv, stdin=source, stdout=out, stderr=err, preexec_fn=ask_to_be_traced)
        before = signal.signal(signal.SIGALRM, _give_up)
        signal.alarm(int(LONGEST))
        try:
            status = follow(child.pid, call)
            child.returncode = status  # it has been waited for
        except BaseException:
            child.kill()
            raise
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        out.seek(0)
        err.seek(0)
        return Run(subprocess.CompletedProcess(argv, status, out.read(), err.read()))


def follow(pid: int, call: int) -> int:
    """Lead the process, which stands right behind its exec, to that call and kill it; return its exit status as Run has it."""
    os.waitpid(pid, 0)
    _ptrace(_SETOPTIONS, pid, _OPTIONS)
    count = 0
    request, deliver, inside = _CONT, 0, False
    while True:
        _ptrace(request, pid, deliver)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        deliver = 0
        if status >> 16 == _SECCOMP_EVENT:
            if request == _SYSCALL:
                continue  # seen at its entry already
            request, inside = _SYSCALL, True
            count = 1
        elif os.WSTOPSIG(status) == _AT_A_CALL:
            inside = not inside
            count += inside
        else:
            deliver = os.WSTOPSIG(status)
            continue
        if inside and count == call:
            os.kill(pid, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _give_up(number: int, frame: FrameType | None) -> None:
    raise subprocess.TimeoutExpired("a traced program", LONGEST)


def ask_to_be_traced() -> None:
    code = [
        (_LOAD, 0, 0, _NUMBER_AT),
        (_EQUAL, 0, 3, _OPENAT[platform.machine()]),
        (_LOAD, 0, 0, _FLAGS_AT),
        (_AND, 0, 0, os.O_ACCMODE),
        (_EQUAL, 1, 0, os.O_RDWR),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _TRACE),
    ]
    octets = b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
    program = _Program(len(code), octets)
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or _libc.prctl(
        _PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "seccomp")
    _ptrace(_TRACEME, 0, 0)


def _ptrace(request: int, pid: int, data: int) -> None:
    if _libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
