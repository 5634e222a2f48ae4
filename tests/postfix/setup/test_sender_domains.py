"""What a setup says of a sender login map whose addresses nobody sends as, on files that the real postconf and postmap read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sasldb.postfix.setup.sender_domains import notes
from sasldb.postfix.site import generated_map
from sasldb.postfix.site.site import Site
from tests.conftest import Require
from tests.operations.databases import make

OURS = "smtpd_sender_login_maps = {}hash:$config_directory/sasldb_sender_logins\n"


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")
    require("postfix", "postmap")


def said(directory: Path, logins: str, main: str = OURS.format("")) -> list[str]:
    """Return what is said of the map of the users `logins` on mail.example.com, with these lines in main.cf."""
    database = make(directory / "sasldb2", {login: {"userPassword": b"x"} for login in logins.split()})
    (directory / "main.cf").write_text(f"compatibility_level = 3.6\nmyhostname = mail.example.com\n{main}")
    (directory / "master.cf").write_text("smtp inet n - n - - smtpd\n")
    os.utime(directory / "main.cf", (1_000_000_000, 1_000_000_000))
    site = Site(str(directory), database)
    return notes(site, generated_map.table(site))


def test_one_sentence(tmp_path: Path) -> None:
    """It names the realm, the domain, what happens, and both ways out, with commands for this database and this Postfix."""
    (sentence,) = said(tmp_path, "alice@mail.example.com")
    database = f"{tmp_path}/sasldb2"
    assert sentence == (
        "the sender login map lets users of the realm mail.example.com send as user@mail.example.com alone: as user@example.com they "
        "are refused (553, not owned by user); if they are to send as that, run: "
        f"sasldb rename-realm -f {database} mail.example.com example.com && "
        f"sasldb postfix sender-login-maps -c {tmp_path} -f {database} (they log in as user@example.com then), "
        "or name a map of your own before this one in smtpd_sender_login_maps"
    )
    (sentence,) = said(tmp_path, "alice@mail.example.com carol@51686ed8d2b4")
    assert "of the realm 51686ed8d2b4, mail.example.com send as user@REALM alone" in sentence
    assert f"rename-realm -f {database} REALM example.com" in sentence


def test_a_domain_with_users_of_its_own(tmp_path: Path) -> None:
    """Nobody is renamed into a realm that has users already; beside these, users of the host's name are others."""
    assert said(tmp_path, "alice@mail.example.com bob@example.com") == []
    (sentence,) = said(tmp_path, "alice@mail.example.com bob@Example.com carol@51686ed8d2b4")
    assert sentence.startswith(
        "the sender login map lets users of the realm 51686ed8d2b4 send as user@51686ed8d2b4 alone"
    )
    assert sentence.endswith(
        "if they are to send as that, name a map of your own before this one in smtpd_sender_login_maps"
    )


@pytest.mark.parametrize(
    ("logins", "main"),
    [
        ("", ""),
        ("alice@example.com bob@EXAMPLE.com", ""),
        ("alice@mail.example.com", "myorigin = $myhostname\n"),
        ("alice@example.net bob@example.org", "virtual_mailbox_domains = example.net example.org\n"),
        ("alice@example.net", "virtual_mailbox_domains = mysql:/etc/postfix/domains.cf\n"),
        ("#@mail.example.com", ""),
        ("alice@example.com carol@example.org", "myhostname = example.com\nvirtual_alias_domains = example.org\n"),
    ],
)
def test_sound_sites(tmp_path: Path, logins: str, main: str) -> None:
    """Nothing is said where people send as the realms of the map, or may, and where the map is empty."""
    assert said(tmp_path, logins, OURS.format("") + main) == []


@pytest.mark.parametrize(
    ("owner", "other"),
    [
        ("alice@Mail.example.com", "texthash:$config_directory/own "),
        ("ALICE", "proxy:texthash:$config_directory/own, "),
        ("bob@example.com", "mysql:/none "),
    ],
)
def test_a_map_of_the_administrators(tmp_path: Path, owner: str, other: str) -> None:
    """Nothing is said where another map gives users of the realm an address, in full or as smtpd reports them, or may do so."""
    (tmp_path / "own").write_text(f"alice@example.com {owner}\n")
    assert said(tmp_path, "alice@mail.example.com", OURS.format(other)) == []
    (tmp_path / "own").write_text("helpdesk@example.com bob@example.com\n")
    assert len(said(tmp_path, "alice@mail.example.com", OURS.format(other))) == (0 if "mysql" in other else 1)
