"""The manual pages: without a warning from groff, complete, and of one mind with the commands and the README."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import pytest

from sasldb.cli.compat import saslpasswd2, sasldblistusers2
from sasldb.cli.main import sasldb
from tests.command_tree import leaves
from tests.conftest import ROOT, Require

MAN = ROOT / "docs/man"
PAGES = sorted(MAN.glob("*.8"))
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"]
LAST = ["DIFFERENCES FROM CYRUS SASL", "SEE ALSO"]


def plain(text: str) -> str:
    """Return roff source as words: macros, fonts and the backslash before a hyphen taken away."""
    text = re.sub(r"\\f[BIRP]", "", text)
    text = re.sub(r'^\.[A-Z]+ ?|"', "", text, flags=re.MULTILINE)
    return text.replace("\\-", "-")


def section(page: Path, name: str) -> str:
    """Return the source of the section `name`, subsections included."""
    parts = re.split(r'^\.SH "?([^"\n]*)"?$', page.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))[name]


def options_of(text: str) -> set[str]:
    """Return the options (`-x`, `--long`) named in roff source."""
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", plain(text)))


def entries(page: Path) -> set[str]:
    """Return the options that have an entry of their own, a line after .TP, under OPTIONS."""
    lines = re.findall(r"^\.TP\n(.*)$", section(page, "OPTIONS"), re.MULTILINE)
    return {option for line in lines for option in options_of(line)}


@each_page
def test_no_warnings(page: Path, require: Require) -> None:
    """groff has nothing to warn of."""
    (groff,) = require("man", "groff")
    done = subprocess.run([groff, "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", b"")


@each_page
def test_sections(page: Path) -> None:
    """The usual sections are there in the usual order."""
    names = re.findall(r'^\.SH "?([^"\n]*)"?$', page.read_text(), re.MULTILINE)
    extra = {"COMMANDS", "NOTES"}
    assert [name for name in names if name not in extra] == SECTIONS + LAST


@each_page
def test_names(page: Path) -> None:
    """A page is named as in its title, begins with its command's name, and is a command of bin/."""
    text = page.read_text()
    assert text.startswith(f".TH {page.stem.upper()} 8 ")
    assert section(page, "NAME").strip().startswith(f"{page.stem} \\- ")
    assert (ROOT / "bin" / page.stem).is_file()


def test_every_command_has_a_page() -> None:
    """Each command of bin/ has its page, and setup.cfg installs it."""
    setup = (ROOT / "setup.cfg").read_text()
    assert {page.stem for page in PAGES} == {path.name for path in (ROOT / "bin").iterdir()}
    assert all(f"docs/man/{page.name}\n" in setup for page in PAGES)


@each_page
def test_lines_begin_with_sentences(page: Path) -> None:
    """No line is wider than 80 columns, and none ends in a blank."""
    for line in page.read_text().splitlines():
        assert len(line) <= 80 and line == line.rstrip(), line


@pytest.mark.parametrize("module", [saslpasswd2, sasldblistusers2], ids=["saslpasswd2", "sasldblistusers2"])
def test_drop_in_options(module: object) -> None:
    """The page describes exactly the options that the drop-in takes, and the synopsis names them."""
    name = str(getattr(module, "__name__")).rpartition(".")[2]
    page = MAN / f"{name}.8"
    letters = getattr(module, "LETTERS").decode().replace(":", "").replace("?", "")
    assert entries(page) == {f"-{letter}" for letter in letters}
    assert options_of(section(page, "SYNOPSIS")) == {f"-{letter}" for letter in letters if letter != "h"}


def long_options(command: click.Command) -> set[str]:
    """Return the long options of a click command, but for --help."""
    return {word for word in spelled(command) if word.startswith("--")} - {"--help"}


def spelled(command: click.Command) -> set[str]:
    """Return all options of a click command, as they are typed."""
    options = [part for part in command.get_params(click.Context(command)) if isinstance(part, click.Option)]
    return {word for option in options for word in (*option.opts, *option.secondary_opts)}


def commands() -> dict[str, click.Command]:
    """Return the commands of `sasldb` that do something themselves, by their full names."""
    return leaves()


def test_sasldb_options() -> None:
    """sasldb(8) describes every option of every command, and none that no command has."""
    taken = {"-h", "--help", *spelled(sasldb)}.union(*(spelled(command) for command in commands().values()))
    assert entries(MAN / "sasldb.8") == taken


def test_sasldb_commands() -> None:
    """Under COMMANDS each command has its synopsis with exactly its options."""
    parts = re.split(r"^\.SS (.*)$", section(MAN / "sasldb.8", "COMMANDS"), flags=re.MULTILINE)
    described = dict(zip(map(plain, parts[1::2]), parts[2::2]))
    assert set(described) == set(commands())
    for name, command in commands().items():
        synopsis, _, _ = described[name].partition("\n.PP\n")
        assert plain(synopsis).strip().startswith(f"sasldb {name}\n")
        assert options_of(synopsis) == long_options(command)


def test_environment_of_sasldb() -> None:
    """Every variable that stands for an option is described."""
    variables = {option.envvar for command in commands().values() for option in command.params if option.envvar}
    text = section(MAN / "sasldb.8", "ENVIRONMENT")
    assert {name for name in variables if not re.search(rf"\b{name}\b", text)} == set()


def differences(page: Path) -> list[int]:
    """Return the numbers of the differences from Cyrus SASL that a page lists."""
    text = section(page, "DIFFERENCES FROM CYRUS SASL")
    return [int(number) for number in re.findall(r"^\.IP (\d+)\.", text, re.MULTILINE)]


def test_differences() -> None:
    """README and manual page list the same differences by number; the list command's page lists some of them."""
    table = (ROOT / "README.md").read_text().partition("## Differences from Cyrus SASL")[2].partition("\n## ")[0]
    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1)) and numbers
    assert differences(MAN / "saslpasswd2.8") == numbers
    assert set(differences(MAN / "sasldblistusers2.8")) < set(numbers)
