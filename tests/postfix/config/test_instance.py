"""What is asked of the real postconf: parameters, names that no program knows, and the smtpd services with their own values."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sasldb.errors import SiteConfigError
from sasldb.postfix.config import instance
from sasldb.postfix.config.instance import Instance
from tests.conftest import Require

MASTER = """\
smtp inet n - y - - smtpd
submission inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes -o { smtpd_relay_restrictions = permit_sasl_authenticated, reject }
  -o smtpd_sasl_local_domain=$mydomain
465 inet n - - - - /somewhere/smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
"""


@pytest.fixture
def config(require: Require, tmp_path: Path) -> Path:
    """Return a directory with main.cf and master.cf, long ago written, for postconf waits for a fresh main.cf to settle."""
    require("postfix", "postconf")
    (tmp_path / "main.cf").write_text(
        "compatibility_level = 3.6\nmydomain = example.com\nsmtpd_sasl_auth_enabled = yes\n"
    )
    (tmp_path / "master.cf").write_text(MASTER)
    os.utime(tmp_path / "main.cf", (1_000_000_000, 1_000_000_000))
    return tmp_path


def test_parameters(config: Path) -> None:
    """Values come expanded, what main.cf sets is told apart from defaults, and an unknown name is told with its value."""
    found = Instance(str(config))
    assert found["myorigin"] == found["myhostname"] and found["no_such_parameter"] == ""
    assert {"mydomain", "compatibility_level"} <= set(found.named) and "myorigin" not in found.named
    assert found.unknown == {"smtpd_sasl_auth_enabled": "yes"}
    assert (found.option, found.config_dir) == (str(config), str(config))


def test_services(config: Path) -> None:
    """Every smtpd is found by its program, with its chroot column and its own values, expanded, over those of main.cf."""
    smtp, submission, smtps = Instance(str(config)).servers
    assert [service.label for service in (smtp, submission, smtps)] == ["smtp/inet", "submission/inet", "465/inet"]
    assert [service.chroot for service in (smtp, submission, smtps)] == [True, False, False]
    assert submission.value("smtpd_relay_restrictions") == "permit_sasl_authenticated, reject"
    assert submission.value("smtpd_sasl_local_domain") == "example.com" and smtp.value("smtpd_sasl_local_domain") == ""
    assert submission.is_on("smtpd_sasl_auth_enable") and not smtp.is_on("smtpd_sasl_auth_enable")


def test_values_as_they_are_written(config: Path) -> None:
    """A service's own value, and one of main.cf, can be had with `$name` in it; a default is what it comes to."""
    with open(config / "main.cf", "a") as file:
        file.write("mynetworks = $mine,\n  10.0.0.0/8\nmine = 192.0.2.0/24\n")
    os.utime(config / "main.cf", (1_000_000_000, 1_000_000_000))
    found = Instance(str(config))
    smtp, submission, _ = found.servers
    assert submission.own["smtpd_sasl_local_domain"] == submission.written("smtpd_sasl_local_domain") == "$mydomain"
    assert submission.written("smtpd_relay_restrictions") == "permit_sasl_authenticated, reject"
    assert smtp.written("mynetworks") == found.written("mynetworks") == "$mine, 10.0.0.0/8"
    assert smtp.value("mynetworks") == found.value("mynetworks") == "192.0.2.0/24, 10.0.0.0/8"
    assert smtp.written("myorigin") == found["myhostname"] and smtp.written("no_such_parameter") == ""


def test_what_is_named_more_than_once(config: Path) -> None:
    """An edit of a list, or of what one place names, is fine; what main.cf and master.cf name twice is refused."""
    with open(config / "master.cf", "a") as file:
        file.write("25 inet n - n - - smtpd\n  -o smtpd_client_restrictions=ours,one,own -o mine=$ours -o own=permit\n")
        file.write("26 inet n - n - - smtpd\n  -o smtpd_client_restrictions=own -o own=permit\n")
    with open(config / "main.cf", "a") as file:
        file.write("smtpd_restriction_classes = ours, one\nours = permit\none = reject\n")
    os.utime(config / "main.cf", (1_000_000_000, 1_000_000_000))
    found = Instance(str(config))
    for name in ("one", "smtpd_client_restrictions"):
        found.see_alone(name)
    found.see_alone("own", found.servers[-1])
    with pytest.raises(SiteConfigError, match="stands in ours, which is used more than once"):
        found.see_alone("ours")


def test_what_one_list_of_several_services_names(config: Path) -> None:
    """An edit of what each service names once, for the same list, is fine; another list, or a second time, is refused."""
    lines = ["25 inet n - n - - smtpd", "26 inet n - n - - smtpd"]
    lines = [
        f"{line} -o smtpd_client_restrictions=$mua,other,$twice -o smtpd_helo_restrictions=$other" for line in lines
    ]
    with open(config / "master.cf", "a") as file:
        file.write("\n".join(lines) + "\n")
    with open(config / "main.cf", "a") as file:
        file.write("mua = reject\nother = reject\ntwice = reject\nsmtpd_client_restrictions = $twice, $mua, $twice\n")
    os.utime(config / "main.cf", (1_000_000_000, 1_000_000_000))
    found = Instance(str(config))
    found.see_alone("mua", found.servers[-1])
    for name in ("other", "twice"):
        with pytest.raises(SiteConfigError, match=f"stands in {name}, which is used more than once"):
            found.see_alone(name, found.servers[-1])


@pytest.mark.parametrize(
    ("line", "reinjects"),
    [
        ("127.0.0.1:10025 inet n - n - - smtpd -o content_filter=", True),
        (
            "[::1]:10025 inet n - n - - smtpd -o receive_override_options=no_unknown_recipient_checks",
            True,
        ),
        (
            "localhost:10026 inet n - n - - smtpd -o smtpd_authorized_xforward_hosts=127.0.0.0/8",
            True,
        ),
        ("127.0.0.1:10025 inet n - n - - smtpd", False),
        ("127.0.0.1:587 inet n - n - - smtpd -o content_filter=", False),
        ("192.0.2.1:10025 inet n - n - - smtpd -o content_filter=", False),
        ("10025 inet n - n - - smtpd -o content_filter=", False),
    ],
)
def test_what_is_there_for_a_content_filter(config: Path, line: str, reinjects: bool) -> None:
    """Its address is of the loopback, its port none that clients know, and its options are those of Postfix's pages about filters."""
    with open(config / "master.cf", "a") as file:
        file.write(f"{line}\n")
    assert Instance(str(config)).servers[-1].reinjects is reinjects


@pytest.mark.parametrize(("level", "chroot"), [("0", True), ("1", False), ("3.6", False)])
def test_an_unset_chroot_column(config: Path, level: str, chroot: bool) -> None:
    """What `-` means depends on the compatibility level."""
    (config / "main.cf").write_text(f"compatibility_level = {level}\n")
    os.utime(config / "main.cf", (1_000_000_000, 1_000_000_000))
    assert Instance(str(config)).servers[2].chroot is chroot


def test_what_postfix_cannot_read(config: Path) -> None:
    """A main.cf that does not parse is an error with postconf's words."""
    (config / "main.cf").write_text("junk\n")
    os.utime(config / "main.cf", (1_000_000_000, 1_000_000_000))
    with pytest.raises(SiteConfigError, match="line 1: missing '='"):
        Instance(str(config))


def test_the_types_that_smtpd_was_built_with(require: Require) -> None:
    """Debian's smtpd has Cyrus SASL."""
    require("postfix", "postconf")
    assert "cyrus" in instance.server_types()
