"""The course of one injected fault: broken, tried, checked, mended, tried again. Faults of one Postfix run one after the other."""

from __future__ import annotations

import json
from typing import Any

from tests.real.faults.fault import SILENT, Fault
from tests.real.faulty import USER, FaultyPostfix

CHECK = 'sasldb postfix check -c "$CONFIG" --json'
_SHORT, _LONG = 1.5, 15.0  # seconds; waiting for an answer that does not come, and for one that does
_TROUBLE = ("warning:", "fatal:", "error:", "reject:", "stopping")
_AFTERMATH = ("throttling", "exit status")


class Outcome:
    """What happened.

    Attributes:
        code, relayed: of the login, and of relaying as (USER, stranger) where the fault is about that. log: lines of trouble.
        report: the JSON of the check. status: its exit status. remedied: what the remedy's command complained of ("" where it worked).
        code_after, relayed_after, report_after: the same when it was mended. in_clear_after: the mechanisms offered without TLS then.
    """

    def __init__(self) -> None:
        self.code = self.code_after = self.status = -1
        self.relayed: tuple[int, int] | None = None
        self.relayed_after: tuple[int, int] | None = None
        self.remedied = ""
        self.in_clear_after: set[str] = set()
        self.log: list[str] = []
        self.report: dict[str, Any] = {}
        self.report_after: dict[str, Any] = {}


def run(postfix: FaultyPostfix, fault: Fault) -> Outcome:
    """Inject `fault`, look, and mend it."""
    outcome = Outcome()
    postfix.break_by(fault.inject, fault.reload)
    outcome.code = postfix.login(fault.mechanism, patience=_SHORT if fault.code == SILENT else _LONG)
    if fault.relays:
        outcome.relayed = (postfix.relay(USER, fault.sender), postfix.relay("", fault.sender))
    outcome.status, outcome.report = check(postfix)
    outcome.log = trouble(postfix.log())
    remedies = [finding["remedy"] for finding in outcome.report["findings"]]
    for remedy in remedies:
        if remedy and not remedy.startswith("apt-get"):  # in the tests the package comes by `then`
            outcome.remedied += postfix.mend(remedy)
    if fault.then:
        outcome.remedied += postfix.mend(fault.then)
    outcome.in_clear_after = postfix.in_clear()
    outcome.code_after = postfix.login(fault.after, patience=_LONG)
    if fault.relays:
        outcome.relayed_after = (postfix.relay(USER, fault.sender), postfix.relay("", fault.sender))
    _, outcome.report_after = check(postfix)
    return outcome


def check(postfix: FaultyPostfix) -> tuple[int, dict[str, Any]]:
    """Return exit status and report of the check; what it says on standard error is a failure."""
    done = postfix.shell(CHECK)
    if done.stderr:
        raise AssertionError(done.stderr.decode(errors="replace"))
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, report


def trouble(log: str) -> list[str]:
    """Return the lines of `log` that tell of trouble, but for those that only follow from an smtpd that has ended."""
    lines = [line.split(": ", 1)[1] for line in log.splitlines() if any(word in line for word in _TROUBLE)]
    return [line for line in lines if not any(word in line for word in _AFTERMATH)]


def healthy(postfix: FaultyPostfix) -> Outcome:
    """Return what login and check come to while nothing is broken."""
    outcome = Outcome()
    postfix.break_by(":")
    outcome.code = postfix.login()
    outcome.status, outcome.report = check(postfix)
    return outcome
