"""Words in restriction lists that smtpd does not know, on files that the real postconf reads and changes; the names are the real smtpd's."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.postfix.checks import unknown_words
from tests.conftest import Require
from tests.postfix.checks.postfix_files import SMTP, PostfixFiles

RELAY, SENDER = "smtpd_relay_restrictions", "smtpd_sender_restrictions"


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")


@pytest.mark.parametrize(
    ("written", "corrected"),
    [
        ("permit_sasl_authentcated reject", "permit_sasl_authenticated reject"),
        ("permit_mynetworks, reject_unauth_destinations", "permit_mynetworks, reject_unauth_destination"),
        ("check_client_acces hash:$config_directory/x, reject", "check_client_access hash:$config_directory/x, reject"),
        ("'permit_mynetworks, reject'", "permit_mynetworks, reject"),
        ('"permit_mynetworks"', "permit_mynetworks"),
    ],
)
def test_the_word_is_corrected_in_its_place(tmp_path: Path, written: str, corrected: str) -> None:
    """Nothing but that word changes, or the quotes go; then nothing is found any more."""
    files = PostfixFiles(tmp_path, f"{RELAY} = {written}\n")
    problem = unknown_words.unknown(files.site())
    assert problem is not None and problem.safe
    files.mend(problem)
    assert files.lines("main.cf", RELAY) == [f"{RELAY} = {corrected}"]
    assert unknown_words.unknown(files.site()) is None


@pytest.mark.parametrize(
    "word",
    [
        "permits",
        "rejekt",
        "ok",
        "554",
        "mynetworks",
        "reject_unverified_address",
        "warn_if_reject nonsense",
        "permit_tls_x",
        "$none_${x}y",
        "ours",
    ],
)
def test_what_was_meant_is_not_guessed(tmp_path: Path, word: str) -> None:
    """A word that is not near to one restriction alone gets no command, but a reason."""
    problem = unknown_words.unknown(PostfixFiles(tmp_path, f"{SENDER} = {word}\n").site())
    assert problem is not None and problem.remedy is None and "No command can mend it: " in problem.why


def test_each_service_is_looked_at(tmp_path: Path) -> None:
    """A list of one service is corrected in master.cf alone, and what no service has is nothing."""
    master = f"{SMTP}submission inet n - n - - smtpd -o {SENDER}=permit_sasl_authentication,reject\n"
    files = PostfixFiles(tmp_path, f"{SENDER} = reject_unknown_client\nunused = nonsense\n", master)
    problem = unknown_words.unknown(files.site())
    assert problem is not None and problem.remedy is None  # three characters are too far to guess
    files = PostfixFiles(tmp_path, "", master.replace("authentication", "authenticate"))
    problem = unknown_words.unknown(files.site())
    assert problem is not None and "submission/inet" in problem.seen
    files.mend(problem)
    assert files.lines("master.cf", SENDER) == [f"-o {SENDER}=permit_sasl_authenticated,reject"]
    assert unknown_words.unknown(files.site()) is None
