"""The realm of a Postfix, asked of the real postconf with configuration directories of the tests' own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sasldb.errors import SiteConfigError
from sasldb.postfix.config import postconf
from tests.conftest import Require

LONG_AGO = 1_000_000_000  # seconds since the epoch
Written = Callable[[str], str]


@pytest.fixture
def written(require: Require, tmp_path: Path) -> Written:
    """Return a function that writes a main.cf and returns its directory."""
    require("postfix", "postconf")

    def write(text: str) -> str:
        (tmp_path / "main.cf").write_text(text)
        (tmp_path / "master.cf").touch()
        os.utime(tmp_path / "main.cf", (LONG_AGO, LONG_AGO))  # postconf waits until a fresh file has cooled down
        return str(tmp_path)

    return write


def test_the_realm_of_bare_logins(written: Written) -> None:
    """smtpd_sasl_local_domain where it is set, expanded and with its case kept."""
    config = written("myhostname = mail.example.com\nmydomain = Example.Com\nsmtpd_sasl_local_domain = $mydomain\n")
    assert postconf.realm("postfix", config) == "Example.Com"


def test_the_host_name_where_there_is_no_local_domain(written: Written) -> None:
    """Else myhostname, in lower case, as libsasl takes it."""
    config = written("myhostname = Mail.Example.COM\nsmtpd_sasl_local_domain =\n")
    assert postconf.realm("postfix", config) == "mail.example.com"


def test_mydomain(written: Written) -> None:
    """`mydomain` is what `postconf -h mydomain` says, computed where it is not set."""
    assert postconf.realm("mydomain", written("myhostname = a.b.example\n")) == "b.example"
    assert postconf.realm("mydomain", written("mydomain = Set.Example\n")) == "Set.Example"


def test_an_empty_value_is_an_error(written: Written) -> None:
    """An empty realm is never made of a missing value."""
    with pytest.raises(SiteConfigError, match="mydomain is empty"):
        postconf.realm("mydomain", written("mydomain =\n"))


def test_a_missing_configuration_is_an_error(written: Written, tmp_path: Path) -> None:
    """What postconf complains of is the reason."""
    with pytest.raises(SiteConfigError, match="cannot tell mydomain: .*fatal: open"):
        postconf.realm("mydomain", str(tmp_path / "none"))


def test_an_unknown_parameter_is_an_error(written: Written) -> None:
    """A parameter that Postfix does not know has no value."""
    with pytest.raises(SiteConfigError, match="unknown parameter"):
        postconf.parameter("no_such_parameter", written(""))


def test_the_callers_path_is_not_searched(written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `postconf` that somebody put into PATH is not run."""
    (tmp_path / "postconf").write_text("#!/bin/sh\necho evil.example\n")
    (tmp_path / "postconf").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert postconf.realm("mydomain", written("mydomain = good.example\n")) == "good.example"


def test_another_word_is_a_mistake_of_the_caller() -> None:
    """Only the two words stand for a realm."""
    with pytest.raises(ValueError, match="example.com"):
        postconf.realm("example.com")


@pytest.mark.parametrize(("host", "parent"), [("Example.com", "com"), ("example.co.uk", "co.uk")])
def test_a_host_called_like_its_domain(written: Written, host: str, parent: str) -> None:
    """Where mydomain is a registry it is no realm, nor is what bare logins come to by it; the domain's name is told."""
    config = written(f"myhostname = {host}\nsmtpd_sasl_local_domain = $mydomain\n")
    for word, name in (("mydomain", "mydomain"), ("postfix", "smtpd_sasl_local_domain")):
        with pytest.raises(SiteConfigError) as caught:
            postconf.realm(word, config)
        assert str(caught.value) == (
            f"{name}: it is {parent}, which is no domain; name the realm itself, as {host.lower()}, "
            f"or run: postconf -c {config} -e {name}={host.lower()}"
        )
    config = written(f"myhostname = {host}\nsmtpd_sasl_local_domain = users\n")
    assert postconf.realm("postfix", config) == "users"
