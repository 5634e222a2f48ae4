"""Which plug-ins count as installed."""

from __future__ import annotations

import os
from pathlib import Path

from sasldb.libsasl.plugins import Plugins, installed


def found(path: str) -> tuple[bool, bool, bool]:
    """Return what is found with SASL_PATH set to `path`."""
    plugins = installed({b"SASL_PATH": os.fsencode(path)})
    return plugins.sasldb, plugins.otp, plugins.scram


def test_by_file_name(tmp_path: Path) -> None:
    """A readable file of the plug-in's name in one of the directories is enough."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a/libsasldb.so").touch()
    (tmp_path / "b/libotp.so").touch()
    assert found(f"{tmp_path}/a") == (True, False, False)
    assert found(f"{tmp_path}/a:{tmp_path}/none:{tmp_path}/b") == (True, True, False)
    assert found(f"{tmp_path}/b={tmp_path}/a") == (False, True, False)


def test_what_cannot_be_loaded_is_not_there(tmp_path: Path) -> None:
    """A dangling link and a directory are no plug-ins."""
    (tmp_path / "libsasldb.so").symlink_to("nowhere")
    (tmp_path / "libscram.so").mkdir()
    assert found(str(tmp_path)) == (False, False, False)


def test_an_empty_path_is_a_path() -> None:
    """SASL_PATH that is set to nothing means no plug-ins, as in libsasl."""
    assert found("") == found(":") == found("/nonexistent") == (False, False, False)


def test_repr() -> None:
    """A repr tells which there are."""
    assert repr(Plugins(True, False, True)) == "Plugins(sasldb=True, otp=False, scram=True)"
