"""docs/smtp-auth-in-five-minutes.md: who types what it shows, on Debian's stock Postfix, sees what it shows."""

from __future__ import annotations

import re

from tests.real.stock import ROOT, SYSTEM_PATH, StockMachine
from tests.test_docs import dialogues, on_terminal

PAGE = (ROOT / "docs/smtp-auth-in-five-minutes.md").read_text()
LEFT_OUT = "[...]"


def pattern(lines: list[str]) -> str:
    """Return a regular expression for what a page shows, in which `[...]` stands for any lines, or for the rest of one."""
    expression = re.escape("\n".join(lines) + "\n")
    any_lines = f"^{re.escape(re.escape(LEFT_OUT))}\\\\\n"
    expression = re.sub(any_lines, lambda _: "(?:.*\n)*", expression, flags=re.MULTILINE)
    return expression.replace(re.escape(LEFT_OUT), ".*")


def test_the_page(stock_machine: StockMachine) -> None:
    """Every command works and prints what the page says."""
    turns = list(dialogues(PAGE))
    assert len(turns) > 10
    stock_machine.age()
    for command, expected in turns:
        environment = ["env", "-i", f"PATH={ROOT}/bin:{SYSTEM_PATH}", "TERM=dumb", "NO_COLOR=1"]
        shown = "\n".join(on_terminal(stock_machine.argv(*environment, "sh", "-c", command), b"wonderland")) + "\n"
        assert re.fullmatch(pattern(expected), shown), f"{command}\n{shown}"


def test_left_out() -> None:
    """A line `[...]` stands for any number of lines, and at the end of one for its rest; all else is compared."""
    assert re.fullmatch(pattern(["a", LEFT_OUT, "b"]), "a\nx\ny\nb\n")
    assert re.fullmatch(pattern(["a", LEFT_OUT, "b"]), "a\nb\n")
    assert re.fullmatch(pattern([f"0 found, {LEFT_OUT}"]), "0 found, 66 checks\n")
    assert not re.fullmatch(pattern(["a", LEFT_OUT, "b"]), "a\nx\nc\n")
    assert not re.fullmatch(pattern([f"0 found, {LEFT_OUT}"]), "1 found, 66 checks\n")
