"""A migration script in small: one edit of many users through the library. Run as: python bulk_edit.py DATABASE."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import sasldb  # noqa: E402

NEW = 60  # users; beside them user0 is changed and user1 deleted
ADDED = {b"bulk%d\0example.com\0userPassword" % number: b"%0100d" % number for number in range(NEW)}
ADDED[b"user0\0example.com\0userPassword"] = b"changed"


def main(path: str) -> None:
    """Change `path` all at once."""
    with sasldb.edit(path) as db:
        db.delete("user1@example.com")
        for name, password in ADDED.items():
            db.set_password(name.split(b"\0")[0] + b"@example.com", password)


if __name__ == "__main__":
    main(sys.argv[1])
