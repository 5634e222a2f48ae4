"""The domains that people send as, read from what the real postconf and postmap tell of a main.cf."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sasldb.postfix.config.domains import Domains
from sasldb.postfix.config.instance import Instance
from tests.conftest import Require


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")
    require("postfix", "postmap")


def domains(directory: Path, main: str) -> Domains:
    """Return those of a Postfix with these lines in main.cf."""
    (directory / "main.cf").write_text(f"compatibility_level = 3.6\n{main}")
    (directory / "master.cf").write_text("smtp inet n - n - - smtpd\n")
    os.utime(directory / "main.cf", (1_000_000_000, 1_000_000_000))
    return Domains(Instance(str(directory)))


@pytest.mark.parametrize(
    "main",
    [
        "myhostname = mail.example.com\n",
        "myhostname = mail.x.example\nmydomain = Example.COM\n",
        "myhostname = mail.x.example\nmyorigin = example.com\n",
        "myhostname = mail.x.example\nmyorigin = $config_directory/mailname\n",
        "myhostname = mail.x.example\nmydestination = $myhostname, example.com, localhost\n",
        "myhostname = mail.x.example\nmydestination = localhost $config_directory/list\n",
        "myhostname = mail.x.example\nvirtual_alias_domains = Example.com\n",
        "myhostname = mail.x.example\nvirtual_alias_maps = hash:$config_directory/users\n",
        "myhostname = mail.x.example\nvirtual_mailbox_domains = proxy:texthash:$config_directory/users\n",
        "myhostname = mail.x.example\nrelay_domains = example.com\n",
    ],
)
def test_where_a_domain_may_stand(tmp_path: Path, main: str) -> None:
    """A domain is found wherever Postfix takes mail for it or writes it itself, in files and tables too; another one is not."""
    (tmp_path / "mailname").write_text("example.com\n")
    (tmp_path / "list").write_text("# ours\nexample.com\n")
    (tmp_path / "users").write_text("example.com anything\na@example.net alice\n")
    (tmp_path / "main.cf").touch()
    os.utime(tmp_path / "main.cf", (1_000_000_000, 1_000_000_000))  # Postfix waits for one that has just been changed
    subprocess.run(["postmap", "-c", tmp_path, f"hash:{tmp_path}/users"], check=True, timeout=30)
    found = domains(tmp_path, main)
    assert found.complete and found.have("example.com") and found.have("EXAMPLE.com")
    assert not found.have("example.net") and not found.have("51686ed8d2b4")


@pytest.mark.parametrize("table", ["mysql:/none", "pcre:/none", "hash:/none", "/none", "static:all"])
def test_tables_that_are_not_asked(tmp_path: Path, table: str) -> None:
    """A list that cannot be read may have any domain; the host's own name, which stands in mydestination, it has not."""
    found = domains(tmp_path, f"myhostname = mail.example.com\nvirtual_mailbox_domains = {table}\n")
    assert not found.complete and found.have("example.net") and not found.have("mail.example.com")
    found = domains(tmp_path, f"myhostname = mail.example.com\nmydestination = localhost {table}\n")
    assert found.have("mail.example.com")


@pytest.mark.parametrize(
    ("main", "sent_as"),
    [
        ("", "example.com"),
        ("mydestination = $myhostname, example.com, localhost.example.com, localhost\n", "example.com"),
        ("myorigin = $mydomain\n", "example.com"),
        ("myorigin = $myhostname\n", None),
        ("myorigin = $myhostname\nmydestination = $myhostname, www.example.com, localhost\n", None),
        ("myorigin = $myhostname\nmydestination = $myhostname, example.com\n", "example.com"),
        ("myorigin = $myhostname\nvirtual_alias_domains = example.net\n", "example.net"),
        ("myorigin = $mydomain\nvirtual_alias_domains = $myhostname\n", None),
        ("mydomain = $myhostname\n", None),
        ("myhostname = example.co.uk\n", None),
        ("myhostname = example.com\n", None),
        ("myhostname = host\nmydomain = localdomain\n", None),
        ("myhostname = host\nmydomain = localdomain\nvirtual_alias_domains = example.net\n", "example.net"),
        ("myhostname = example.com\nvirtual_alias_domains = example.org\n", None),
        ("myhostname = example.co.uk\nmydestination = $myhostname, example.org\n", None),
    ],
)
def test_the_name_of_the_host(tmp_path: Path, main: str, sent_as: str | None) -> None:
    """Nobody sends as the host where a domain is known that is none, but where main.cf says so, or the host has the domain's name."""
    found = domains(tmp_path, main if "myhostname = " in main else f"myhostname = mail.example.com\n{main}")
    assert found.have(found.host) == (sent_as is None)
    assert sent_as is None or found.likely() == sent_as


@pytest.mark.parametrize(("host", "parent"), [("example.com", "com"), ("example.co.uk", "co.uk")])
def test_a_parent_that_is_no_domain(tmp_path: Path, host: str, parent: str) -> None:
    """What is left of a host's name is no domain where it is a registry, but for whoever writes it down."""
    assert not domains(tmp_path, f"myhostname = {host}\n").have(parent)
    assert domains(tmp_path, f"myhostname = {host}\nmydomain = {parent}\n").have(parent)
