"""Checks of realms and of sender login maps, with their remedies, on files that the real postconf and postmap read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sasldb.postfix.checks import senders, users
from sasldb.postfix.checks.finding import WARNING
from sasldb.postfix.site.generated_map import bare_realm
from tests.conftest import Require
from tests.operations.databases import make
from tests.postfix.checks.postfix_files import SMTP, PostfixFiles

SENDER, RECIPIENT, RELAY = "smtpd_sender_restrictions", "smtpd_recipient_restrictions", "smtpd_relay_restrictions"
BIND, BIND_USERS = "reject_sender_login_mismatch", "reject_authenticated_sender_login_mismatch"
MAP = "smtpd_sender_login_maps = hash:/etc/x\n"
SUBMISSION = f"{SMTP}submission inet n - n - - smtpd\n"


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")
    require("postfix", "postmap")


def files(directory: Path, logins: str, main: str, master: str = SMTP) -> PostfixFiles:
    """Return a Postfix whose database has the users of `logins`."""
    database = make(directory / "sasldb2", {login: {"userPassword": b"x"} for login in logins.split()})
    (directory / "sasl").mkdir(exist_ok=True)
    (directory / "sasl/smtpd.conf").write_text(f"pwcheck_method: auxprop\nsasldb_path: {database}\n")
    return PostfixFiles(directory, main, master)


@pytest.mark.parametrize(
    ("main", "line"),
    [
        ("", f"{SENDER} = {BIND_USERS}"),
        (f"{SENDER} = permit_mynetworks\n", f"{SENDER} = {BIND_USERS}, permit_mynetworks"),
        (f"{SENDER} = $d, permit, {BIND}\nd = permit_x\n", f"{SENDER} = $d, {BIND}, permit, {BIND}"),
        (
            f"{SENDER} = a, permit_sasl_authenticated, {BIND_USERS}\n",
            f"{SENDER} = a, {BIND_USERS}, permit_sasl_authenticated, {BIND_USERS}",
        ),
        (f"{SENDER} = a, warn_if_reject {BIND}\n", f"{SENDER} = a, {BIND}, warn_if_reject {BIND}"),
        (
            f"{RECIPIENT} = permit_mynetworks, permit_sasl_authenticated, {BIND}\n",
            f"{RECIPIENT} = permit_mynetworks, {BIND}, permit_sasl_authenticated, {BIND}",
        ),
        (
            f"smtpd_restriction_classes = c\nc = permit_sasl_authenticated\n{SENDER} = a, c, {BIND}\n",
            f"{SENDER} = a, {BIND}, c, {BIND}",
        ),
    ],
)
def test_the_map_is_asked_before_users_are_let_through(tmp_path: Path, main: str, line: str) -> None:
    """A word behind what permits, or behind warn_if_reject, is without effect: it is put in front, and all else stays."""
    ground = PostfixFiles(tmp_path, MAP + main)
    problem = senders.unenforced(ground.site())
    assert problem is not None
    ground.mend(problem)
    assert ground.lines("main.cf", line.partition(" ")[0]) == [line]
    assert senders.unenforced(ground.site()) is None


@pytest.mark.parametrize(
    ("main", "own", "line"),
    [
        (f"{SENDER} = {BIND}\n", f"{SENDER}=", f"{SENDER}={BIND_USERS}"),
        (f"{SENDER} = {BIND}\n", f"{SENDER}=$mua", f"{SENDER}={BIND_USERS},$mua"),
        (
            f"{RECIPIENT} = {BIND_USERS}, permit_mynetworks\n",
            f"{RECIPIENT}=reject_x,permit_sasl_authenticated,reject",
            f"{RECIPIENT}=reject_x,{BIND_USERS},permit_sasl_authenticated,reject",
        ),
    ],
)
def test_a_service_with_lists_of_its_own(tmp_path: Path, main: str, own: str, line: str) -> None:
    """A service whose own list lacks the word gets it there; main.cf stays as it is."""
    ground = PostfixFiles(tmp_path, f"{MAP}mua = permit\n{main}", f"{SUBMISSION}  -o {own}\n")
    problem = senders.unenforced(ground.site())
    assert problem is not None and "submission/inet" in problem.seen
    ground.mend(problem)
    assert ground.lines("master.cf", line.partition("=")[0]) == [f"-o {line}"]
    assert main.strip() in ground.lines("main.cf", "restrictions")
    assert senders.unenforced(ground.site()) is None


def owners(ground: PostfixFiles, text: str) -> str | None:
    """Return what is said of a map of owners."""
    (ground.directory / "owners").write_text("".join(f"{n}@x {owner}\n" for n, owner in enumerate(text.split())))
    problem = senders.unknown_owners(ground.site())
    return None if problem is None else problem.seen + problem.why


OWNERS = "smtpd_sender_login_maps = proxy:texthash:$config_directory/owners\n"


def test_owners_and_case(tmp_path: Path) -> None:
    """Postfix compares owners without regard to case."""
    ground = files(tmp_path, "Alice@example.com", OWNERS)
    assert owners(ground, "alice@Example.COM") is None
    assert "carol@example.com" in str(owners(ground, "carol@example.com"))


def test_owners_without_a_realm(tmp_path: Path) -> None:
    """They are users where smtpd reports a login without one, and nobody where it appends smtpd_sasl_local_domain."""
    ground = files(tmp_path, "alice@example.com bob@mail.example.com", OWNERS)
    assert owners(ground, "BOB") is None and "alice" in str(owners(ground, "alice"))
    ground = files(tmp_path, "alice@example.com", f"{OWNERS}smtpd_sasl_local_domain = example.com\n")
    assert "names alice, whom smtpd knows as alice@example.com" in str(owners(ground, "alice"))
    assert owners(ground, "alice@example.com") is None
    one = f"{SUBMISSION}  -o smtpd_sasl_local_domain=\n"
    ground = files(tmp_path, "bob@mail.example.com", f"{OWNERS}smtpd_sasl_local_domain = mail.example.com\n", one)
    assert owners(ground, "bob") is None


@pytest.mark.parametrize(
    ("logins", "main", "own", "seen"),
    [
        ("a@example.com", "smtpd_sasl_local_domain = example.com\n", "", None),
        ("a@example.com b@example.org", "smtpd_sasl_local_domain = example.net\n", "", "in the realm example.net"),
        ("a@example.com", "", "", "in the realm mail.example.com"),
        ("a@example.com b@example.org", "", "", None),
        ("a@51686ed8d2b4", "", "", "in the realm mail.example.com"),
        ("a@51686ed8d2b4 b@other", "", "", "in the realm mail.example.com"),
        ("a@Mail.Example.com", "", "", "in the realm mail.example.com"),
        ("a@51686ed8d2b4 b@example.com", "", "", None),
        ("a@a.x b@b.x", "smtpd_sasl_local_domain = a.x\n", "-o smtpd_sasl_local_domain=b.x", None),
        ("a@a.x", "smtpd_sasl_local_domain = a.x\n", "-o smtpd_sasl_local_domain=b.x", "up by submission/inet in the"),
    ],
)
def test_realms(tmp_path: Path, logins: str, main: str, own: str, seen: str | None) -> None:
    """A realm that was configured, or is the host's, is missed where no user is in it; of several domains none need be it.

    Where the users of one domain may all log in with it, that is a warning.
    """
    problem = users.realm(files(tmp_path, logins, main, f"{SUBMISSION}  {own}\n").site())
    assert problem is None if seen is None else problem is not None and seen in problem.seen
    if problem is not None:
        assert (problem.severity == WARNING) == ("nothing is wrong" in problem.why) == (logins == "a@example.com")


def test_the_realm_of_one_service(tmp_path: Path) -> None:
    """Only the service that looks elsewhere is changed."""
    one = f"{SUBMISSION}  -o smtpd_sasl_local_domain=b.x\n"
    ground = files(tmp_path, "a@a.x", "smtpd_sasl_local_domain = a.x\n", one)
    problem = users.realm(ground.site())
    assert problem is not None
    ground.mend(problem)
    assert ground.lines("master.cf", "local_domain") == ["-o smtpd_sasl_local_domain=a.x"]
    assert users.realm(ground.site()) is None


@pytest.mark.parametrize("prefix", ["", "proxy:"])
def test_a_map_with_an_odd_name(tmp_path: Path, prefix: str) -> None:
    """postmap is told the table itself, without `proxy:`, and the name so that a shell reads it back."""
    path = tmp_path / "it's;$(touch x)"
    path.write_text("a@x a@x\n")
    ground = PostfixFiles(tmp_path)
    problem = users.stale_map(ground.site(), f"{prefix}hash:{path}", "")
    assert problem is not None
    ground.mend(problem)
    assert Path(f"{path}.db").exists() and not os.path.exists("x")
    assert users.stale_map(ground.site(), f"{prefix}hash:{path}", "") is None


@pytest.mark.parametrize(
    ("main", "own", "local", "realm"),
    [
        ("", "", None, "mail.example.com"),
        ("smtpd_sasl_local_domain = a.x\n", "", None, None),
        ("", "", "a.x", None),
        ("smtpd_sasl_local_domain = a.x\n", "-o smtpd_sasl_local_domain=", None, "mail.example.com"),
        ("", "-o smtpd_sasl_local_domain=b.x", "a.x", None),
    ],
)
def test_the_realm_of_owners_without_one(
    tmp_path: Path, main: str, own: str, local: str | None, realm: str | None
) -> None:
    """The map has bare owners as soon as one service reports bare logins."""
    assert bare_realm(PostfixFiles(tmp_path, main, f"{SUBMISSION}  {own}\n").site(), local) == realm
