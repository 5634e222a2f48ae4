"""The tables of Postfix as a client: passwords, and who relays by whom; which they are, entries put into them, and what may be shown of them.

Source: Postfix 3.7, DATABASE_README, postconf(5). Errors: none.
"""

from __future__ import annotations

import os

from sasldb.files.ownership import Ownership
from sasldb.policy.ownership import closed
from sasldb.postfix.config import maps
from sasldb.postfix.config.disclosure import MASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sasldb.files.content import Present
    from sasldb.postfix.setup.steps import Show
    from sasldb.postfix.site.site import Site

PASSWORDS, RELAYS = "smtp_sasl_password_maps", "sender_dependent_relayhost_maps"
FILES = {
    PASSWORDS: "sasl_passwd",
    RELAYS: "sender_relay",
}  # in Postfix's configuration directory, as the howto names them
_PRIVATE, _PUBLIC = Ownership(0, 0, 0o600), Ownership(0, 0, 0o644)
PROXY = "proxy:"


class Table:
    """A table: its `name` as main.cf has it, `kind` and `path`, and the `ownership` of its files. `show` hides what may not be shown."""

    def __init__(self, site: Site, parameter: str) -> None:
        """Take the first table of `parameter` that is made from a text file, else the usual one."""
        usual = f"{site.postfix['default_database_type']}:{os.path.join(site.postfix.config_dir, FILES[parameter])}"
        words = site.postfix[parameter].replace(",", " ").split()
        self.name = next((word for word in words if _is_from_text(word)), usual)
        self.kind, _, self.path = self.name.removeprefix(PROXY).partition(":")
        self.ownership = _PUBLIC
        self.show: Show = relays
        if parameter == PASSWORDS:
            self.ownership = Ownership(0, site.group_id, 0o640) if self.name.startswith(PROXY) else _PRIVATE
            self.show = passwords

    def owned(self, present: Present | None) -> Ownership:
        """Return owner and mode of a file of the table that is `present`: nobody gains or loses access, but for others to passwords."""
        secret = self.ownership is not _PUBLIC
        if present is None or (secret and self.name.startswith(PROXY)):  # which proxymap must be able to read
            return self.ownership
        return closed(present.ownership, self.ownership) if secret else present.ownership


def passwords(lines: list[bytes]) -> list[str]:
    """Return the lines of a table of passwords as they may be shown: keys and logins."""
    return [_shown(line, _login) for line in lines]


def relays(lines: list[bytes]) -> list[str]:
    """Return the lines of a table of servers as they may be shown: without comments, which may have an old password in them."""
    return [_shown(line, os.fsdecode) for line in lines]


def entered(text: bytes, entries: dict[bytes, bytes]) -> bytes:
    """Return the text of a table with `entries` (key -> value): each where its key stands, or at the end.

    A logical line begins with a key and goes on over lines that begin with a blank (DATABASE_README). Keys are told apart without regard
    to case, for postmap folds them, and of two that are the same keeps the first.
    """
    outstanding = {key.lower(): (key, value) for key, value in entries.items()}
    ours = frozenset(outstanding)
    kept: list[bytes] = []
    inside = False  # a logical line that is replaced
    for line in text.splitlines(keepends=True):
        if line[:1].isspace() and line.strip():
            if not inside:
                kept.append(line)
            continue
        words = line.split(None, 1)
        key = words[0].lower() if words and not line.startswith(b"#") else b""
        inside = key in ours
        if not inside:
            kept.append(line)
        elif key in outstanding:
            entry = outstanding.pop(key)
            same = len(words) > 1 and words[1].rstrip() == entry[1]
            kept.append(line if same else b"%b\t%b\n" % entry)
    if kept and not kept[-1].endswith(b"\n"):
        kept[-1] += b"\n"
    return b"".join(kept + [b"%b\t%b\n" % entry for entry in outstanding.values()])


def _is_from_text(name: str) -> bool:
    kind, _, path = name.removeprefix(PROXY).partition(":")
    return path.startswith("/") and (maps.suffix(kind) is not None or kind == "texthash")


def _shown(line: bytes, value: Callable[[bytes], str]) -> str:
    words = line.split(None, 1)
    if not words or line.lstrip().startswith(b"#"):
        return f"# {MASK}" if words else ""
    if line[:1].isspace():
        return f"    {MASK}"
    return os.fsdecode(words[0]) + "".join(f"\t{value(rest.strip())}" for rest in words[1:])


def _login(value: bytes) -> str:
    user, colon, _ = value.partition(b":")
    return f"{os.fsdecode(user)}:{MASK}" if colon else MASK
