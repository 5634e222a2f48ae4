"""The check of the generated sender login map, on files that the real postconf reads; its remedy is run by tests/real."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.postfix.checks.finding import ERROR, Problem, WARNING
from sasldb.postfix.checks.outdated_map import outdated
from sasldb.postfix.site import generated_map
from sasldb.postfix.site.site import Site
from sasldb.store.editing import edit
from tests.conftest import Require
from tests.operations.databases import make
from tests.postfix.checks.postfix_files import SMTP, PostfixFiles

ALICE, BOB = "alice@example.com", "bob@example.com"
MAP = "smtpd_sender_login_maps = hash:$config_directory/sasldb_sender_logins\n"
BIND = "smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch\n"
HELPDESK = b"helpdesk@example.com\talice@example.com\n"


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")


class Ground:
    """A Postfix whose database has ALICE and a user of the host's realm, and whose sender login map was just generated from it."""

    def __init__(self, directory: Path, main: str = MAP + BIND, master: str = SMTP) -> None:
        users = {login: {"userPassword": b"x"} for login in (ALICE, "dora@mail.example.com")}
        self.database = make(directory / "sasldb2", users)
        (directory / "sasl").mkdir()
        self.conf(directory / "sasl/smtpd.conf", self.database)
        self.files = PostfixFiles(directory, main, master)
        self.map = Path(generated_map.path(self.site))
        self.map.write_bytes(generated_map.table(self.site).text)

    @staticmethod
    def conf(path: Path, database: str) -> None:
        """Write a conf file of libsasl."""
        path.write_text(f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\n")

    @property
    def site(self) -> Site:
        """The site as it is now."""
        return self.files.site()

    def change(self, add: str = "", delete: str = "") -> None:
        """Change users."""
        with edit(self.database) as editor:
            if add:
                editor.set_password(add, b"x")
            if delete:
                editor.delete(delete)

    def found(self) -> Problem:
        """Return what is found, which must be something."""
        problem = outdated(self.site)
        assert problem is not None
        return problem


def test_a_new_user(tmp_path: Path) -> None:
    """A user whom the map lacks cannot send: that is an error; where no restriction asks the map, it is a warning."""
    ground = Ground(tmp_path)
    assert outdated(ground.site) is None
    ground.change(add=BOB)
    problem = ground.found()
    assert (problem.severity, problem.safe) == (ERROR, True)
    assert problem.seen == f"{ground.map} lacks {BOB}, who came into {ground.database} after it was generated"
    assert problem.remedy == f"sasldb postfix sender-login-maps -c {tmp_path}"
    ground.files = PostfixFiles(tmp_path, MAP)
    assert ground.found().severity == WARNING


def test_a_user_who_is_gone(tmp_path: Path) -> None:
    """An owner who was deleted is a warning, with the command and not with work by hand."""
    ground = Ground(tmp_path)
    ground.change(delete=ALICE)
    problem = ground.found()
    assert (problem.severity, problem.safe, problem.remedy is None) == (WARNING, True, False)
    assert problem.seen == f"{ground.map} names {ALICE}, of whom {ground.database} knows nothing any more"


def test_the_database_that_is_meant(tmp_path: Path) -> None:
    """The command names the database that was named."""
    ground = Ground(tmp_path)
    make(tmp_path / "other db", {BOB: {"userPassword": b"x"}})
    problem = outdated(Site(str(tmp_path), f"{tmp_path}/other db"))
    assert problem is not None and problem.seen.startswith(
        f"{ground.map} lacks {BOB}, who came into {tmp_path}/other db after"
    )
    assert problem.remedy == f"sasldb postfix sender-login-maps -c {tmp_path} -f '{tmp_path}/other db'"


def test_logins_that_are_reported_otherwise(tmp_path: Path) -> None:
    """smtpd_sasl_local_domain decides whether a login is reported with a realm: the map follows it, one way and the other."""
    ground = Ground(tmp_path)
    ground.files = PostfixFiles(tmp_path, f"{MAP}{BIND}smtpd_sasl_local_domain = mail.example.com\n")
    assert "names dora, of whom" in ground.found().seen and ground.found().severity == WARNING
    ground.map.write_bytes(generated_map.table(ground.site).text)
    assert outdated(ground.site) is None
    ground.files = PostfixFiles(tmp_path, MAP + BIND)
    assert "lacks dora@mail.example.com, who" in ground.found().seen and ground.found().severity == ERROR


def test_lines_of_the_administrators(tmp_path: Path) -> None:
    """What was written into the generated map would be lost: that is told, and nothing takes it away unasked."""
    ground = Ground(tmp_path)
    with open(ground.map, "ab") as file:
        file.write(HELPDESK)
    problem = ground.found()
    assert (problem.severity, problem.remedy) == (WARNING, None)
    assert problem.seen.startswith("helpdesk@example.com was written into")
    ground.change(add=BOB)
    problem = ground.found()
    assert (
        f"lacks {BOB}, who" in problem.seen and problem.remedy and not problem.safe and "would be lost" in problem.why
    )


def test_what_is_never_judged(tmp_path: Path) -> None:
    """A map without our heading, another map, one that differs in its looks alone, and none at all."""
    ground = Ground(tmp_path)
    text = ground.map.read_bytes()
    heading, *lines = text.splitlines(keepends=True)
    ground.map.write_bytes(heading + b"# mine\n" + b"".join(reversed(lines)).replace(b"\t", b"  ").upper())
    assert outdated(ground.site) is None
    ground.map.write_bytes(HELPDESK)
    assert outdated(ground.site) is None
    ground.map.unlink()
    assert outdated(ground.site) is None
    (tmp_path / "mine").write_bytes(heading + HELPDESK)
    ground.files = PostfixFiles(tmp_path, f"smtpd_sender_login_maps = hash:{tmp_path}/mine\n{BIND}")
    assert outdated(ground.site) is None


def test_one_service_alone_names_it(tmp_path: Path) -> None:
    """A map that master.cf names is judged too."""
    own = "-o smtpd_sender_login_maps=hash:$config_directory/sasldb_sender_logins"
    ground = Ground(tmp_path, BIND, f"{SMTP}submission inet n - n - - smtpd\n  {own}\n")
    ground.change(add=BOB)
    assert ground.found().severity == ERROR and generated_map.is_named(ground.site)


def test_two_applications(tmp_path: Path) -> None:
    """The map is made of the users of the first application, and is no fault of the other's."""
    second = "submission inet n - n - - smtpd\n  -o smtpd_sasl_path=other\n"
    ground = Ground(tmp_path, MAP + BIND, SMTP + second)
    ground.conf(tmp_path / "sasl/other.conf", make(tmp_path / "other", {BOB: {"userPassword": b"x"}}))
    assert [outdated(part) for part in ground.site.parts] == [None, None]
    ground.change(add=BOB)
    assert [outdated(part) is None for part in ground.site.parts] == [False, True]
