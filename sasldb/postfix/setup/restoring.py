"""What taking back one file of a backup takes, decided from how it was, how the command left it, and how it is now.

A database is none of the command's: users come and go while it works. So its content is never put back: one that was made goes while it has
no users, a copy that was made goes while nothing is lost with it, and of any other owner and mode are put back.

Raises nothing.
"""

from __future__ import annotations

import os

from sasldb.errors import EmptyFile, SasldbError
from sasldb.files.content import Present
from sasldb.files.ownership import Ownership
from sasldb.store import copies
from sasldb.store.reading import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    State = dict[str, Any]

NOTHING, REMOVE, STAYS, OWN, RESTORE, EDITED = "nothing", "remove", "stays", "own", "restore", "edited"
TOLD = {
    NOTHING: "unchanged:",
    REMOVE: "removed",
    STAYS: "changed since, stays:",
    OWN: "restored owner and mode of",
    RESTORE: "restored",
}
PLANNED = {
    REMOVE: "remove",
    STAYS: "leave, as it was changed since,",
    OWN: "restore owner and mode of",
    RESTORE: "restore",
}


def action(entry: State, present: Present | None, force: bool = False) -> str:
    """Return what is to be done about one file that is `present` now."""
    before, after = entry["before"], entry["after"]
    now = state(present)
    if now == before:
        return NOTHING
    untouched = force or (after is not None and now is not None and now["sha256"] == after["sha256"])
    if before is None:
        return REMOVE if untouched else STAYS
    if now is not None and now["sha256"] == before["sha256"]:
        return OWN
    if untouched:
        return RESTORE
    return STAYS if "generated" in entry else EDITED


def action_on_database(entry: State) -> str:
    """Return what is to be done about one database, or copy of one, as it is now."""
    path, source, before = entry["path"], entry["source"], entry["before"]
    now = database_state(path)
    if now == before and not (source and is_linked(path, source)):
        return NOTHING
    if before is None:
        return REMOVE if _expendable(path, source) else STAYS
    if now is None:
        return NOTHING
    changed_since = now != entry.get("left", now) and not (source and is_linked(path, source))
    return STAYS if changed_since else OWN


def is_linked(path: str, source: str) -> bool:
    """Tell whether two names are those of one file, which each of them keeps alive."""
    try:
        return os.path.samefile(path, source) and os.path.realpath(path) != os.path.realpath(source)
    except OSError:
        return False


def _expendable(path: str, source: str | None) -> bool:
    """Tell whether nothing is lost with the file `path`: it has no users, or it is a copy of `source`."""
    try:
        if source is not None:
            return os.path.realpath(path) != os.path.realpath(source) and copies.is_copy(path, source)
        with Database(path) as database:
            return next(database.records(), None) is None
    except EmptyFile:
        return True
    except SasldbError:
        return False


def database_state(path: str) -> State | None:
    """Return the state of a database as a manifest has it: owner and mode; None where there is no file."""
    try:
        return _own_state(Ownership.of(os.stat(path)))
    except OSError:
        return None


def state(present: Present | None) -> State | None:
    """Return a file's state as a manifest has it, None where there is no file."""
    return None if present is None else {"sha256": digest(present.content), **_own_state(present.ownership)}


def _own_state(ownership: Ownership) -> State:
    return {"uid": ownership.uid, "gid": ownership.gid, "mode": ownership.mode}


def digest(octets: bytes) -> str:
    """Return what a manifest knows a content by."""
    import hashlib

    return hashlib.sha256(octets).hexdigest()
