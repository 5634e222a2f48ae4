"""What configuration names is read without waiting, and only as far as such a file can be long."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sasldb import bounds
from sasldb.files import reading
from sasldb.libsasl import build
from sasldb.libsasl.conffile import ConfFile
from sasldb.postfix.checks.relaying import wide_entry
from sasldb.postfix.config.certificate import Certificate


def test_a_file(tmp_path: Path) -> None:
    """The content comes as it is."""
    (tmp_path / "x").write_bytes(b"a\xff\n")
    assert reading.content(str(tmp_path / "x")) == b"a\xff\n" and reading.text(str(tmp_path / "x")) == "a\udcff\n"


def test_what_has_no_end(tmp_path: Path) -> None:
    """A pipe, a device and a file that is too long are errors, at once."""
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "long", "wb") as long:
        long.truncate(bounds.LARGEST + 1)
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError):
            reading.content(str(path))
    with pytest.raises(OSError):
        reading.content(str(tmp_path / "long"))


class Values:
    """Parameters of a service."""

    def __init__(self, **values: str) -> None:
        self.values = {"queue_directory": "/", **values}

    def value(self, name: str) -> str:
        """Return one."""
        return self.values.get(name, "")


def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    """A pipe in the place of a certificate, a list of networks or a configuration file holds nothing up."""
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    certificate = Certificate(Values(smtpd_tls_cert_file=pipe, smtpd_tls_key_file=pipe))  # type: ignore[arg-type]
    assert not certificate.works and certificate.reason == f"{pipe}: not a regular file"
    assert wide_entry(pipe) == ""
    assert ConfFile(pipe).entries == []
    assert build.default_database(str(tmp_path)) == "/etc/sasldb2"
