"""What follows a parameter of main.cf by its name, and is not meant by a change of it, goes on as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Require
from tests.operations.setup.ground import MASTER, Ground

BEFORE, UNDER = "smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"
ON = "smtpd_sasl_auth_enable = yes\n"
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
        (f"{BEFORE} = noanonymous, noactive\n{UNDER} = ${BEFORE}\n", "noanonymous, noactive"),
        (f"{BEFORE} = nodictionary\n{UNDER} = ${BEFORE}\n", "nodictionary, noanonymous"),
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
