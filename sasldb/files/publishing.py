"""Publishing a new file: it appears under its name only when it is complete.

Errors: WriteFailed, AccessDenied (there is still no such file), UnsafeFile, and whatever the caller's change raises.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time

from sasldb.errors import UnsafeFile
from sasldb.files.attributes import set_metadata
from sasldb.files.draft import Draft, sweep
from sasldb.files.refusals import close, refusal
from sasldb.files.stamps import Stamp, mark_as_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.files.deadline import Deadline
    from sasldb.files.draft import Make
    from sasldb.files.ownership import Rule
    from sasldb.files.place import Place

_NO_LINKS_HERE = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
_NO_REPLACE = 1  # RENAME_NOREPLACE of linux/fs.h
_CYRUS_MAKES = 2.0  # seconds; an older `__db.NAME` is what a killed Cyrus tool left
_PAUSE = 0.005  # seconds


def publish(place: Place, make: Make, rule: Rule, deadline: Deadline) -> bool:
    """Make the file at `place`, which does not exist; `make` fills a file of zero bytes, to which it is given a path.

    Returns:
        False, with nothing changed, when another process has made the file meanwhile.

    Raises:
        WriteFailed, AccessDenied: the system refused a step; there is still no such file.
        UnsafeFile: somebody else renames files in the directory.
    """
    sweep(place.directory, place.name)
    try:
        draft = Draft(place.directory, place.name)
    except OSError as error:
        raise refusal(place.path, "no file can be made in its directory", error) from error
    with draft:
        after = rule.due(place.real, None)
        try:
            make(draft.handle)
            set_metadata(draft.fd, after.uid, after.gid, after.mode, None)
            mark_as_ours(draft.fd)
            os.fsync(draft.fd)
            if not draft.is_at(draft.name):
                raise UnsafeFile(place.path, f"somebody else renames files in {place.directory.path}")
            _give_name(draft, place.name)
        except FileExistsError:
            return False
        except OSError as error:
            raise refusal(place.path, f"cannot be made as {after}", error) from error
        try:
            place.directory.sync()
        except OSError as error:
            _take_back(draft, place.name)
            raise refusal(place.path, "its directory cannot be synced", error) from error
        return _outlasts_cyrus(draft, place.name, deadline)


def _give_name(draft: Draft, name: str) -> None:
    """Give a new file its name, unless somebody has taken it (FileExistsError)."""
    try:
        draft.directory.link(draft.name, name)
    except OSError as error:
        if error.errno not in _NO_LINKS_HERE:
            raise
        if not _rename_to_free_name(draft, name):
            _take_place(draft, name)


def _rename_to_free_name(draft: Draft, name: str) -> bool:
    """Rename it unless the name is taken (FileExistsError), by renameat2(2); False where there is no such call."""
    import ctypes

    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    at = draft.directory.fd
    if call(at, os.fsencode(draft.name), at, os.fsencode(name), _NO_REPLACE) == 0:
        draft.name = ""
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL):
        return False
    raise OSError(number, os.strerror(number))


def _take_place(draft: Draft, name: str) -> None:
    """Do the same where there are no hard links: hold the name with an empty file, locked, and rename over it."""
    place = draft.directory.open_file(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FileExistsError(errno.EEXIST, "another writer was first") from error
        if os.fstat(place).st_size or not draft.directory.leads_to(name, place):
            raise FileExistsError(errno.EEXIST, "another writer was first")
        draft.rename(name)
    finally:
        close(place)


def _take_back(draft: Draft, name: str) -> None:
    """Take the name away again that may not outlast a power failure, if it is still ours."""
    try:
        if draft.is_at(name):
            draft.directory.unlink(name)
    except OSError:
        pass  # the error that is raised says what failed


def _outlasts_cyrus(draft: Draft, name: str, deadline: Deadline) -> bool:
    """Wait for a Cyrus tool that is making the same file; tell whether the name still leads to ours afterwards.

    Such a tool looked for the file before ours was there, makes `__db.NAME` and renames it over whatever is there by then.
    """
    theirs = f"__db.{name}"
    end = time.monotonic() + _CYRUS_MAKES
    while time.monotonic() < end:
        try:
            stamp = Stamp(draft.directory.status(theirs))
        except OSError:
            break
        if not stamp.within(_CYRUS_MAKES) or not deadline.pause(_PAUSE):
            break
    return draft.is_at(name)
