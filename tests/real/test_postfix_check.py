"""sasldb postfix check on a real Postfix: silent while all is well, and for each injected fault that fault, its remedy, and nothing else.

Three instances work at the same time, for most of it is waiting: Postfix waits two seconds after a change of main.cf.
"""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from sasldb.postfix.checks.table import CHECKS, LAST
from tests.conftest import ROOT, Require, lacking
from tests.real import outcomes
from tests.real.faults import FAULTS
from tests.real.faults.fault import CHROOT, NOTHING, OK, PLAIN, Fault
from tests.real.faulty import LAST_LINE, FaultyPostfix
from tests.real.outcomes import Outcome

each_fault = pytest.mark.parametrize("fault", FAULTS, ids=repr)
CAMPAIGNS = {
    "plain": [fault for fault in FAULTS if fault.where == PLAIN][::2],
    "plain too": [fault for fault in FAULTS if fault.where == PLAIN][1::2],
    "chroot": [fault for fault in FAULTS if fault.where == CHROOT],
}
DOCUMENT = (ROOT / "docs/authentication-failed.md").read_text()


@pytest.fixture(scope="module")
def faulty_parts(postfix_parts: None, require: Require) -> None:
    """Ask for what a Postfix to be broken needs."""
    require("namespace", "unshare", "nsenter")
    require("postfix", "openssl", "db5.3_load", "saslauthd")
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, timeout=30, check=False)
    if probe.returncode:
        lacking("namespace", probe.stderr.decode(errors="replace"))


@pytest.fixture(scope="module")
def results(faulty_parts: None, request: pytest.FixtureRequest) -> dict[str, object]:
    """Return campaign -> what it comes to while all is well, and fault -> Outcome (or the exception), for the selected tests."""
    wanted = {name for item in request.session.items for name in _faults_of(item)}

    def campaign(name: str) -> dict[str, object]:
        with FaultyPostfix(name == "chroot", f"{ROOT}/bin") as postfix:
            found: dict[str, object] = {name: outcomes.healthy(postfix)}
            for fault in CAMPAIGNS[name]:
                if repr(fault) in wanted:
                    try:
                        found[repr(fault)] = outcomes.run(postfix, fault)
                    except subprocess.TimeoutExpired as error:  # this Postfix is of no more use
                        return {
                            **found,
                            **{repr(fault): error for fault in CAMPAIGNS[name] if repr(fault) not in found},
                        }
                    except Exception as error:  # told by the test of that fault
                        found[repr(fault)] = error
            return found

    with ThreadPoolExecutor(len(CAMPAIGNS)) as pool:
        parts = list(pool.map(campaign, CAMPAIGNS))
    return {name: outcome for part in parts for name, outcome in part.items()}


def _faults_of(item: pytest.Item) -> list[str]:
    """Return the name of the fault that a test is about, [] for any other test."""
    call = getattr(item, "callspec", None)
    return [repr(call.params["fault"])] if call and "fault" in call.params else []


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_nothing_is_found_while_all_is_well(results: dict[str, object], name: str) -> None:
    """On a Postfix that users log in to there is no finding, chrooted or not, and the exit status is 0."""
    well = results[name]
    assert isinstance(well, Outcome)
    assert (well.code, well.report["findings"], well.status) == (OK, [], 0)
    assert len(well.report["passed"]) > 60


@each_fault
def test_a_fault_is_found_and_mended(results: dict[str, object], fault: Fault) -> None:
    """An injected fault is told by its name, alone, with the command that mends it; then the real login works, not in the clear, and all is well."""
    outcome = results[repr(fault)]
    if isinstance(outcome, Exception):
        raise outcome
    assert isinstance(outcome, Outcome)
    postfix = _instance_of(outcome, fault)
    assert (outcome.code, outcome.relayed) == (fault.code, fault.relays)
    assert [finding["name"] for finding in outcome.report["findings"]] == [fault.name]
    (finding,) = outcome.report["findings"]
    assert finding["remedy"] == (fault.remedy and fault.remedy.format(**postfix))
    assert outcome.status == 1 and outcome.remedied == ""
    assert outcome.code_after == OK
    assert not outcome.in_clear_after & {"PLAIN", "LOGIN"}
    assert fault.relays is None or outcome.relayed_after == (250, 554)
    assert outcome.report_after["findings"] == [] or fault.remedy is None


@each_fault
def test_what_smtpd_logs(results: dict[str, object], fault: Fault) -> None:
    """The words that the documents give for a fault are in the log, and where they give none, no warning and no error is."""
    outcome = results[repr(fault)]
    assert isinstance(outcome, Outcome)
    if fault.logs == NOTHING:
        assert outcome.log == []
    elif fault.log_may_be_lost and not outcome.log:
        pass
    else:
        assert any(fault.logs in line for line in outcome.log), outcome.log


def _instance_of(outcome: Outcome, fault: Fault) -> dict[str, str]:
    """Return what differs from one Postfix to the other, taken from the finding itself."""
    text = str(outcome.report["findings"])
    found = re.search(r"(/tmp/[\w.-]*-postfix)/", text)
    home = found[1] if found else ""
    jail = f"{home}/queue"
    port = re.search(r"127\.0\.0\.1:(\d+)", text)
    seen = f"{jail}/etc/sasldb2" if fault.where == CHROOT else "/etc/sasldb2"
    return {
        "config": f"{home}/config",
        "conf": f"{home}/config/sasl/smtpd.conf",
        "jail": jail,
        "seen": seen,
        "last": str(LAST_LINE),
        "port": port[1] if port else "",
    }


def test_every_check_is_proved() -> None:
    """Each check has a fault that it finds, but for the one that only says what was not looked at."""
    assert {fault.name for fault in FAULTS} == {row.name for row in (*CHECKS, *LAST)} - {"conf-unsure"}


def test_the_document_has_every_fault() -> None:
    """docs/authentication-failed.md has a row for each fault of these tests, and no other: what it is, what smtpd logs, what check says."""
    rows = re.findall(r"^\| (?!what is wrong|---)(.*) \| (.*) \| `([\w-]+)` \|$", DOCUMENT, re.MULTILINE)
    assert rows == [(fault.title, f"`{fault.logs}`" if fault.logs else "nothing", fault.name) for fault in FAULTS]
