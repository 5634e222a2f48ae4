"""Checks without a Postfix: another application of libsasl, and the rules of the table. On a real Postfix: tests/real."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.postfix.checks.checking import Report, check
from sasldb.postfix.checks.finding import Check, ERROR, Problem, UNSEEN, WARNING
from sasldb.postfix.checks.table import CHECKS, LAST, OF_ANY_APPLICATION, ROOT
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen
from tests.cli.conftest import make_database

ALL = (*CHECKS, *LAST)
CONF = "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN SCRAM-SHA-256\nsasldb_path: {}\n"
USERS = {b"alice\0example.com\0userPassword": b"secret"}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cyrus: object) -> Path:
    """Return a directory in which the application `demo` has a conf and a database with a user, and all is well."""
    monkeypatch.setenv("SASL_CONF_PATH", str(tmp_path))
    (tmp_path / "demo.conf").write_text(CONF.format(tmp_path / "db"))
    make_database(tmp_path / "db", USERS)
    (tmp_path / "db").chmod(0o640)
    tmp_path.chmod(0o700)
    return tmp_path


def found(report: Report) -> list[str]:
    """Return the names of the findings."""
    return [finding.name for finding in report.findings]


def test_the_table_is_in_order() -> None:
    """Each name is there once, and a check comes after those whose consequences it would see."""
    names = [row.name for row in ALL]
    assert len(names) == len(set(names)) and names[0] == ROOT
    for number, row in enumerate(ALL):
        assert set(row.after) <= set(names), row.name
        assert set(row.after) & set(names[number:]) == set(), row.name
    assert OF_ANY_APPLICATION < set(names)


def test_all_is_well_with_another_application(directory: Path) -> None:
    """An application that Postfix does not know is looked at where libsasl finds it; nothing of Postfix is asked."""
    site = Site(application="demo")
    report = check(site)
    assert (found(report), set(report.passed)) == ([], set(OF_ANY_APPLICATION))
    assert site.summary() == f"demo reads {directory}/demo.conf (SASL_CONF_PATH) and opens {directory}/db"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("conf-malformed", "pwcheck_method auxprop\n"),
        ("conf-doubled", "sasldb_path: /a\nsasldb_path: /b\n"),
        ("conf-unknown-option", "pwcheck_methods: auxprop\n"),
        ("pwcheck-method", "pwcheck_method: nonsense\nauxprop_plugin: sasldb\nmech_list: PLAIN\n"),
        ("mechanism-unknown", "auxprop_plugin: sasldb\nmech_list: PLAIM\nsasldb_path: {db}\n"),
    ],
)
def test_faults_of_another_applications_conf(directory: Path, name: str, text: str) -> None:
    """Its faults have the same names, and the remedies edit its own file and reload nothing."""
    (directory / "demo.conf").write_text(text.format(db=directory / "db"))
    (finding,) = check(Site(application="demo")).findings
    assert finding.name == name and finding.remedy is not None
    assert finding.remedy.endswith(f" {directory}/demo.conf") and "postfix" not in finding.remedy


def test_the_named_database_is_the_one_that_counts(directory: Path) -> None:
    """Where the administrator names the database that has the users, another one that is read is a finding, with users or without."""
    make_database(directory / "mine", USERS)
    report = check(Site(application="demo", named=str(directory / "mine")))
    assert found(report) == ["database-elsewhere"]
    assert report.findings[0].remedy and f"sasldb_path: {directory}/mine" in report.findings[0].remedy


def test_an_exposed_database_of_another_program_keeps_its_owner(directory: Path) -> None:
    """Nobody knows here whose it has to be: others lose their rights, and no more."""
    (directory / "db").chmod(0o644)
    (finding,) = check(Site(application="demo")).findings
    assert (finding.name, finding.remedy) == ("database-exposed", f"chmod o-rwx {directory}/db")


def test_no_password_is_shown(directory: Path) -> None:
    """What is seen of a conf and a database with secrets shows none."""
    (directory / "demo.conf").write_text(
        "auxprop_plugin: sasldb\nsql_passwd: hidden\nsql_passwd: hidden too\nmech_list hidden\n"
    )
    shown = [repr(vars_of(finding)) for finding in check(Site(application="demo")).findings]
    assert shown and not any("hidden" in text for text in shown)


def vars_of(problem: Problem) -> tuple[str, str, str | None]:
    """Return all that is told of a problem."""
    return problem.seen, problem.why, problem.remedy


def test_a_problem_without_a_remedy_says_why() -> None:
    """The reason ends the sentence that tells why it matters, and nothing is safe to run."""
    problem = Problem.without_remedy("seen", "Why.", "because.", WARNING)
    assert vars_of(problem) == ("seen", "Why. No command can mend it: because.", None)
    assert (problem.severity, problem.safe) == (WARNING, False)


def run(*rows: Check) -> Report:
    """Return what comes of a table with these rows."""
    return check(Site(), rows, ())


def finds(site: Site) -> Problem:
    """A check that finds something."""
    return Problem("seen", "Why.", None, ERROR)


def passes(site: Site) -> None:
    """A check that finds nothing."""


def blind(site: Site) -> None:
    """A check that cannot look."""
    raise Unseen("only root can")


def test_consequences_are_left_out() -> None:
    """What comes after a finding is neither found nor passed, and so is what comes after that."""
    rows = (
        Check("a", finds, "x", ()),
        Check("b", passes, "x", ("a",)),
        Check("c", finds, "x", ("b",)),
        Check("d", passes, "x", ()),
    )
    report = run(*rows)
    assert (found(report), report.passed) == (["a"], ["d"])


def test_what_cannot_be_seen_is_told_once() -> None:
    """A check that cannot look for the same reason as one before it is silent; one that can look is made."""
    rows = (
        Check("a", blind, "x", ()),
        Check("b", blind, "x", ("a",)),
        Check("c", finds, "x", ("a", "b")),
        Check("d", blind, "x", ()),
    )
    report = run(*rows)
    assert [(finding.name, finding.severity) for finding in report.findings] == [
        ("a", UNSEEN),
        ("c", ERROR),
        ("d", UNSEEN),
    ]
    assert report.findings[0].remedy is None and "root" in report.findings[0].why
