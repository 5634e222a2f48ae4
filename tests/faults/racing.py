"""What root does in a directory that somebody exchanges meanwhile. Run as: python racing.py WORK DATABASE SECONDS; prints JSON.

The object printed counts `tries`, those `done` and those `refused` by a SasldbError, and lists `bare` (other exceptions) and
`foreign` (users seen that are not of this database).
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import sasldb  # noqa: E402

VICTIM = "victim@example.com"
_SHOWN = 5


def edit(path: str, number: int) -> None:
    """Change a password."""
    with sasldb.edit(path, create=False, wait=5) as db:
        db.set_password("mark@example.com", b"%d" % number)


def create(path: str, number: int) -> None:
    """Make another database beside it."""
    with sasldb.edit(f"{path}-{number}", wait=5) as db:
        db.set_password("mark@example.com", b"%d" % number)


def read(path: str, number: int) -> None:
    """Look for a user who is in the other database only."""
    with sasldb.open(path) as db:
        if db.get(VICTIM):
            raise LookupError("read from the other database")


WORKS = {"edit": edit, "overwrite": edit, "create": create, "read": read}


def main(work: str, path: str, seconds: float) -> None:
    """Do it again and again."""
    counts = Counter[str]()
    bare, foreign = set(), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        counts["tries"] += 1
        try:
            WORKS[work](path, counts["tries"])
            counts["done"] += 1
        except sasldb.SasldbError as error:
            counts["refused"] += 1
            counts[type(error).__name__] += 1
        except LookupError:
            foreign += 1
        except Exception:
            bare.add("".join(traceback.format_exc().splitlines(True)[-5:]))
    json.dump({"counts": counts, "bare": sorted(bare)[:_SHOWN], "foreign": foreign}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
