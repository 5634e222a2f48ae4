"""One edit through the library, in a process of its own. Run as: python one_library_edit.py DATABASE [set USER | delete USER]..."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import sasldb  # noqa: E402

PASSWORD = b"new-password" * 60  # many blocks change


def main(path: str, words: list[str]) -> None:
    """Set the passwords of some users and delete others, all at once."""
    with sasldb.edit(path, realm="example.com") as db:
        for verb, user in zip(words[::2], words[1::2]):
            if verb == "set":
                db.set_password(user, PASSWORD)
            else:
                db.delete(user)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
