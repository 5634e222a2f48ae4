"""Files in which the processes of one user note, for each host, when the last try was: `login.pace` reads and writes them.

They lie in a directory that nobody else can look into or could have made: for root `/run/sasldb`; for other users `sasldb` in
`/run/user/UID`, which cron jobs find too, or in XDG_RUNTIME_DIR, where that is theirs alone; and, where those cannot be had,
`/tmp/sasldb-UID`. No link is followed. A file's name is a hash, and its content one number, so that nothing tells of a host or a user. A
place that cannot be had is no error: the answer is None.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from hashlib import sha256

RUNTIME = "/run"  # which root alone may write to
TEMPORARY = "/tmp"
_FOLDER = "sasldb"
_OTHERS = 0o077  # permission bits
_WIDTH = 20  # digits; enough for 64 bits
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_for(host: str) -> int | None:
    """Return a descriptor of the file for `host` (any text), made where it is missing; None where there can be none."""
    name = sha256(host.encode("utf-8", "surrogateescape")).hexdigest()
    for parent, folder in _places():
        try:
            directory = _private(parent, folder)
        except OSError:
            continue
        try:
            return _own_file(directory, name)
        except OSError:
            continue
        finally:
            os.close(directory)
    return None


def read(fd: int) -> int:
    """Return the number in the file, 0 where there is none."""
    try:
        content = os.pread(fd, _WIDTH, 0)
    except OSError:
        return 0
    return int(content) if content.isdigit() else 0


def write(fd: int, number: int) -> None:
    """Put `number` (not negative, up to 64 bits) into the file, if it can be written."""
    try:
        os.pwrite(fd, b"%0*d\n" % (_WIDTH, number), 0)
    except OSError:
        pass  # a full disk is no reason not to log in


def _places() -> Iterator[tuple[str, str]]:
    """Yield directories and what is to be made in them, the best first."""
    user = os.geteuid()
    if user == 0:
        yield RUNTIME, _FOLDER
    else:
        for directory in (f"{RUNTIME}/user/{user}", os.environ.get("XDG_RUNTIME_DIR", "")):
            if directory.startswith("/") and _is_ours_alone(directory):
                yield directory, _FOLDER
    yield TEMPORARY, f"{_FOLDER}-{user}"


def _is_ours_alone(path: str) -> bool:
    try:
        return _ours_alone(os.stat(path, follow_symlinks=False))
    except (OSError, ValueError):
        return False


def _ours_alone(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS


def _private(parent: str, folder: str) -> int:
    """Return a descriptor of the directory `folder` in `parent`, made where it is missing.

    Raises:
        OSError: it cannot be made or opened, is a link, or is not ours alone.
    """
    path = os.path.join(parent, folder)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    directory = os.open(path, _DIRECTORY)
    if _ours_alone(os.fstat(directory)):
        return directory
    os.close(directory)
    raise PermissionError(path)


def _own_file(directory: int, name: str) -> int:
    """Return a descriptor of the file `name` in `directory`.

    Raises:
        OSError: it cannot be made or opened, or is no regular file.
    """
    fd = os.open(name, _FILE, 0o600, dir_fd=directory)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise FileExistsError(name)
