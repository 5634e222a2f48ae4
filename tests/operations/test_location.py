"""Which database is meant: the order of the places, and nothing of one that comes later."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sasldb.errors import SiteConfigError
from sasldb.operations import location
from tests.conftest import Commands
from tests.real.namespace import PrivateEtc


@pytest.fixture
def environment(tmp_path: Path) -> dict[bytes, bytes]:
    """Return an environment whose libsasl knows the applications named, other and broken."""
    (tmp_path / "named.conf").write_text("pwcheck_method: auxprop\nsasldb_path: /srv/named.db\n")
    (tmp_path / "other.conf").write_text("mech_list: PLAIN\n")
    (tmp_path / "broken.conf").write_text("sasldb_path /srv/named.db\n")
    return {b"SASL_CONF_PATH": str(tmp_path).encode()}


@pytest.mark.parametrize(
    "file, application, variable, path",
    [
        ("given.db", "named", b"variable.db", "given.db"),
        ("given.db", "broken", None, "given.db"),
        (None, "named", b"variable.db", "variable.db"),
        (None, None, b"\xff.db", "\udcff.db"),
        (None, "named", None, "/srv/named.db"),
        (None, "named", b"", "/srv/named.db"),
        ("", "named", None, ""),
        (None, "other", None, location.default()),
        (None, "absent", None, location.default()),
        (None, None, None, location.default()),
    ],
)
def test_order(
    environment: dict[bytes, bytes], file: str | None, application: str | None, variable: bytes | None, path: str
) -> None:
    """-f comes before SASLDB_PATH, that before the application's sasldb_path, that before the default; an empty variable is unset, an empty -f stays one."""
    if variable is not None:
        environment[b"SASLDB_PATH"] = variable
    assert location.database(file, application, environment) == path


@pytest.mark.parametrize("application", ["broken", "../named", "x" * 5000])
def test_bad_application(environment: Mapping[bytes, bytes], application: str) -> None:
    """A configuration that does not parse, and a name that is none, are errors and not the default database."""
    with pytest.raises(SiteConfigError):
        location.database(None, application, environment)


@pytest.mark.parametrize(
    "present, answer",
    [
        ("", b"/etc/sasldb2"),
        ("sasldb2", b"/etc/sasldb2"),
        ("sasl2/sasldb2", b"/etc/sasl2/sasldb2"),
        ("sasldb2 sasl2/sasldb2", b"/etc/sasldb2"),
    ],
    ids=["none", "first", "second", "both"],
)
def test_default(private_etc: PrivateEtc, commands: Commands, present: str, answer: bytes) -> None:
    """/etc/sasl2/sasldb2 is the default only where it exists and /etc/sasldb2 does not."""
    private_etc.run("sh", "-c", "rm -f /etc/sasldb2 /etc/sasl2/sasldb2; mkdir -p /etc/sasl2; cd /etc; : >sasl2/x")
    for name in present.split():
        private_etc.run("touch", f"/etc/{name}")
    message = private_etc.run(commands.sasldb, "list").stderr
    assert message.startswith(b"sasldb: " + answer + b": ")


@pytest.mark.parametrize("name", [None, "", "example.com", "Postfix", "mydomain.example"])
def test_names_that_are_no_words(name: str | None) -> None:
    """Any realm but the two words stands for itself."""
    assert location.realm(name) == name
