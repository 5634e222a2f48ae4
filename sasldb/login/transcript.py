"""What client and server said, fit to be shown: no secret in it, even where the server repeats one.

What we answer is masked, and so is its length, which may be the password's. A line of the server's that holds the password, or an answer of ours to a
challenge, plain or in base64, is withheld; that a hostile server hides it in some other coding cannot be ruled out. Raises nothing.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable

from sasldb.model.secret import Secret

WITHHELD = "(withheld: it repeats a secret)"
MASKED = "(masked)"


class Transcript:
    """Collects `lines` (text; `C: ` ours, `S: ` the server's, `*: ` a remark), and hands each to `watch` as it comes."""

    __slots__ = ("_secrets", "_watch", "lines")

    def __init__(self, password: Secret, watch: Callable[[str], None] | None = None) -> None:
        self.lines: list[str] = []
        self._watch = watch
        self._secrets = [password]
        self.protect(password.reveal())

    def protect(self, response: bytes) -> None:
        """Take `response`, an answer to a challenge (raw bytes), for a secret from now on, and its base64 as well."""
        if response:
            self._secrets += [Secret(response), Secret(b2a_base64(response, newline=False).rstrip(b"="))]

    def client(self, line: str) -> None:
        """Note what we said; `line` has no secret in it."""
        self._note("C", line)

    def server(self, line: bytes, meaning: bytes | None = None, longest: int | None = None) -> None:
        """Note a line of the server's, `longest` bytes of it; where it was base64 for `meaning`, that is shown, after a `<`."""
        shown = self.shown(line, longest)
        if meaning is not None and shown != WITHHELD:
            shown = f"{line[:4].decode('ascii', 'replace')}<{self.shown(meaning)}>"
        self._note("S", shown)

    def remark(self, sentence: str) -> None:
        """Note what happened without words."""
        self._note("*", sentence)

    def shown(self, data: bytes, longest: int | None = None) -> str:
        """Return what the server sent, `longest` bytes of it, as printable ASCII, with `\\xNN` for all else, or that it is withheld."""
        if any(len(secret) and secret.reveal() in data for secret in self._secrets):
            return WITHHELD
        return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in data[:longest])

    def _note(self, who: str, line: str) -> None:
        self.lines.append(f"{who}: {line}")
        if self._watch:
            self._watch(self.lines[-1])

    def __repr__(self) -> str:
        return f"Transcript({len(self.lines)} lines)"
