"""Whatever list refuses who has logged in gets one word, where it is written and before what refuses; all else stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.postfix.setup.planning import Setup
from tests.conftest import Require
from tests.postfix.setup.scratch_site import GOOD, MASTER, Ground

LOGIN = "permit_sasl_authenticated"
BIND = "reject_authenticated_sender_login_mismatch"
LISTS = [f"smtpd_{name}_restrictions" for name in ("client", "helo", "sender", "relay", "recipient")]
AMAVIS = """\
127.0.0.1:10025 inet n - n - - smtpd
  -o content_filter= -o mynetworks=127.0.0.0/8 -o smtpd_delay_reject=no
  -o smtpd_client_restrictions=permit_mynetworks,reject -o smtpd_helo_restrictions= -o smtpd_sender_restrictions=
  -o smtpd_relay_restrictions=permit_mynetworks,reject -o smtpd_recipient_restrictions=permit_mynetworks,reject
"""


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_main_cf(tmp_path: Path, name: str) -> None:
    """The word goes before what refuses; what comes before and after it stays as it is written."""
    main = f"{name} = reject_unknown_client_hostname,permit_mynetworks reject ,x\n"
    wanted = f"reject_unknown_client_hostname,permit_mynetworks {LOGIN}, reject ,x"
    assert Ground(tmp_path, GOOD + main).planned() == {name: wanted}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_a_service(tmp_path: Path, name: str) -> None:
    """The word goes into the service's own list, and main.cf stays."""
    ground = Ground(tmp_path, GOOD, MASTER + f"587 inet n - n - - smtpd\n  -o {name}=permit_mynetworks,reject\n")
    assert ground.planned() == {}
    assert ground.services() == f"587/inet/{name} = permit_mynetworks,{LOGIN},reject\n"


def test_all_lists_at_once(tmp_path: Path) -> None:
    """Each list that refuses is mended, in main.cf and in master.cf, and a list that does not refuse is not."""
    main = "".join(f"{name} = reject_unauth_destination\n" for name in LISTS[1:])
    main += "smtpd_client_restrictions = permit_mynetworks, reject_x\n"
    ground = Ground(tmp_path, GOOD + main, MASTER + f"587 inet n - n - - smtpd\n  -o {LISTS[0]}=defer\n")
    assert ground.planned() == {name: f"{LOGIN}, reject_unauth_destination" for name in LISTS[1:]}
    assert ground.services() == f"587/inet/{LISTS[0]} = {LOGIN},defer\n"


def test_a_list_that_several_name(tmp_path: Path) -> None:
    """What main.cf and services name for the same list is edited once, where it is written."""
    main = "mua = permit_mynetworks, reject\nsmtpd_client_restrictions = $mua\n"
    services = "".join(f"{port} inet n - n - - smtpd\n  -o {LISTS[0]}=$mua\n" for port in (465, 587))
    ground = Ground(tmp_path, GOOD + main, MASTER + services)
    assert ground.planned() == {"mua": f"permit_mynetworks, {LOGIN}, reject"}
    assert ground.services() == ""  # master.cf stays


def test_what_two_lists_name_differently(tmp_path: Path) -> None:
    """Where two places of one parameter refuse, for one service and for another, both are mended."""
    main = f"one = reject\ntwo = reject\n{LISTS[4]} = $one\nsmtpd_restriction_classes = two\n"
    services = f"465 inet n - n - - smtpd\n  -o {LISTS[4]}=x,two\n587 inet n - n - - smtpd\n  -o {LISTS[4]}=y,two\n"
    assert Ground(tmp_path, GOOD + main, MASTER + services).planned() == {
        "one": f"{LOGIN}, reject",
        "two": f"{LOGIN}, reject",
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("permit_mynetworks, reject", f"{BIND}, permit_mynetworks, {LOGIN}, reject"),
        ("reject_x, reject", f"{BIND}, reject_x, {LOGIN}, reject"),
        (f"{LOGIN}, reject", f"{BIND}, {LOGIN}, reject"),
        (f"reject, {BIND}", f"{BIND}, {LOGIN}, reject, {BIND}"),
    ],
)
def test_senders_are_bound_before_they_pass(tmp_path: Path, before: str, after: str) -> None:
    """With sender login maps the list gets both words, the one that binds first; so does that of a service."""
    service = f"587 inet n - n - - smtpd\n  -o smtpd_sender_restrictions={before.replace(', ', ',')}\n"
    ground = Ground(tmp_path, f"{GOOD}smtpd_sender_restrictions = {before}\n", MASTER + service)
    planned = ground.planned(sender_logins="authenticated")
    assert planned["smtpd_sender_restrictions"] == after
    services = ground.services(sender_logins="authenticated")
    assert services == f"587/inet/smtpd_sender_restrictions = {after.replace(', ', ',')}\n"


def test_submission_that_is_new(tmp_path: Path, tls: str) -> None:
    """A submission service that is added has what it inherits mended too, and its own lists are as they were meant."""
    main = f"{LISTS[0]} = reject_unknown_client_hostname, reject\n{LISTS[1]} = reject\n"
    ground = Ground(tmp_path, GOOD + tls + main, "25 inet n - n - - smtpd -o smtpd_sasl_auth_enable=no\n")
    planned = ground.planned(submission=True)
    assert planned[LISTS[1]] == f"{LOGIN}, reject" and LISTS[0] not in planned
    assert f"submission/inet/{LISTS[0]} = {LOGIN},reject\n" in ground.services(submission=True)


def test_submission_that_inherits(tmp_path: Path, tls: str) -> None:
    """A submission service of the administrator's without a list of its own gets in by main.cf's; what names may decide goes on deciding."""
    main = f"{LISTS[0]} = reject_unknown_client_hostname, reject\n"
    ground = Ground(tmp_path, GOOD + tls + main, MASTER + "587 inet n - n - - smtpd\n  -o syslog_name=mine\n")
    assert ground.planned(submission=True)[LISTS[0]] == f"reject_unknown_client_hostname, {LOGIN}, reject"
    assert LISTS[0] not in ground.services(submission=True)


@pytest.mark.parametrize(
    ("recipients", "after"),
    [
        (f"permit_mynetworks,{LOGIN},reject", f"permit_mynetworks,{LOGIN},reject"),
        ("permit_mynetworks,reject", f"permit_mynetworks,{LOGIN},reject"),
    ],
)
@pytest.mark.parametrize("main", ["", f"{LISTS[3]} =\n"])
def test_submission_as_before_relay_restrictions(
    tmp_path: Path, tls: str, recipients: str, after: str, main: str
) -> None:
    """A submission service without relay restrictions, whose recipients are restricted, gets none: who is in mynetworks goes on sending."""
    own = f"  -o {LISTS[4]}={recipients}\n" + ("" if main else f"  -o {LISTS[3]}=\n")
    main += f"{LISTS[4]} = {LOGIN}, reject\n"
    found = Ground(tmp_path, GOOD + tls + main, f"{MASTER}587 inet n - n - - smtpd\n{own}").services(submission=True)
    lists = {line.rstrip(" =") for line in found.splitlines() if "_restrictions" in line}
    assert lists - {f"587/inet/{LISTS[3]}"} == {f"587/inet/{LISTS[4]} = {after}"}


@pytest.mark.parametrize(
    ("main", "reason"),
    [
        (f"smtpd_delay_reject = no\n{LISTS[0]} = permit_mynetworks, reject\n", "gone through before the login"),
        (f"mine = reject\n{LISTS[4]} = $mine\nsmtpd_etrn_restrictions = $mine\n", "is used more than once"),
        (f"{LISTS[3]} = ${{mail_version?reject}}\n", r"is the outcome of a ${...} expression"),
    ],
)
def test_a_word_that_only_the_administrator_can_place(tmp_path: Path, main: str, reason: str) -> None:
    """Where an edit would be of no use, would change other lists too, or its place is not known, one sentence says so; the rest is planned."""
    ground = Ground(tmp_path, GOOD + main + f"{LISTS[2]} = reject\n")
    assert ground.planned() == {LISTS[2]: f"{LOGIN}, reject"}
    notes = [note for note in Setup(ground.request()).plan.notes if "goes on refusing" in note]
    assert len(notes) == 1 and reason in notes[0]
    name = next(name for name in LISTS if f"\n{name} =" in f"\n{main}")
    assert notes[0].startswith(f"{name} of smtp/inet goes on refusing whoever has logged in, until you change it: ")


@pytest.mark.parametrize(
    "service",
    [
        AMAVIS,
        "2525 inet n - n - - smtpd\n  -o smtpd_sasl_auth_enable=no -o smtpd_relay_restrictions=reject\n",
        "2525 inet n - n - - smtpd\n  -o smtpd_sasl_auth_enable=no -o smtpd_sender_restrictions=permit_mynetworks,reject\n",
        "2525 inet n - n - - smtpd\n  -o smtpd_sasl_type=dovecot -o smtpd_sasl_path=private/auth -o smtpd_helo_restrictions=reject "
        "-o smtpd_sender_login_maps=hash:/etc/x -o smtpd_sender_restrictions=reject_sender_login_mismatch\n",
    ],
)
def test_a_service_that_is_not_for_our_logins(tmp_path: Path, service: str) -> None:
    """One for a content filter, one without AUTH and one that asks Dovecot stay as they are, whatever is asked for."""
    ground = Ground(tmp_path, GOOD, MASTER + service)
    assert ground.services() == ""
    for policy in ("authenticated", "everybody"):
        steps = Setup(ground.request(sender_logins=policy)).plan.steps
        assert not any("master.cf" in line for step in steps for line in step.shown())


def test_a_content_filter_that_would_be_bound(tmp_path: Path) -> None:
    """With the policy everybody a sentence names the service of a content filter that has main.cf's list: nobody logs in there."""
    ground = Ground(tmp_path, GOOD, MASTER + "127.0.0.1:10025 inet n - n - - smtpd\n  -o content_filter=\n")
    (note,) = [note for note in Setup(ground.request(sender_logins="everybody")).plan.notes if "filter" in note]
    assert note.startswith("127.0.0.1:10025/inet is a content filter's, ")
    assert not any("filter" in note for note in Setup(ground.request(sender_logins="authenticated")).plan.notes)


def test_a_stricter_policy(tmp_path: Path) -> None:
    """Without a policy named a list that binds everybody stays so, in main.cf and at a service; one that does not is given the other word."""
    strict, senders = "reject_sender_login_mismatch", LISTS[2]
    services = (
        f"587 inet n - n - - smtpd\n  -o {senders}={strict}\n465 inet n - n - - smtpd\n  -o {senders}=permit,{strict}\n"
    )
    ground = Ground(tmp_path, f"{GOOD}{senders} = reject_x, {strict}\n", MASTER + services)
    assert senders not in ground.planned(sender_logins="authenticated", stricter_stays=True)
    assert sorted(ground.services(sender_logins="authenticated", stricter_stays=True).splitlines()) == [
        f"465/inet/{senders} = {BIND},permit,{strict}",
        f"587/inet/{senders} = {strict}",
    ]
    assert ground.planned(sender_logins="authenticated")[senders] == f"reject_x, {BIND}"
