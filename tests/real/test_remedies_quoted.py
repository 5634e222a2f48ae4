"""Remedies at a site whose directories have odd names: each can be pasted into a shell as it is.

The faults are those of tests/real/faults, which has one for every check, so that a check with an unquoted remedy shows here by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT, Require, lacking
from tests.real.faults import FAULTS
from tests.real.faults.fault import CHROOT, PLAIN, Fault
from tests.real.odd import INNER, PIECES, WORD, OddPostfix
from tests.real.outcomes import check

# To see it, smtpd itself would have to run.
RUNNING = {"reload-due"}
IN_JAIL = {"database-elsewhere": CHROOT}  # users are looked for in usual places alone, and there the jail is odd
MENDABLE = [fault for fault in FAULTS if fault.remedy and fault.name not in RUNNING]


@pytest.fixture(scope="module")
def sites(postfix_parts: None, require: Require) -> Iterator[dict[str, OddPostfix]]:
    """Yield where -> a Postfix in a directory with an odd name, whose database has an odd name too."""
    require("namespace", "unshare", "nsenter")
    require("postfix", "openssl", "db5.3_load", "saslauthd")
    try:
        plain, chroot = (OddPostfix(where == CHROOT, f"{ROOT}/bin") for where in (PLAIN, CHROOT))
    except OSError as error:
        lacking("namespace", str(error))
    with plain, chroot:
        yield {PLAIN: plain, CHROOT: chroot}


@pytest.mark.parametrize("fault", MENDABLE, ids=repr)
def test_a_remedy_can_be_pasted(sites: dict[str, OddPostfix], fault: Fault) -> None:
    """A name with quotes, a semicolon and a substitution in it comes to the programs whole, and nothing else is run."""
    postfix = sites[IN_JAIL.get(fault.name, fault.where)]
    postfix.break_by(fault.inject)
    report = check(postfix)[1]
    findings = [finding for finding in report["findings"] if finding["remedy"]]
    assert fault.name in [finding["name"] for finding in findings], report["findings"]
    for remedy in [finding["remedy"] for finding in findings]:
        words = shlex.split(remedy)
        wrong, called, made = postfix.tried(remedy)
        assert (wrong, made) == ("", []), remedy
        assert all(map(_is_whole, [*words, *called])), remedy
        kept = [word for command in _commands(words) if command[0] != "printf" for word in command]
        assert {word for word in kept if WORD in word or INNER in word} <= set(called), remedy


def _is_whole(word: str) -> bool:
    """Tell whether a word has nothing of an odd name, or all of it."""
    return not any(piece in word for piece in PIECES) or WORD in word or INNER in word


def _commands(words: list[str]) -> list[list[str]]:
    """Return the words of each command of a line; where it prints to is a command of its own."""
    commands: list[list[str]] = [[]]
    for word in words:
        if word in ("&&", "||", ";", "{", "}", ">", ">>"):
            commands.append(["printf"] if ">" in word else [])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]
