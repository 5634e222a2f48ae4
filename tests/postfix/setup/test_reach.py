"""What a backend needs and smtpd does not reach is told, as tried by smtpd's user in the chroot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sasldb.postfix.setup.reach import trouble
from sasldb.postfix.site.site import Site
from tests.conftest import Require, lacking
from tests.postfix.setup.scratch_site import Ground

JAILED = "smtp inet n - y - - smtpd\n"
EXTERNAL = "ldapdb_mech: EXTERNAL\nldapdb_uri: "
SQLITE = "sql_engine: sqlite3\nsql_database: "


@pytest.fixture
def ground(tmp_path: Path, require: Require) -> Ground:
    """Return a Postfix with a chroot, in which there is a file of root's alone and one for everybody."""
    require("postfix", "postconf")
    if os.geteuid() != 0:
        lacking("postfix", "only root can try what smtpd may do")
    jail = tmp_path / "queue"
    jail.mkdir()
    for name, mode in ("secret", 0o600), ("public", 0o644):
        (jail / name).touch(mode)
    return Ground(tmp_path, "smtpd_sasl_auth_enable = yes\n", JAILED)


@pytest.mark.parametrize(
    "backend, lines, path, reason",
    [
        ("sql", f"{SQLITE}/secret\n", "/secret", "Permission denied"),
        ("sql", f"{SQLITE}/other\n", "/other", "No such file or directory"),
        ("sql", "sql_engine: pgsql\n", "/var/run/postgresql/.s.PGSQL.5432", "No such file or directory"),
        ("sql", "sql_hostnames: localhost\n", "/run/mysqld/mysqld.sock", "No such file or directory"),
        ("ldapdb", f"{EXTERNAL}ldap://127.0.0.1 ldapi://%2Fa%2Fb\n", "/a/b", "No such file or directory"),
        ("ldapdb", f"{EXTERNAL}ldapi://%2fpublic\n", "/public", "Permission denied"),
    ],
)
def test_out_of_reach(ground: Ground, backend: str, lines: str, path: str, reason: str) -> None:
    """A file that cannot be read and a socket that cannot be connected to are told with the reason."""
    ground.conf.write_text(lines)
    told = trouble(Site(str(ground.directory)), backend)
    assert told == [f"{ground.directory}/queue{path}: {reason}, tried as postfix"]


@pytest.mark.parametrize(
    "backend, lines",
    [
        ("sql", f"{SQLITE}/public\n"),
        ("sql", "sql_engine: pgsql\nsql_hostnames: db1.example.com, db2.example.com\n"),
        ("sql", "sql_engine: pgsql\nsql_hostnames: localhost\n"),
        ("ldapdb", "ldapdb_uri: ldap://ldap.example.com ldaps://ldap.example.com\n"),
        ("sasldb", f"{SQLITE}/other\n"),
    ],
)
def test_within_reach(ground: Ground, backend: str, lines: str) -> None:
    """Of a file that can be read, of servers of the network, and of what is not in use, nothing is told."""
    ground.conf.write_text(lines)
    assert trouble(Site(str(ground.directory)), backend) == []
