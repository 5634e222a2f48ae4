"""Certificates as Postfix would load them, made by the real openssl and named in a main.cf that the real postconf reads."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sasldb.postfix.config.certificate import Certificate
from sasldb.postfix.config.instance import Instance
from tests.conftest import Require

_FILES = """
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -subj /CN=x -days 2 2>/dev/null
openssl ecparam -name prime256v1 -genkey -out eckey
openssl req -x509 -key eckey -out eccert -subj /CN=x -days 2
openssl pkey -in key -aes128 -passout pass:12345678 -out locked
openssl rsa -in key -traditional -aes128 -passout pass:12345678 -out oldlocked 2>/dev/null
openssl req -x509 -newkey rsa:512 -sha1 -nodes -keyout weakkey -out weak -subj /CN=x -days 2 2>/dev/null
cat key cert eckey eccert > all
cat cert key > reversed
echo x > junk
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with keys and certificates."""
    directory = tmp_path_factory.mktemp("pem")
    subprocess.run(["sh", "-ec", _FILES], cwd=directory, check=True, timeout=60)
    return directory


@pytest.fixture(autouse=True)
def _parts(require: Require) -> None:
    require("postfix", "postconf")
    require("postfix", "openssl")


def certificate(directory: Path, files: Path, settings: str) -> Certificate:
    """Return that of a Postfix with these settings, `name=value` without the smtpd_tls_ before each; files are below its queue directory."""
    lines = [f"smtpd_tls_{setting}\n" for setting in settings.split()]
    (directory / "main.cf").write_text(f"compatibility_level = 3.6\nqueue_directory = {files}\n{''.join(lines)}")
    (directory / "master.cf").touch()
    os.utime(directory / "main.cf", (1_000_000_000, 1_000_000_000))
    return Certificate(Instance(str(directory)))


@pytest.mark.parametrize(
    "settings",
    [
        "cert_file=cert key_file=key",
        "cert_file=reversed",
        "cert_file=all",
        "eccert_file=eccert eckey_file=eckey",
        "cert_file=weak key_file=weakkey",
        "cert_file=none eccert_file=eccert eckey_file=eckey",
        "chain_files=all",
        "chain_files=key,cert,eckey,eccert,junk",
        "chain_files=all cert_file=none.pem CAfile=cert CApath=none",
    ],
)
def test_it_works(tmp_path: Path, files: Path, settings: str) -> None:
    """Pairs, and chains over several files, work; blocks and lines that are neither are left out, and weak keys are no matter of ours."""
    found = certificate(tmp_path, files, settings)
    assert (found.reason, found.configured, found.works, found.hidden, found.authorities) == ("", True, True, "", "")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            "cert_file=cert key_file=weakkey",
            "{0}/cert with {0}/weakkey: the private key is that of another certificate",
        ),
        ("cert_file=cert key_file=eckey", "{0}/cert with {0}/eckey: the private key is that of another certificate"),
        ("cert_file=cert key_file=junk", "{0}/junk: no private key in it, in PEM"),
        ("cert_file=junk key_file=key", "{0}/junk: no certificate in it, in PEM"),
        ("cert_file=cert", "{0}/cert: no private key in it, in PEM"),
        (
            "cert_file=cert key_file=locked",
            "{0}/locked: the private key is encrypted, and smtpd cannot be told its password",
        ),
        (
            "cert_file=cert key_file=oldlocked",
            "{0}/oldlocked: the private key is encrypted, and smtpd cannot be told its password",
        ),
        ("cert_file=cert key_file=no.pem", "{0}/no.pem: no such file or directory"),
        (
            "cert_file=cert key_file=key eccert_file=eccert eckey_file=key",
            "{0}/eccert with {0}/key: the private key is that of another certificate",
        ),
        ("chain_files=reversed", "{0}/reversed: no private key before the first certificate"),
        ("chain_files=locked,cert", "{0}/cert: no private key before the first certificate"),
        ("chain_files=key", "{0}/key: no certificate behind a private key"),
        ("chain_files=junk", "{0}/junk: no private key in it, in PEM"),
        ("chain_files=weakkey,cert", "{0}/weakkey, {0}/cert: the private key is that of another certificate"),
        ("chain_files=all,key,eccert", "{0}/all, {0}/key, {0}/eccert: the private key is that of another certificate"),
        ("cert_file=reversed CAfile=no.pem", "{0}/no.pem (smtpd_tls_CAfile): no such file or directory"),
        ("cert_file=cert key_file=key eccert_file=none", "{0}/none: no such file or directory"),
        ("cert_file=none CAfile=junk", "{0}/junk (smtpd_tls_CAfile): no certificate in it, in PEM"),
        ("cert_file=reversed key_file=", "a private key whose name is empty: no such file or directory"),
        ("security_level=may", "no certificate is configured"),
    ],
)
def test_it_does_not_work(tmp_path: Path, files: Path, settings: str, reason: str) -> None:
    """One file that cannot be loaded is enough, and the reason names it."""
    found = certificate(tmp_path, files, settings)
    assert (found.reason, found.works, found.declined) == (reason.format(files), False, False)
    assert bool(found.authorities) == ("CAfile" in settings)


def test_none(tmp_path: Path, files: Path) -> None:
    """Whoever writes that there is none has TLS without one."""
    found = certificate(tmp_path, files, "cert_file=NONE")
    assert (found.declined, found.configured, found.works) == (True, False, False)
