"""What a command asked of the kernel: it runs under strace(1), and each call that may change a file is kept, with all its data.

Strings are traced as hexadecimal (-xx), so that no byte of a path or of a page can be taken for syntax.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator

from tests.faults.injection import LONGEST, Run

_LONGEST_STRING = 1 << 26  # bytes; strace cuts what is longer
_CALLS = (
    "open openat openat2 creat close close_range dup dup2 dup3 fcntl lseek write pwrite64 writev pwritev pwritev2 copy_file_range "
    "sendfile splice ftruncate truncate fallocate fsync fdatasync sync syncfs rename renameat renameat2 link linkat unlink unlinkat "
    "symlink symlinkat mkdir mkdirat rmdir chmod fchmod fchmodat chown lchown fchown fchownat setxattr lsetxattr fsetxattr "
    "removexattr lremovexattr fremovexattr utime utimes utimensat mmap clone clone3 fork vfork"
)
_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)(.*)")
_ESCAPED = re.compile(r"(?:\\x[0-9a-f]{2})+")
_SHOWN = 120  # characters of a string in a report


class Call:
    """One system call that succeeded: `name`, `result`, `pid`, and its arguments as strace wrote them."""

    def __init__(self, pid: int, name: str, arguments: list[str], result: int) -> None:
        self.pid = pid
        self.name = name
        self.result = result
        self._arguments = arguments

    def __len__(self) -> int:
        return len(self._arguments)

    def word(self, index: int) -> str:
        """Return an argument as it was written: flags, structures, NULL."""
        return self._arguments[index]

    def number(self, index: int) -> int:
        """Return a number; an fd too, without the path behind it; a one-element list's element."""
        word = self._arguments[index].strip("[]").split("<")[0]
        return int(word, 8 if word.startswith("0") and word.isdigit() else 0)

    def fd(self, index: int) -> int | None:
        """Return a descriptor, None for AT_FDCWD."""
        return None if self._arguments[index].startswith("AT_FDCWD") else self.number(index)

    def cwd(self, index: int) -> str:
        """Return the path that strace wrote behind AT_FDCWD or a descriptor."""
        return _unescape(self._arguments[index].partition("<")[2].rpartition(">")[0]).decode(errors="surrogateescape")

    def data(self, index: int) -> bytes:
        """Return a string as bytes."""
        word = self._arguments[index]
        assert word.startswith('"') and word.endswith('"'), f"{self.name}: cut by strace, or no string: {word[:80]}"
        return _unescape(word[1:-1])

    def path(self, index: int) -> str:
        """Return a string as a path."""
        return self.data(index).decode(errors="surrogateescape")

    def __str__(self) -> str:
        words = (_ESCAPED.sub(_shown, word) for word in self._arguments)
        return f"{self.name}({', '.join(words)}) = {self.result}"


def record(argv: list[str], stdin: bytes, env: dict[str, str]) -> tuple[Run, list[Call]]:
    """Run `argv` and return how it ended and its calls, in order."""
    with tempfile.NamedTemporaryFile(prefix="sasldb-record-") as log:
        traced = ",".join(f"?{name}" for name in _CALLS.split())
        options = ["-f", "-qq", "-y", "-xx", "-s", str(_LONGEST_STRING), "-e", f"trace={traced}", "-e", "signal=none"]
        command = ["strace", *options, "-o", log.name, *argv]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=LONGEST * 3, check=False, env=env)
        return Run(done), list(_parsed(log.read().decode("ascii")))


def _parsed(text: str) -> Iterator[Call]:
    begun: dict[str, str] = {}
    for line in text.splitlines():
        pid = line.split(" ", 1)[0]
        if line.endswith(" <unfinished ...>"):
            begun[pid] = line[: -len(" <unfinished ...>")]
            continue
        if "resumed>" in line and pid in begun:
            line = begun.pop(pid) + line.partition("resumed>")[2]
        match = _LINE.match(line)
        if match is None:
            continue  # the end of the process
        result = -1 if match[4] == "?" else int(match[4], 0)
        if result >= 0:
            yield Call(int(match[1]), match[2], list(_split(match[3])), result)


def _split(text: str) -> Iterator[str]:
    """Yield the arguments: parted by commas outside of brackets; no string has a comma in it."""
    depth = begin = 0
    for at, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            yield text[begin:at].strip()
            begin = at + 1
    if text[begin:].strip():
        yield text[begin:].strip()


def _unescape(text: str) -> bytes:
    return b"".join(
        bytes.fromhex(part.replace("\\x", "")) if part.startswith("\\x") else part.encode()
        for part in re.split(r"((?:\\x[0-9a-f]{2})+)", text)
    )


def _shown(match: re.Match[str]) -> str:
    data = _unescape(match[0])
    readable = len(data) <= _SHOWN and data.isascii() and data.decode().isprintable()
    return data.decode() if readable else f"{len(data)} bytes"
