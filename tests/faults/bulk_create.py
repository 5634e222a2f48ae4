"""One of several writers: creates users one by one, each in an edit of its own. Run: python bulk_create.py DATABASE NAME COUNT."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import sasldb  # noqa: E402


def main(path: str, name: str, count: int) -> None:
    """Print `0 USER` for each user that was created."""
    for number in range(count):
        with sasldb.edit(path, wait=500.0) as db:
            db.set_password(f"{name}-{number}@example.com", b"password-%d" % number)
        print(f"0 {name}-{number}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
