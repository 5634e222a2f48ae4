"""What follows a parameter of main.cf by its name, and is not meant by a change of it, goes on as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Require
from tests.postfix.setup.scratch_site import GOOD, MASTER, Ground

BEFORE, UNDER = "smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"
ON = "smtpd_sasl_auth_enable = yes\n"
MAPS, SENDER = "smtpd_sender_login_maps", "smtpd_sender_restrictions"
DOVECOT = "587 inet n - n - - smtpd\n  -o smtpd_sasl_type=dovecot\n  -o smtpd_sasl_path=private/auth\n"
STRICT = "noanonymous, noplaintext"


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")


@pytest.mark.parametrize(
    ("main", "under"),
    [
        (f"{UNDER} = ${BEFORE}\n", "noanonymous"),
        (f"{UNDER} = ${{{BEFORE}}}\n", "noanonymous"),
        (f"{UNDER} = $(mine)\nmine = ${BEFORE}\n", "noanonymous"),
        (
            f"{BEFORE} = noanonymous, noactive\n{UNDER} = ${BEFORE}\n",
            "noanonymous, noactive",
        ),
        (
            f"{BEFORE} = nodictionary\n{UNDER} = ${BEFORE}\n",
            "nodictionary, noanonymous",
        ),
    ],
)
def test_options_under_tls_that_follow_by_name(tmp_path: Path, main: str, under: str) -> None:
    """PLAIN and LOGIN stay under TLS where its options name those without it: they get what they had, in so many words."""
    planned = Ground(tmp_path, ON + main).planned()
    assert planned.pop(UNDER) == under
    assert planned[BEFORE].split(", ")[-1] == "noplaintext"


@pytest.mark.parametrize(
    "main",
    [
        f"{BEFORE} = $mine\n{UNDER} = $mine\nmine = noanonymous\n",  # mine is not changed
        f"{UNDER} = $my_{BEFORE}\nmy_{BEFORE} = noanonymous\n",  # another name
        f"{BEFORE} = {STRICT}\n{UNDER} = ${BEFORE}\n",  # which is not changed
    ],
)
def test_options_under_tls_that_do_not_change(tmp_path: Path, main: str) -> None:
    """Options that a change does not reach stay as they are written."""
    assert UNDER not in Ground(tmp_path, ON + main).planned()


def test_options_of_a_service_that_follow_by_name(tmp_path: Path) -> None:
    """So it is with those of a service; one that has the options without TLS of its own as well keeps both."""
    master = f"587 inet n - n - - smtpd\n  -o {UNDER}=${BEFORE}\n465 inet n - n - - smtpd\n  -o {UNDER}=$mine\n"
    master += f"2525 inet n - n - - smtpd\n  -o {BEFORE}=noanonymous\n  -o {UNDER}=${BEFORE}\n"
    ground = Ground(tmp_path, f"{ON}mine = ${BEFORE}\n", MASTER + master)
    assert ground.planned() == {BEFORE: STRICT, UNDER: "noanonymous"}
    assert sorted(ground.services().splitlines()) == [
        f"2525/inet/{BEFORE} = noanonymous",
        f"2525/inet/{UNDER} = ${BEFORE}",
        f"465/inet/{UNDER} = noanonymous",
        f"587/inet/{UNDER} = noanonymous",
    ]


@pytest.mark.parametrize(
    ("main", "own", "maps", "restrictions"),
    [
        ("", "", "", ""),
        (
            f"{SENDER} = permit_mynetworks, reject_x\n",
            "",
            "",
            "permit_mynetworks,reject_x",
        ),
        (f"{MAPS} = hash:/etc/x, hash:/etc/y\n", "", "hash:/etc/x,hash:/etc/y", ""),
        (
            f"{SENDER} = $mua\nmua = reject_x, reject_y\n",
            f"  -o {MAPS}=hash:/etc/x\n",
            "hash:/etc/x",
            "reject_x,reject_y",
        ),
        ("", f"  -o {SENDER}=reject_x\n", "", "reject_x"),
    ],
)
@pytest.mark.parametrize("policy", ["authenticated", "everybody"])
def test_senders_of_dovecots_users(
    tmp_path: Path, main: str, own: str, maps: str, restrictions: str, policy: str
) -> None:
    """A service that goes on asking Dovecot keeps the maps and the restrictions of senders that it had, whatever those of main.cf become."""
    ground = Ground(tmp_path, GOOD + main, MASTER + DOVECOT + own)
    assert {MAPS, SENDER} <= set(ground.planned(sender_logins=policy))
    found = ground.services(sender_logins=policy).splitlines()
    wanted = {
        f"587/inet/{MAPS} = {maps}".rstrip(),
        f"587/inet/{SENDER} = {restrictions}".rstrip(),
    }
    assert {line.rstrip() for line in found if "sender" in line} == wanted
