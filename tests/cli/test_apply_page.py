"""docs/apply.md: its commands show what it shows, its file is one, and its table has the keys that there are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from sasldb.operations.state import statefile
from sasldb.operations.state.documents import parse
from tests.conftest import ROOT
from tests.test_docs import blocks, dialogues

PAGE = (ROOT / "docs/apply.md").read_text()


def test_commands(tmp_path: Path) -> None:
    """Who types what the page shows sees what the page shows."""
    environment = {"PATH": f"{ROOT}/bin:/usr/bin:/bin", "SASL_PATH": "/nonexistent", "LC_ALL": "C.UTF-8"}
    status = 0
    for command, expected in dialogues(PAGE):
        done = subprocess.run(
            ["sh", "-c", f"(exit {status}); {command}"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
        )
        status = done.returncode
        assert (command, done.stdout.decode().splitlines()) == (command, expected)


def test_file(tmp_path: Path) -> None:
    """The page's state file is one."""
    (text,) = [content for language, content in blocks(PAGE) if language == "yaml"]
    (tmp_path / "bob.txt").write_text("builder\n")
    desired = statefile.read(parse(text.encode(), "users.yml"), str(tmp_path / "users.yml"))
    assert [str(wish.user) for wish in desired.wishes.values()] == [
        "alice@example.com",
        "bob@example.org",
        "carol@example.com",
        "dave@example.com",
    ]


def test_table() -> None:
    """Every key of a state file is in the table, where it may stand, and no other."""
    rows = re.findall(r"^\| `(\w+)` \| (yes)? ?\| (yes)? ?\|", PAGE, re.MULTILINE)
    assert {name for name, user, _ in rows if user} == set(statefile.USER)
    assert {name for name, _, top in rows if top} == set(statefile.TOP)
