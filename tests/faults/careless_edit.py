"""An edit that does not survive a power failure, to show that the test would tell. Run as: python careless_edit.py DATABASE HOW."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import sasldb  # noqa: E402

WAYS = ("rename before sync", "rename without directory", "overwrite without journal", "overwrite before mode")


def main(path: str, how: str) -> None:
    """Add a user to a copy elsewhere, and bring the copy to `path`, in one of the WAYS."""
    with tempfile.TemporaryDirectory() as elsewhere:
        copy = Path(elsewhere, "db")
        copy.write_bytes(Path(path).read_bytes())
        with sasldb.edit(str(copy)) as db:
            db.set_password("new@example.com", b"new-password" * 60)
        content = copy.read_bytes()
    if how.startswith("overwrite"):
        fd = os.open(path, os.O_WRONLY)
        os.pwrite(fd, content, 0)
        os.fsync(fd)
        os.fchmod(fd, 0o640)
        os.fsync(fd)
        return
    draft = os.path.join(os.path.dirname(path), ".db.sasldb-0123456789abcdef")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.pwrite(fd, content, 0)
    os.fchmod(fd, 0o640)
    if how != "rename before sync":
        os.fsync(fd)
    os.rename(draft, path)
    if how != "rename without directory":
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        os.fsync(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
