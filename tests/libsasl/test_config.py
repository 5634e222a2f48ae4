"""libsasl's configuration files, without libsasl; what libsasl makes of the same texts is the oracle's matter."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.errors import SiteConfigError
from sasldb.libsasl.config import Config, DEFAULT_DATABASE, database, directories, parse, read


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (b"", {}),
        (b"# all\n\n  \t# a comment\n", {}),
        (b"Key:value\r\n", {b"key": b"value"}),
        (b" \tMech_List:  PLAIN  LOGIN \t\n", {b"mech_list": b"PLAIN  LOGIN"}),
        (b"a: 1\nA: 2\n", {b"a": b"1"}),
        (b'a: "x" # y', {b"a": b'"x" # y'}),
        (b"a: b\0c\nd: e\n", {b"a": b"b", b"d": b"e"}),
        (b"a-b_9: x:y\n", {b"a-b_9": b"x:y"}),
        (b": x\n", {b"": b"x"}),
    ],
)
def test_values(text: bytes, values: dict[bytes, bytes]) -> None:
    """A line is a key and a value; keys are taken in lower case, and the first of two wins."""
    assert parse(text, "x.conf") == values


@pytest.mark.parametrize(
    "line", [b"word", b"key:", b"key: \t", b"key : value", b"k.y: v", b"\xef\xbb\xbfkey: v", b"k\0y: v"]
)
def test_a_wrong_line_is_named(line: bytes) -> None:
    """What is neither empty, a comment nor `key: value` is an error that names file and line."""
    with pytest.raises(SiteConfigError) as caught:
        parse(b"good: x\n# y\n" + line + b"\nlast: z\n", "x.conf")
    assert (caught.value.path, caught.value.line) == ("x.conf", 3)


def test_long_lines_are_read_in_pieces() -> None:
    """What stands behind 4095 bytes of a line is a line of its own."""
    assert parse(b"#" + b"x" * 4094 + b"a: b\n", "x.conf") == {b"a": b"b"}


@given(st.binary(max_size=200))
def test_any_bytes(text: bytes) -> None:
    """Any file is either parsed or a SiteConfigError."""
    try:
        values = parse(text, "x.conf")
    except SiteConfigError:
        return
    assert all(value and key == key.lower() for key, value in values.items())


def test_the_first_directory_that_has_the_file(tmp_path: Path) -> None:
    """An empty file, and a directory of its name, end the search; a dangling link and what is missing do not."""
    for name in ("empty", "last", "dangling", "directory"):
        (tmp_path / name).mkdir()
    (tmp_path / "empty/app.conf").touch()
    (tmp_path / "last/app.conf").write_bytes(b"a: b\n")
    (tmp_path / "dangling/app.conf").symlink_to("nowhere")
    (tmp_path / "directory/app.conf").mkdir()

    def found(*names: str) -> bytes | None:
        path = b":".join(os.fsencode(tmp_path / name) for name in names)
        return read(b"app", {b"SASL_CONF_PATH": path}).get(b"a")

    assert found("missing", "dangling", "last") == b"b"
    assert found("empty", "last") is None
    assert found("directory", "last") is None


def test_too_long_a_path_has_no_line(tmp_path: Path) -> None:
    """A name that makes the path too long is an error without a line number, once the search comes to it."""
    here = os.fsencode(tmp_path)
    with pytest.raises(SiteConfigError) as caught:
        read(b"app", {b"SASL_CONF_PATH": here + b":/" + b"x" * 4090})
    assert caught.value.line is None
    (tmp_path / "app.conf").write_bytes(b"a: b\n")
    assert read(b"app", {b"SASL_CONF_PATH": here + b":/" + b"x" * 4090}).get(b"a") == b"b"


def test_directories() -> None:
    """SASL_CONF_PATH replaces the built-in list, even where it is empty."""
    assert directories({b"SASL_CONF_PATH": b"a:b::"}) == [b"a", b"b", b"", b""]
    assert directories({b"SASL_CONF_PATH": b""}) == [b""]
    assert directories({})[:2] == [b"/etc/sasl2", b"/etc/sasl"]


def test_the_database() -> None:
    """The named one, else sasldb_path, else the default; an empty name is the default."""
    config = Config(b"x.conf", {b"sasldb_path": b"/srv/db"})
    assert database(config, b"mine") == b"mine"
    assert database(config, b"") == DEFAULT_DATABASE
    assert database(config, None) == b"/srv/db"
    assert database(Config(None, {}), None) == DEFAULT_DATABASE


def test_what_a_config_shows() -> None:
    """Words come in lower case, switches by their first letters, and a repr shows no value."""
    config = Config(b"x.conf", {b"mech_list": b"PLAIN\tOTP", b"a": b"yes", b"b": b"Yes", b"c": b"on", b"d": b"of"})
    assert config.words(b"mech_list") == [b"plain", b"otp"] and config.words(b"none") is None
    assert [config.is_on(key) for key in (b"a", b"b", b"c", b"d", b"none")] == [True, False, True, False, False]
    assert "PLAIN" not in repr(config)
