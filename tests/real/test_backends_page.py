"""docs/backends.md: who types what it shows, with the server that a section is about, sees what it shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.conftest import Require
from tests.real import backends
from tests.real.backends import LDIF, MUX, PASSWORD, SLAPD
from tests.real.stock import ROOT, SYSTEM_PATH, StockMachine
from tests.real.test_five_minutes import pattern
from tests.test_docs import blocks, dialogues, on_terminal

PAGE = (ROOT / "docs/backends.md").read_text()
SECTIONS = {title: text for title, text in (part.split("\n", 1) for part in PAGE.split("\n## ")[1:])}


@contextmanager
def system_user(machine: StockMachine) -> Iterator[None]:
    """Let there be the system's user, without the rules of PAM, which the page makes."""
    with backends.system_user(machine):
        machine.shell("rm /etc/pam.d/smtp")
        yield


SERVERS: dict[str, tuple[list[str], Callable[[StockMachine], AbstractContextManager[object]]]] = {
    "The system's users": (["cyrus", "saslauthd"], system_user),
    "An IMAP server": (["imap", "dovecot"], backends.imap_server),
    "An SQL database": (["postgresql", "psql"], backends.sql_server),
    "A directory": (["ldap", "slapd", "slapadd"], backends.directory),
}


def files(section: str) -> dict[str, str]:
    """Return path -> content of each file that the section tells to make: the path that stands last before the block."""
    return {
        re.findall(r"`(/root/[^`]*)`", section[: section.index(content)])[-1]: content
        for language, content in blocks(section)
        if language == "ini"
    }


def test_every_section_is_run() -> None:
    """Each section of the page has its server here."""
    assert list(SECTIONS) == list(SERVERS)


@pytest.mark.parametrize("title", SERVERS)
def test_the_page(stock_machine: StockMachine, require: Require, title: str) -> None:
    """Every command works and prints what the page says; the setup is taken back at the end, without trace."""
    parts, server = SERVERS[title]
    require(*parts)
    machine, section = stock_machine, SECTIONS[title]
    machine.age()
    before = machine.state()
    with server(machine):
        for path, content in files(section).items():
            machine.shell(f"umask 077; cat > {machine.scratch}/{path.rpartition('/')[2]}", content.encode())
        for command, expected in dialogues(section):
            argv = ["env", "-i", f"PATH={ROOT}/bin:{SYSTEM_PATH}", "TERM=dumb", "NO_COLOR=1", "sh", "-c"]
            argv.append(command.replace("/root/", f"{machine.scratch}/"))
            shown = "\n".join(on_terminal(machine.argv(*argv), PASSWORD.encode())) + "\n"
            assert re.fullmatch(pattern(expected) if expected else "\n?", shown), f"{command}\n{shown}"
        machine.shell("sasldb postfix setup --undo --yes")
        machine.shell(f"test ! -e {MUX} || {{ kill $(cat {MUX}/saslauthd.pid); rm -r {MUX}; }}")
    machine.shell("rm -rf /var/spool/postfix/var")
    assert machine.state() == before


def test_the_directory_is_that_of_the_page() -> None:
    """What the page says of slapd is what the directory of the tests has."""
    shown = {language: content for language, content in blocks(PAGE) if language in ("slapd", "ldif")}
    assert shown["ldif"] in LDIF and all(line in SLAPD.splitlines() for line in shown["slapd"].splitlines())
