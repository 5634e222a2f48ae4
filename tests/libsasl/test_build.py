"""What is read out of the installed programs, against what they really do."""

from __future__ import annotations

import os
import re
import smtplib
import subprocess
from pathlib import Path

import pytest

from sasldb.libsasl import build
from tests.conftest import CyrusTools, Require
from tests.real.postfix import PostfixInstance

DEBIAN = b"\x7fELF..\0sasl:/usr/lib/sasl\0xsasl_cyrus_server_init\0"


def test_smtpd_looks_where_we_say(postfix_instance: PostfixInstance, require: Require, tmp_path: Path) -> None:
    """The files that the real smtpd tries, as strace sees it, are those that we read out of it, in that order."""
    (strace,) = require("strace", "strace")
    conf = postfix_instance.config / "sasl/smtpd.conf"
    hidden = conf.rename(conf.with_suffix(".hidden"))
    trace = tmp_path / "trace"
    master = (postfix_instance.queue / "pid/master.pid").read_text().strip()
    argv = [strace, "-f", "-e", "trace=openat,open,access,stat,newfstatat", "-o", str(trace), "-p", master]
    tracer = subprocess.Popen(argv, stderr=subprocess.PIPE)
    assert tracer.stderr is not None and b"attached" in tracer.stderr.readline()
    try:
        with smtplib.SMTP("127.0.0.1", postfix_instance.port, timeout=10) as client:
            client.ehlo()
    finally:
        tracer.terminate()
        tracer.communicate()
        hidden.rename(conf)
        subprocess.run(["postfix", "-c", str(postfix_instance.config), "reload"], capture_output=True, timeout=30)
    tried = list(dict.fromkeys(re.findall(r'"([^"]*/smtpd\.conf)"', trace.read_text())))
    search = build.search_of_smtpd("/usr/lib/postfix/sbin", str(postfix_instance.config), "/nowhere")
    assert tried == [f"{directory}/smtpd.conf" for directory in search.directories]
    assert search.certain and "compiled into /usr/lib/postfix/sbin/smtpd" in search.how


def test_libsasl_looks_where_we_say(cyrus: CyrusTools, require: Require, tmp_path: Path) -> None:
    """The same for an application that leaves it to libsasl."""
    (strace,) = require("strace", "strace")
    trace = tmp_path / "trace"
    argv = [strace, "-o", str(trace), cyrus.saslpasswd2, "-d", "-a", "nosuchapp", "-f", str(tmp_path / "db"), "user"]
    subprocess.run(argv, capture_output=True, timeout=30, check=False)
    tried = list(dict.fromkeys(re.findall(r'"([^"]*)/nosuchapp\.conf"', trace.read_text())))
    search = build.search_of_libsasl()
    assert tried == search.directories and search.certain


def smtpd(directory: Path, content: bytes) -> str:
    """Write a program named smtpd and return its directory."""
    (directory / "smtpd").write_bytes(content)
    return str(directory)


def test_debians_search_is_relative_to_the_configuration(tmp_path: Path) -> None:
    """`sasl` is in Postfix's configuration directory, and cyrus_sasl_config_path counts for nothing."""
    search = build.search_of_smtpd(smtpd(tmp_path, DEBIAN), "/etc/postfix", "/srv")
    assert search.directories == ["/etc/postfix/sasl", "/usr/lib/sasl"]


def test_other_builds(tmp_path: Path) -> None:
    """Any other smtpd obeys cyrus_sasl_config_path, and without it leaves it to libsasl."""
    plain = smtpd(tmp_path, b"\x7fELF..\0cyrus_sasl_config_path\0")
    assert build.search_of_smtpd(plain, "/etc/postfix", "/srv/a:/srv/b").directories == ["/srv/a", "/srv/b"]
    assert build.search_of_smtpd(plain, "/etc/postfix", "").directories == build.search_of_libsasl().directories


def test_restrictions_of_the_installed_smtpd(require: Require) -> None:
    """Restrictions are found in the real program, short ones and old ones too, and names of its functions and misspelt ones are not."""
    require("postfix", "postconf")
    known = build.restrictions_of_smtpd("/usr/lib/postfix/sbin")
    there = "reject defer sleep warn_if_reject permit_mynetworks reject_rbl reject_unlisted_sender permit"
    assert set(there.split()) <= known
    assert not known & {"eject", "permit_sasl_authenticate", "reject_unverified_address", "mynetworks", ""}


def test_restrictions_of_a_program_that_tells_none(tmp_path: Path) -> None:
    """One that cannot be read, or is no smtpd, gives none at all."""
    assert build.restrictions_of_smtpd(str(tmp_path / "none")) == frozenset()
    assert build.restrictions_of_smtpd(smtpd(tmp_path, b"\0reject_rbl\0")) == frozenset()


def test_a_program_that_cannot_be_read_is_no_certainty(tmp_path: Path) -> None:
    """Then it is said that the answer is assumed."""
    search = build.search_of_smtpd(str(tmp_path / "none"), "/etc/postfix", "")
    assert not search.certain and search.how.startswith("assumed: ")


@pytest.mark.parametrize(
    ("needed", "name"),
    [
        (b"\0libdb-5.3.so\0", build.BERKELEY),
        (b"\0libgdbm.so.6\0", build.GDBM),
        (b"\0liblmdb.so.0\0", build.LMDB),
        (b"\0libc.so.6\0", ""),
    ],
)
def test_the_plugins_library(tmp_path: Path, needed: bytes, name: str) -> None:
    """The database format is that of the library that the plug-in needs."""
    (tmp_path / "libsasldb.so").write_bytes(b"\x7fELF" + needed + b"/etc/sasl2/sasldb2\0")
    assert build.backend(str(tmp_path)) == name
    assert build.default_database(str(tmp_path)) == "/etc/sasl2/sasldb2"


def test_the_installed_plugin(cyrus: CyrusTools) -> None:
    """Debian's plug-in reads Berkeley DB, and opens /etc/sasldb2."""
    directory = build.plugin_directory()
    assert os.path.exists(f"{directory}/libsasldb.so")
    assert (build.backend(directory), build.default_database(directory)) == (build.BERKELEY, "/etc/sasldb2")
