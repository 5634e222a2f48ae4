"""A conf file line by line: all that is wrong with it, and not the first mistake alone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb.errors import SiteConfigError
from sasldb.libsasl import conffile, config
from sasldb.libsasl.conffile import ConfFile


def test_every_wrong_line_is_told(tmp_path: Path) -> None:
    """Wrong lines come with their numbers, good ones with key and value."""
    path = tmp_path / "smtpd.conf"
    path.write_bytes(b"# x\nmech_list PLAIN\nA: 1\n\nb :2\nc:\n")
    conf = ConfFile(str(path))
    assert [number for number, _ in conf.wrong] == [2, 5, 6]
    assert [(entry.number, entry.key, entry.value) for entry in conf.entries] == [(3, b"a", b"1")]


def test_the_first_of_two_wins(tmp_path: Path) -> None:
    """What repeats a key with another value is told; the same again is harmless."""
    path = tmp_path / "smtpd.conf"
    path.write_bytes(b"a: 1\nA: 2\na: 1\n")
    conf = ConfFile(str(path))
    assert conf.get(b"a") == b"1" and [entry.number for entry in conf.doubled] == [2]


@given(
    st.lists(
        st.sampled_from([b"a: b", b"a: c", b"# x", b"", b"x", b"k: \xff", b"k :v", b"\xef\xbb\xbfa: b"]), max_size=6
    )
)
def test_it_agrees_with_the_parser(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    """A file has wrong lines exactly where libsasl's parser rejects it, and else the same values."""
    path = tmp_path_factory.mktemp("conf") / "x.conf"
    path.write_bytes(b"\n".join(lines))
    conf = ConfFile(str(path))
    try:
        values = config.parse(path.read_bytes(), "x.conf")
    except SiteConfigError as error:
        assert conf.wrong[0][0] == error.line
    else:
        assert conf.wrong == [] and {entry.key: conf.get(entry.key) for entry in conf.entries} == values


def test_states(tmp_path: Path) -> None:
    """Missing, dangling, a directory and a file are told apart."""
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").touch()
    states = [ConfFile(str(tmp_path / name)).state for name in ("none", "file/x", "link", "", "file")]
    assert states == [conffile.MISSING, conffile.MISSING, conffile.DANGLING, conffile.DIRECTORY, conffile.FILE]


def test_what_could_block_is_not_opened(tmp_path: Path) -> None:
    """A pipe, a socket and a device are told as such, and not waited for."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        (tmp_path / "device").symlink_to("/dev/zero")
        for name in "pipe", "socket", "device":
            assert ConfFile(str(tmp_path / name)).state == conffile.SPECIAL


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path: Path) -> None:
    """A file that we may not read is told as such."""
    (tmp_path / "x").touch(0o000)
    assert ConfFile(str(tmp_path / "x")).state == conffile.UNREADABLE


def test_candidates() -> None:
    """Each place is named once, Postfix's own first."""
    found = conffile.candidates("/etc/postfix", "smtpd", ["/srv"])
    assert found[0] == "/etc/postfix/sasl/smtpd.conf" and "/srv/smtpd.conf" in found
    assert {"/etc/sasl2/smtpd.conf", "/usr/lib/sasl2/smtpd.conf"} <= set(found) and len(found) == len(set(found))
