"""A conf file is changed in the lines that matter and in no other, and its passwords are never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.errors import SiteConfigError
from sasldb.libsasl import config
from sasldb.libsasl.conffile import ConfFile
from sasldb.postfix.setup.conf import HEADING, changed, has_secret, shown

LINES = {b"pwcheck_method": b"auxprop", b"mech_list": b"PLAIN LOGIN", b"sasldb_path": None}


def after(path: Path, text: bytes | None) -> bytes:
    """Return what becomes of a file with `text`, None for no file."""
    if text is not None:
        path.write_bytes(text)
    return changed(ConfFile(str(path)), text or b"", LINES)


def test_a_new_file(tmp_path: Path) -> None:
    """Where there is none, it has a heading and what is needed."""
    expected = HEADING + b"pwcheck_method: auxprop\nmech_list: PLAIN LOGIN\n"
    assert after(tmp_path / "smtpd.conf", None) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        (b"# mine\nlog_level: 7\n", b"# mine\nlog_level: 7\npwcheck_method: auxprop\nmech_list: PLAIN LOGIN\n"),
        (b"MECH_LIST:  NTLM\nx: y", b"mech_list: PLAIN LOGIN\nx: y\npwcheck_method: auxprop\n"),
        (b"mech_list: NTLM\nmech_list: OTP\n", b"mech_list: PLAIN LOGIN\npwcheck_method: auxprop\n"),
        (b"sasldb_path: /x\r\n", b"pwcheck_method: auxprop\nmech_list: PLAIN LOGIN\n"),
        (b"pwcheck_method:\tauxprop\nmech_list:PLAIN LOGIN\n", b"pwcheck_method:\tauxprop\nmech_list:PLAIN LOGIN\n"),
    ],
)
def test_what_is_there_stays(tmp_path: Path, text: bytes, expected: bytes) -> None:
    """Other lines stay as they are, lines that are right too, a repeated key goes, and the result says what was wanted."""
    result = after(tmp_path / "smtpd.conf", text)
    assert result == expected
    values = config.parse(result, "")
    assert {key: values.get(key) for key in LINES} == LINES
    assert after(tmp_path / "smtpd.conf", result) == result


def test_a_malformed_file(tmp_path: Path) -> None:
    """A file that libsasl rejects is not made worse; the error names the line."""
    with pytest.raises(SiteConfigError) as raised:
        after(tmp_path / "smtpd.conf", b"x: y\nnonsense\n")
    assert raised.value.line == 2


@pytest.mark.parametrize("name", ["directory", "dangling link"])
def test_no_file(tmp_path: Path, name: str) -> None:
    """What is no file is refused, by its name."""
    path = tmp_path / "smtpd.conf"
    path.mkdir() if name == "directory" else path.symlink_to("absent")
    with pytest.raises(SiteConfigError, match=name):
        after(path, None)


def test_passwords_are_masked() -> None:
    """Only values that are known to be no secret are shown; of a password not even the length, and of a comment nothing."""
    text = b"mech_list: PLAIN\nsql_user: u\nSQL_passwd : se:cret\nldapdb_pw:hush\n# hush\nhush\n" + HEADING
    masked = [
        "mech_list: PLAIN",
        "sql_user: ********",
        "SQL_passwd : ********",
        "ldapdb_pw: ********",
        "# ********",
        "********",
    ]
    assert shown(text.splitlines()) == [*masked, HEADING.decode().strip()]
    assert has_secret(text) and not has_secret(b"sql_user: u\n")
