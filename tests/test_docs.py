"""The examples of README.md and docs/ are run, and what they show is what comes out.

In a Markdown file, ```python blocks run in order in one interpreter, in an empty directory, and the ```text block after one is what
it prints. ```console blocks are a root shell: `# ` begins a command, the lines below are what the terminal then shows. They run in
a private mount namespace, so /etc is written to and yet left alone.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sasldb import errors
from sasldb.libsasl import config
from tests.conftest import ROOT, CyrusTools, Require
from tests.real.namespace import PrivateEtc

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = PAGES[0].read_text()
PATH = f"{ROOT}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LOCAL_MODES = 3  # their place in what tcgetattr returns
MARK = "----- end of block -----"

Block = tuple[str, str]


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a Markdown text as (language, content)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```python" in page.read_text()], ids=lambda page: page.name
)
def test_python_examples(page: Path, tmp_path: Path) -> None:
    """The Python of a page runs, and prints what the page says."""
    code: list[str] = []
    expected: list[str] = []
    for language, content in blocks(page.read_text()):
        if language == "python":
            code.append(content)
            expected.append("")
        elif language == "text":
            expected[-1] = content
    program = f"print({MARK!r})\n".join(code)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60
    )
    assert done.stderr == b""
    assert done.stdout.decode().split(MARK + "\n") == expected


def dialogues(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (command, lines shown) of every console block, in order."""
    for language, content in blocks(text):
        if language == "console":
            for turn in re.split(r"^# ", content, flags=re.MULTILINE)[1:]:
                command, *shown = turn.splitlines()
                yield command, shown


def on_terminal(argv: list[str], answer: bytes) -> list[str]:
    """Run `argv` on a terminal of its own, type `answer` at every prompt for a password and y at others, and return the lines that the terminal shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = b""
    answered = 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([ours], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the last program has closed the terminal
            break
        shown += piece
        if shown.endswith(b": ") and len(shown) > answered:
            while termios.tcgetattr(ours)[LOCAL_MODES] & termios.ECHO:  # it throws away what is typed before
                time.sleep(0.01)
            answered = len(shown)
            os.write(ours, answer + b"\n")
        elif shown.endswith(b"[y/N] ") and len(shown) > answered:
            answered = len(shown)
            os.write(ours, b"y\n")
    os.close(ours)
    process.wait(10)
    return [line.rstrip() for line in shown.decode().replace("\r\n", "\n").splitlines()]


def test_console_examples_of_the_readme(private_etc: PrivateEtc, cyrus: CyrusTools, require: Require) -> None:
    """An administrator who types what the README shows sees what the README shows."""
    require("postfix", "postconf")
    prepare = (
        "rm -f /etc/sasldb2; printf 'mydomain = example.com\n' > /etc/postfix/main.cf;"
        'getent group postfix >/dev/null || groupadd postfix; mkdir "$1"'
    )
    work = str(private_etc.scratch / "readme")
    assert private_etc.run("sh", "-c", prepare, "sh", work).returncode == 0
    turns = list(dialogues(README))
    assert len(turns) > 10
    for command, expected in turns:
        argv = ["env", "-i", f"PATH={PATH}", "TERM=dumb", "sh", "-c", f'cd "$1"; {command}', "sh", work]
        assert (command, on_terminal(private_etc.argv(*argv), b"wonderland")) == (command, expected)


def test_the_two_commands_of_the_set_up() -> None:
    """The README's first section with commands names script/demo and script/test, and both are there."""
    section = README.partition("## Try it")[2].partition("\n## ")[0]
    commands = re.findall(r"^    (\S+)", section, re.MULTILINE)
    assert commands == ["script/demo", "script/test"]
    assert all(os.access(ROOT / name, os.X_OK) for name in commands)


def test_smtpd_conf_parses() -> None:
    """The README's smtpd.conf is one that libsasl takes."""
    (content,) = [content for language, content in blocks(README) if language == "ini"]
    values = config.parse(content.encode(), "smtpd.conf")
    assert values[b"pwcheck_method"] == b"auxprop" and values[b"auxprop_plugin"] == b"sasldb"


def test_main_cf_is_known_to_postfix(require: Require, tmp_path: Path) -> None:
    """Postfix knows every parameter of the README's main.cf, and takes each value for set."""
    (postconf,) = require("postfix", "postconf")
    (content,) = [content for language, content in blocks(README) if language == "cfg"]
    (tmp_path / "main.cf").write_text(content)
    (tmp_path / "master.cf").write_text("smtp inet n - y - - smtpd\n")
    done = subprocess.run([postconf, "-c", str(tmp_path), "-n"], capture_output=True, timeout=30, check=True)
    assert done.stderr == b""
    taken = [line for line in done.stdout.decode().splitlines() if not line.startswith("config_directory = ")]
    assert taken == sorted(content.splitlines())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link of a page to a file or to a heading leads there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        name, _, heading = target.partition("#")
        if "://" in target:
            continue
        file = (page.parent / name).resolve() if name else page
        headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
        assert not heading or heading in {title.lower().replace(" ", "-") for title in headings}, target


def test_errors_are_documented() -> None:
    """The table of errors in docs/library.md names classes that exist, and all that reading and editing raise."""
    text = (ROOT / "docs/library.md").read_text()
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, (errors.DatabaseError, errors.EntryError))
    }
    assert named == kinds - {"DatabaseError", "EntryError"}
