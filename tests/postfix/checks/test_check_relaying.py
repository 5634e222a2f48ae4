"""Checks of restrictions, each with its remedy, on files that the real postconf reads and changes; the real smtpd agrees in tests/real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Optional

import pytest

from sasldb.postfix.checks import relaying, security
from sasldb.postfix.checks.finding import Problem, WARNING
from sasldb.postfix.checks.relaying import wide_entry
from sasldb.postfix.site.site import Site
from tests.conftest import Require
from tests.postfix.checks.postfix_files import SMTP, PostfixFiles

RELAY, RECIPIENT = "smtpd_relay_restrictions", "smtpd_recipient_restrictions"
BIND = "reject_sender_login_mismatch"
GOOD = f"{RELAY} = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination\n"
SUBMISSION = f"{SMTP}submission inet n - n - - smtpd\n"
Look = Callable[[Site], Optional[Problem]]


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")


def mended(files: PostfixFiles, look: Look) -> Problem:
    """Return what is found, after its remedy was run and nothing is found any more."""
    problem = look(files.site())
    assert problem is not None
    files.mend(problem)
    assert look(files.site()) is None
    return problem


def test_the_administrators_order_stays(tmp_path: Path) -> None:
    """The login is let through directly before what refuses it, and what binds senders stays in front, unexpanded names too."""
    before = f"{BIND}, reject_rbl_client $config_directory,reject_unauth_destination, permit_sasl_authenticated"
    files = PostfixFiles(tmp_path, f"{RELAY} = {before}\n")
    mended(files, relaying.refused)
    after = before.replace(",reject_unauth", ",permit_sasl_authenticated, reject_unauth")
    assert files.lines("main.cf", RELAY) == [f"{RELAY} = {after}"]


def test_a_service_is_mended_in_master_cf(tmp_path: Path) -> None:
    """The list of one service is changed there, with commas, for postconf takes no blanks; main.cf stays."""
    own = f"  -o {{ {RELAY} = {BIND}, permit_mynetworks reject }}\n"
    files = PostfixFiles(tmp_path, GOOD, SUBMISSION + own)
    problem = mended(files, relaying.refused)
    assert "submission/inet" in problem.seen
    wanted = f"{RELAY}={BIND},permit_mynetworks,permit_sasl_authenticated,reject"
    assert files.lines("master.cf", RELAY) == [f"-o {wanted}"]
    assert f"{files.lines('main.cf', RELAY)[0]}\n" == GOOD


def test_other_lists_of_a_service(tmp_path: Path) -> None:
    """A list of another kind is written with commas as well."""
    own = "  -o { smtpd_sasl_security_options = nodictionary noplaintext }\n"
    files = PostfixFiles(tmp_path, GOOD, SUBMISSION + own)
    mended(files, security.anonymous)
    assert files.lines("master.cf", "security") == [
        "-o smtpd_sasl_security_options=noanonymous,nodictionary,noplaintext"
    ]


def test_what_can_be_mended_is(tmp_path: Path) -> None:
    """A service that no command can mend does not hinder the others, and then is found alone."""
    braces = f"  -o {{ {RELAY} = check_client_access {{ hash:/x, search_order = cert }}, reject }}\n"
    master = f"{SUBMISSION}{braces}465 inet n - n - - smtpd\n  -o {RELAY}=reject\n"
    files = PostfixFiles(tmp_path, GOOD, master)
    problem = relaying.refused(files.site())
    assert problem is not None
    files.mend(problem)
    assert files.lines("master.cf", "permit_sasl") == [f"-o {RELAY}=permit_sasl_authenticated,reject"]
    problem = relaying.refused(files.site())
    assert problem is not None and problem.remedy is None and "submission/inet" in problem.seen


def test_blanks_inside_braces_cannot_be_written(tmp_path: Path) -> None:
    """Where master.cf's value has them, there is no remedy, and the reason is told."""
    own = f"  -o {{ {RELAY} = check_client_access static:{{554 no}}, reject }}\n"
    problem = relaying.refused(PostfixFiles(tmp_path, GOOD, SUBMISSION + own).site())
    assert problem is not None and problem.remedy is None
    assert "postconf cannot write smtpd_relay_restrictions of submission/inet" in problem.why


DECIDED = f"{RELAY} = check_sasl_access texthash:$config_directory/allowed, reject\n"


def test_a_map_that_chooses_logins(tmp_path: Path) -> None:
    """Where a map permits some logins nothing is found; where it permits none a warning without a command names it, and says no falsehood."""
    files = PostfixFiles(tmp_path, DECIDED)
    (tmp_path / "allowed").write_text("alice@example.com OK\n")
    assert relaying.refused(files.site()) is None
    (tmp_path / "allowed").write_text("mallory@example.com REJECT\n")
    problem = relaying.refused(files.site())
    assert problem is not None and (problem.severity, problem.remedy) == (WARNING, None)
    named = f"check_sasl_access texthash:{tmp_path}/allowed"
    assert problem.seen == (
        f"{RELAY} of smtp/inet rejects logged-in users unless {named} permits them, and that was not looked at"
    )


def test_a_list_that_refuses_beside_one_that_chooses(tmp_path: Path) -> None:
    """A list in which a map decides does not hide another one that refuses, which is mended."""
    files = PostfixFiles(tmp_path, f"{DECIDED}{RECIPIENT} = reject\n")
    problem = relaying.refused(files.site())
    assert problem is not None and problem.remedy is not None
    files.mend(problem)
    assert files.lines("main.cf", RECIPIENT) == [f"{RECIPIENT} = permit_sasl_authenticated, reject"]
    assert f"{files.lines('main.cf', RELAY)[0]}\n" == DECIDED


CLASSES = f"smtpd_restriction_classes = inner, other\ninner = {BIND}, reject\nother = permit_mynetworks\n"


def test_what_refuses_in_a_class(tmp_path: Path) -> None:
    """The class is changed where one list alone has it; where more have it there is no remedy, and the reason is told."""
    files = PostfixFiles(tmp_path, f"{CLASSES}{RELAY} = other, inner\n")
    mended(files, relaying.refused)
    assert files.lines("main.cf", "inner =") == [f"inner = {BIND}, permit_sasl_authenticated, reject"]
    twice = PostfixFiles(tmp_path, f"{CLASSES}{RELAY} = other, inner\nsmtpd_etrn_restrictions = inner\n").site()
    problem = relaying.refused(twice)
    assert problem is not None and problem.remedy is None and "inner, which is used more than once" in problem.why


def test_what_refuses_behind_a_name(tmp_path: Path) -> None:
    """A parameter that the list names is changed, and the list keeps its name."""
    files = PostfixFiles(tmp_path, f"mine = permit_mynetworks, reject\n{RELAY} = $mine\n")
    mended(files, relaying.refused)
    assert files.lines("main.cf", "mine") == [
        "mine = permit_mynetworks, permit_sasl_authenticated, reject",
        f"{RELAY} = $mine",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("permit", "permit_sasl_authenticated, reject_unauth_destination, permit"),
        (
            "permit_mynetworks, check_client_access hash:$config_directory/x",
            "permit_mynetworks, check_client_access hash:$config_directory/x, permit_sasl_authenticated, reject_unauth_destination",
        ),
        ("", "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"),
    ],
)
def test_what_protects_is_put_in(tmp_path: Path, before: str, after: str) -> None:
    """The missing word goes before a plain permit, else to the end; only an empty list gets a whole one."""
    files = PostfixFiles(tmp_path, f"{RELAY} = {before}\n")
    mended(files, relaying.demanded)
    assert files.lines("main.cf", RELAY) == [f"{RELAY} = {after}"]


OPEN = "check_client_access static:OK, reject_unauth_destination"


@pytest.mark.parametrize("auth", ["yes", "no"])
def test_an_open_relay_with_auth_and_without(tmp_path: Path, auth: str) -> None:
    """Every service that takes mail from the network is looked at, and strangers are refused before what lets them in."""
    own = f"  -o smtpd_sasl_auth_enable={auth} -o {RELAY}=permit_mynetworks,$open\n"
    files = PostfixFiles(tmp_path, f"{GOOD}open = {OPEN}\n", SUBMISSION + own)
    problem = mended(files, relaying.open_relay)
    assert "submission/inet" in problem.seen
    wanted = f"-o {RELAY}=permit_mynetworks,permit_sasl_authenticated,reject_unauth_destination,$open"
    assert files.lines("master.cf", "$open") == [wanted]


def test_a_service_on_a_socket_of_the_machine(tmp_path: Path) -> None:
    """What strangers cannot reach is no open relay."""
    master = f"{SMTP}inner unix n - n - - smtpd -o {RELAY}=permit_mynetworks,{OPEN.replace(' ', ',')}\n"
    assert relaying.open_relay(PostfixFiles(tmp_path, GOOD, master).site()) is None


@pytest.mark.parametrize(
    ("main", "after"),
    [
        ("mynetworks = $mynets, 0.0.0.0/0, 192.0.2.0/24\nmynets = 10.0.0.0/8\n", "$mynets, 192.0.2.0/24"),
        ("mynetworks = static:all\n", "127.0.0.0/8, [::1]/128"),
        ("mynetworks = cidr:$config_directory/x,  static:all\n", "cidr:$config_directory/x"),
    ],
)
def test_strangers_in_mynetworks(tmp_path: Path, main: str, after: str) -> None:
    """The entry that takes in strangers goes, the others stay as they are written."""
    files = PostfixFiles(tmp_path, GOOD + main)
    mended(files, relaying.wide_networks)
    assert files.lines("main.cf", "mynetworks =") == [f"mynetworks = {after}"]


def test_strangers_in_a_file(tmp_path: Path) -> None:
    """A file that mynetworks names is read; it is not for a command to change."""
    (tmp_path / "nets").write_text("# 0.0.0.0/0\n10.0.0.0/8\n192.0.2.0/24 128.0.0.0/1\n")
    problem = relaying.wide_networks(PostfixFiles(tmp_path, f"{GOOD}mynetworks = {tmp_path}/nets\n").site())
    assert problem is not None and problem.remedy is None
    assert f"take 128.0.0.0/1 out of {tmp_path}/nets" in problem.why


def test_a_service_that_asks_neighbours_for_a_login(tmp_path: Path) -> None:
    """Where mynetworks is not asked before strangers are refused, its width does no harm; a service's own value counts."""
    wide = "mynetworks = 0.0.0.0/0\n"
    asks = f"{RELAY} = permit_sasl_authenticated, reject_unauth_destination, permit_mynetworks\n"
    assert relaying.wide_networks(PostfixFiles(tmp_path, asks + wide).site()) is None
    files = PostfixFiles(tmp_path, GOOD + "mynetworks = 10.0.0.0/8\n", f"{SUBMISSION}  -o mynetworks=0.0.0.0/0,[::1]\n")
    mended(files, relaying.wide_networks)
    assert files.lines("master.cf", "mynetworks") == ["-o mynetworks=[::1]"]


@pytest.mark.parametrize(
    ("entry", "wide"),
    [
        ("0.0.0.0/0", True),
        ("128.0.0.0/1", True),
        ("[::]/0", True),
        ("static:all", True),
        ("[2a00::]/12", True),
        ("[f800::]/5", True),
        ("[2a00::]/16", False),
        ("[fc00::]/7", False),
        ("[fe80::]/10", False),
        ("[::1]/128", False),
        ("10.0.0.0/7", True),
        ("10.0.0.0/8", False),
        ("!0.0.0.0/0", False),
        ("!static:all", False),
        ("127.0.0.1", False),
        ("/etc/networks/0", False),
        ("cidr:/etc/0", False),
    ],
)
def test_wide_entries(entry: str, wide: bool) -> None:
    """A public network of fewer than 8 bits, or 16 in IPv6, is too wide; what is private, excluded, or in a table that cannot be listed, is not."""
    assert (wide_entry(entry) == entry) is wide


@pytest.mark.parametrize(
    ("network", "public"),
    [
        ("34.0.0.0/8", True),
        ("10.0.0.0/8", False),
        ("127.0.0.0/8", False),
        ("34.1.2.3/32", False),
        ("[2a00::]/32", True),
        ("[fe80::]/64", False),
        ("word", False),
    ],
)
def test_networks_of_others(network: str, public: bool) -> None:
    """What mynetworks_style = class makes of a public address holds strangers."""
    assert relaying._is_public(network) is public


def test_a_class_of_networks(tmp_path: Path) -> None:
    """mynetworks_style = class is found where it makes a neighbour of every public address that begins alike."""
    files = PostfixFiles(tmp_path, f"{GOOD}mynetworks_style = class\n")
    site = files.site()
    site.postfix.values["mynetworks"] = "127.0.0.0/8 10.0.0.0/8"
    assert relaying.wide_networks(site) is None
    site.postfix.values["mynetworks"] = (
        "127.0.0.0/8 34.0.0.0/8"  # what postconf shows on a host that has such an address
    )
    problem = relaying.wide_networks(site)
    assert problem is not None and "makes 34.0.0.0/8 part of mynetworks" in problem.seen
    files.mend(problem)
    assert files.lines("main.cf", "mynetworks_") == ["mynetworks_style = subnet"]
