"""The table of mechanisms, against what the real plug-ins say about themselves."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sasldb.libsasl import build, mechanisms
from tests.conftest import CyrusTools, Require

FLAGS = {
    "noanonymous": "NO_ANONYMOUS",
    "noplaintext": "NO_PLAINTEXT",
    "noactive": "NO_ACTIVE",
    "nodictionary": "NO_DICTIONARY",
    "mutual_auth": "MUTUAL_AUTH",
    "forward_secrecy": "FORWARD_SECRECY",
}


def test_what_the_plugins_say(cyrus: CyrusTools, require: Require) -> None:
    """Each installed plug-in gives the mechanisms of the table, and each mechanism promises what the table says."""
    (viewer,) = require("cyrus", "saslpluginviewer")
    shown = subprocess.run([viewer, "-s"], capture_output=True, text=True, timeout=30, check=True).stdout
    found = re.findall(
        r'^Plugin "(\w+)".*\n\s*SASL mechanism: ([\w-]+),.*\n\s*security flags: (\S*)', shown, re.MULTILINE
    )
    assert len(found) > 10
    for plugin, mechanism, flags in found:
        assert mechanism in mechanisms.MECHANISMS[plugin]
        for option, flag in FLAGS.items():
            passes = mechanisms.passing([mechanism], [option]) == [mechanism]
            assert passes == (flag in flags.split("|")), (mechanism, option)
    installed = mechanisms.installed(build.plugin_directory())
    assert set(mechanisms.given(installed)) == {mechanism for _, mechanism, _ in found}


def test_what_cannot_be_loaded(tmp_path: Path) -> None:
    """An empty file, a dangling link and a directory are no plug-ins; a directory that is not there has none."""
    (tmp_path / "libplain.so").write_bytes(b"")
    (tmp_path / "liblogin.so").symlink_to("nowhere")
    (tmp_path / "libotp.so").mkdir()
    (tmp_path / "libscram.so").write_bytes(b"\x7fELF")
    assert mechanisms.installed(str(tmp_path)) == {"scram"}
    assert mechanisms.installed(str(tmp_path / "none")) == set()


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ([], ["PLAIN", "CRAM-MD5", "SCRAM-SHA-1"]),
        (["noanonymous", "noplaintext"], ["CRAM-MD5", "SCRAM-SHA-1"]),
        (["mutual_auth"], ["SCRAM-SHA-1"]),
    ],
)
def test_passing(options: list[str], left: list[str]) -> None:
    """What is left are the mechanisms that pass every option."""
    assert mechanisms.passing(["PLAIN", "CRAM-MD5", "SCRAM-SHA-1"], options) == left
