"""What taking back one file of a backup takes, decided from how it was, how the command left it, and how it is now.

Raises nothing.
"""

from __future__ import annotations

from sasldb.files.content import Present

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
    before, after, saved = entry["before"], entry["after"], "saved" in entry
    now = state(present)
    if now == before:
        return NOTHING
    untouched = force or (after is not None and now is not None and now["sha256"] == after["sha256"])
    if before is None:
        return REMOVE if untouched else STAYS
    if not saved:
        return STAYS if now is None else OWN
    if now is not None and now["sha256"] == before["sha256"]:
        return OWN
    return RESTORE if untouched else EDITED


def state(present: Present | None) -> State | None:
    """Return a file's state as a manifest has it, None where there is no file."""
    if present is None:
        return None
    ownership = present.ownership
    return {
        "sha256": digest(present.content),
        "uid": ownership.uid,
        "gid": ownership.gid,
        "mode": ownership.mode,
    }


def digest(octets: bytes) -> str:
    """Return what a manifest knows a content by."""
    import hashlib

    return hashlib.sha256(octets).hexdigest()
