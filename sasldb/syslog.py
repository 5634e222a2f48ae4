"""One line to the system log, which never blocks or fails a command.

A change is logged as who, what, which user and in which file; a failure with its reason; never a secret. The line goes as one datagram
(or, to an old daemon, through a stream) to /dev/log, over a socket that does not wait: a log that is missing, full or stalled costs
the line, not the command. Whatever is not printable, a newline in a user's name for one, is written as `\\xNN`.

Format: RFC 3164 section 4.1 without the host name, as the C library's syslog(3) sends it. Raises nothing.
"""

from __future__ import annotations

import os

from sasldb.model.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket

ADDRESS = "/dev/log"
_AUTH = 4 << 3  # the facility
ERROR = _AUTH | 3
NOTICE = _AUTH | 5
_LONGEST = 1000  # bytes of a line; RFC 3164 promises 1024
_NO_LOGIN = 0xFFFFFFFF  # what the kernel says of a process outside any login


def send(program: bytes, priority: int, message: str) -> None:
    """Log `message` under the name `program`; `priority` is ERROR or NOTICE."""
    from time import localtime, strftime

    stamp = strftime("%b %e %H:%M:%S", localtime())
    line = f"<{priority}>{stamp} {printable(os.fsdecode(program))}: {printable(message)}"
    data = line.encode("utf-8", "backslashreplace")
    if len(data) > _LONGEST:
        data = data[:_LONGEST].decode("utf-8", "ignore").encode() + b"..."
    _deliver(data)


def caller() -> str:
    """Return who runs this process: the user who logged in, else the real user, and the effective one where it is another."""
    uid = _login_uid()
    if uid is None:
        uid = os.getuid()
    who = f"uid={uid}{_name(uid)}"
    return who if os.geteuid() == uid else f"{who} euid={os.geteuid()}"


def _login_uid() -> int | None:
    try:
        with open("/proc/self/loginuid", "rb") as file:
            uid = int(file.read(16) or b"")  # None: EAGAIN
    except (OSError, ValueError):
        return None
    return None if uid == _NO_LOGIN else uid


def _name(uid: int) -> str:
    if uid == 0:
        return "(root)"
    from pwd import getpwuid

    try:
        return f"({getpwuid(uid).pw_name})"
    except KeyError:
        return ""


def _deliver(data: bytes) -> None:
    from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM, socket

    for kind, end in ((SOCK_DGRAM, b""), (SOCK_STREAM, b"\0")):
        try:
            connection = socket(AF_UNIX, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
        except OSError:
            return
        try:
            connection.connect(ADDRESS)
            connection.send(data + end)
        except OSError:
            continue
        else:
            return
        finally:
            _close(connection)


def _close(connection: socket) -> None:
    try:
        connection.close()
    except OSError:
        pass  # the line has been sent, or cannot be
