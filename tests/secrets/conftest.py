"""What the tests of `sasldb.secrets` share: databases in the making, and libsasl2 itself to log in against."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from berkeleydb import db as libdb

from sasldb.model.identity import UserId

USER = UserId(b"alice", b"example.org")
HOST = "mail.example.org"
Require = Callable[..., list[str]]


def store(path: Path, properties: Mapping[bytes, bytes]) -> None:
    """Make a new database at `path` that holds `properties` of USER and nothing else."""
    path.unlink(missing_ok=True)
    database = libdb.DB()
    database.open(str(path), None, libdb.DB_HASH, libdb.DB_CREATE, 0o600)
    for name, value in properties.items():
        database.put(USER.key(name), value)
    database.close()


def stored(path: Path) -> dict[bytes, bytes]:
    """Return the properties of USER in the database at `path`."""
    database = libdb.DB()
    database.open(str(path), None, libdb.DB_HASH, libdb.DB_RDONLY)
    records = dict(database.items())
    database.close()
    return {key[len(USER.prefix) :]: value for key, value in records.items() if key.startswith(USER.prefix)}


class Libsasl:
    """The installed libsasl2, reading a private database through a private configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "sasldb2"
        configuration = f"sasldb_path: {self.path}\npwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
        (folder / "secretstest.conf").write_text(configuration)

    def results(self, properties: Mapping[bytes, bytes], attempts: Sequence[tuple[str, bytes]]) -> list[int]:
        """Return libsasl's code for each (mechanism or `checkpass`, password) of USER, who has `properties`; 0 is a login."""
        store(self.path, properties)
        order = {
            "fqdn": HOST,
            "realm": USER.realm.decode(),
            "user": USER.user.decode(),
            "attempts": [(mechanism, password.hex()) for mechanism, password in attempts],
        }
        result = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("libsasl_login.py"))],
            input=json.dumps(order),
            env={**os.environ, "SASL_CONF_PATH": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert result.returncode == 0, result.stderr
        codes = json.loads(result.stdout)
        assert len(codes) == len(attempts)
        return [int(code) for code in codes]


@pytest.fixture
def libsasl(require: Require, tmp_path: Path) -> Libsasl:
    """Return the real libsasl2, with an empty folder to work in."""
    require("cyrus", "saslpasswd2")
    return Libsasl(tmp_path)
