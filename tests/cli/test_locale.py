"""Names and paths are bytes: in a locale that is not UTF-8 `sasldb` means the same user and the same file as the drop-ins."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from sasldb.store.reading import Database
from tests.cli.conftest import Sasldb
from tests.conftest import Commands, Require, lacking

LATIN1 = b"\xe9"
UTF8 = "\u00e9".encode()


@pytest.fixture(scope="module")
def latin1(tmp_path_factory: pytest.TempPathFactory, require: Require) -> Mapping[str, str]:
    """Return the environment of an ISO-8859-1 locale, made for this test alone."""
    (localedef,) = require("locale", "localedef")
    directory = tmp_path_factory.mktemp("locales")
    argv = [localedef, "--no-archive", "-f", "ISO-8859-1", "-i", "en_US", str(directory / "en_US.ISO-8859-1")]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    if not (directory / "en_US.ISO-8859-1").is_dir():
        lacking("locale", f"no sources of locales (Debian's package locales): {done.stderr!r}")
    environment = {"LOCPATH": str(directory), "LC_ALL": "en_US.ISO-8859-1"}
    encoding = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", "import sys; print(sys.getfilesystemencoding())"],
        env=environment,
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert encoding.stdout.strip() == b"iso8859-1"
    return environment


@pytest.mark.parametrize("name", [LATIN1, UTF8, b"\xe2\x82\xac"])
def test_names_are_octets(
    name: bytes, latin1: Mapping[str, str], sasldb: Sasldb, commands: Commands, tmp_path: Path
) -> None:
    """What saslpasswd2 stores, `sasldb` finds, shows and deletes, whatever the locale makes of the bytes of name, realm and path."""
    path = b"db-" + name
    user = name + b"@R" + name
    stored = subprocess.run(
        [commands.saslpasswd2, "-f", path, user], input=b"pw\n", cwd=tmp_path, env={**latin1}, timeout=30, check=True
    )
    assert stored.returncode == 0
    listed = sasldb("list", "-f", path, "-u", b"R" + name, env=latin1)
    assert (listed.returncode, listed.stdout) == (0, sasldb("list", "-f", path, user).stdout) and listed.stdout
    shown = sasldb("show", "--json", "-f", path, user, env=latin1)
    assert json.loads(shown.stdout)["user"].encode("utf-8", "surrogateescape") == name
    assert sasldb("add", "--generate", "-f", path, "-u", b"R" + name, b"2" + name, env=latin1).returncode == 0
    assert sasldb("rename-realm", "-f", path, b"R" + name, b"S" + name, env=latin1).returncode == 0
    with Database(os.fsdecode(os.fsencode(tmp_path) + b"/" + path)) as database:
        assert sorted((each.id.user, each.id.realm) for each in database) == sorted(
            [(name, b"S" + name), (b"2" + name, b"S" + name)]
        )
    assert sasldb("delete", "-f", path, name + b"@S" + name, env=latin1).returncode == 0
    assert os.listdir(os.fsencode(tmp_path)) == [path]


def test_files_are_octets(latin1: Mapping[str, str], sasldb: Sasldb, tmp_path: Path) -> None:
    """A password file, the state of apply and a database to compare with are the files that are named."""
    secret = os.fsencode(tmp_path) + b"/secret-" + UTF8
    with open(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
        file.write(b"pw\n")
    assert sasldb("add", "-f", "db", "--password-file", b"secret-" + UTF8, "u@R", env=latin1).returncode == 0
    os.rename(os.fsencode(tmp_path) + b"/db", os.fsencode(tmp_path) + b"/db-" + UTF8)
    assert sasldb("diff", b"db-" + UTF8, b"db-" + UTF8, env=latin1).returncode == 0
    state = os.fsencode(tmp_path) + b"/state-" + UTF8
    with open(state, "wb") as file:
        file.write(b'{"users": [{"name": "v@R", "storage": "plaintext", "password_file": "secret-\xc3\xa9"}]}')
    os.chmod(state, 0o600)
    done = sasldb("apply", "-f", b"db-" + UTF8, "--check", b"state-" + UTF8, env=latin1)
    assert (done.returncode, done.stderr) == (1, b"")
