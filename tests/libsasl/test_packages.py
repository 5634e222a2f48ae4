"""Which package to install, on which distribution."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sasldb.libsasl import build, packages
from tests.conftest import CyrusTools, Require


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("ID=debian\n", "apt-get install libsasl2-modules libsasl2-modules-db"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "apt-get install libsasl2-modules libsasl2-modules-db"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "dnf install cyrus-sasl-lib cyrus-sasl-md5"),
        ("ID=alpine\n", "apk add cyrus-sasl cyrus-sasl-crammd5"),
        ('ID="opensuse-leap"\n', "zypper install cyrus-sasl cyrus-sasl-crammd5"),
        ("ID=arch\n", "pacman -S cyrus-sasl"),
        ("ID=plan9\n", None),
    ],
)
def test_the_command(tmp_path: Path, release: str, command: str | None) -> None:
    """It names each package once, and there is none for a distribution that is not known."""
    (tmp_path / "os-release").write_text(release)
    assert packages.command(["crammd5", "sasldb"], str(tmp_path / "os-release")) == command


def test_no_release_file(tmp_path: Path) -> None:
    """A system that does not say what it is is not known."""
    assert packages.command(["plain"], str(tmp_path / "none")) is None


@pytest.mark.parametrize(
    "plugin", ["sasldb", "plain", "login", "crammd5", "digestmd5", "ntlm", "scram", "otp", "sql", "ldapdb"]
)
def test_debians_packages(cyrus: CyrusTools, require: Require, plugin: str) -> None:
    """On Debian the package that is named is the one that the plug-in's file belongs to."""
    (dpkg,) = require("cyrus", "dpkg-query")
    path = f"{build.plugin_directory()}/lib{plugin}.so"
    done = subprocess.run([dpkg, "-S", path], capture_output=True, text=True, timeout=30, check=True)
    assert packages.command([plugin]) == f"apt-get install {done.stdout.partition(':')[0]}"
