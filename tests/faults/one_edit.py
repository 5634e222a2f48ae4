"""One edit through the library, its error in the library's own words. Run: python one_edit.py DATABASE, the password on stdin."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import sasldb  # noqa: E402


def main(path: str, password: bytes) -> int:
    """Set the password of new@example.com; return the exit status."""
    try:
        with sasldb.edit(path) as db:
            db.set_password("new@example.com", password)
    except sasldb.SasldbError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.stdin.buffer.read()))
