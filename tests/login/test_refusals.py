"""What the database explains of a refusal, and what it does not claim."""

from __future__ import annotations

from pathlib import Path

import pytest

import sasldb
from sasldb.model.secret import Secret
from sasldb.operations.logins.refusals import explain
from sasldb.operations.logins.resolving import Server

RIGHT, WRONG = Secret(b"wonderland"), Secret(b"looking-glass")
POSTFIX = Server("example.com", "mail.example.com")


@pytest.fixture
def database(tmp_path: Path) -> str:
    """Return a database with alice@example.com, who has a plaintext password."""
    path = str(tmp_path / "sasldb2")
    with sasldb.edit(path) as editor:
        editor.set_password("alice@example.com", b"wonderland")
    return path


def test_no_such_user(database: str) -> None:
    """A user that is not there is named, with those that are close."""
    assert explain(b"alice@example.org", RIGHT, ["PLAIN"], database, POSTFIX) == [
        f"{database} has no user alice@example.org; close: alice@example.com"
    ]
    assert explain(b"bob", RIGHT, ["PLAIN"], database, POSTFIX) == [f"{database} has no user bob@example.com"]


def test_another_password(database: str) -> None:
    """A password that is not the stored one is told, and neither of them is shown."""
    (sentence,) = explain(b"alice", WRONG, ["PLAIN", "CRAM-MD5"], database, POSTFIX)
    assert sentence == f"the password is not the one that {database} holds for alice@example.com"


def test_the_right_password(database: str) -> None:
    """Where the database has nothing against the login, the server must be looking elsewhere."""
    (sentence,) = explain(b"alice@example.com", RIGHT, ["PLAIN", "CRAM-MD5"], database, POSTFIX)
    assert sentence.startswith(f"the password is right for PLAIN CRAM-MD5 in {database}; does the server read another")


def test_a_mechanism_that_is_not_served(database: str) -> None:
    """A mechanism that needs what is not stored is told with those that are served, beside the ones that should work."""
    record = b"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    with sasldb.edit(database) as editor:
        editor.put(b"user\0example.com\0authPassword", record)
    first, second = explain(b"user", Secret(b"pencil"), ["CRAM-MD5", "SCRAM-SHA-256"], database, POSTFIX)
    assert first == f"{database} holds nothing for user@example.com that serves CRAM-MD5, but what serves SCRAM-SHA-256"
    assert second.startswith("the password is right for SCRAM-SHA-256")


def test_secrets_that_nobody_can_use(database: str) -> None:
    """A user with nothing that serves is told as that."""
    with sasldb.edit(database) as editor:
        editor.put(b"user\0example.com\0authPassword", b"junk")
    (sentence,) = explain(b"user", RIGHT, ["PLAIN"], database, POSTFIX)
    assert sentence.endswith("serves PLAIN, but nothing that serves any mechanism")


@pytest.mark.parametrize("password", ["\ufb01sh", "a\u00a0b"])
def test_a_password_that_clients_prepare(database: str, password: str) -> None:
    """Where SASLprep changes the password, that is the cause with SCRAM, and not ASCII with NTLM; the file is not suspected."""
    with sasldb.edit(database) as editor:
        editor.set_password("alice@example.com", password.encode())
    refused = ["SCRAM-SHA-256", "SCRAM-SHA-1", "NTLM"]
    prepared, ntlm = explain(b"alice", Secret(password.encode()), refused, database, POSTFIX)
    assert prepared == (
        "with SCRAM-SHA-256 SCRAM-SHA-1 a client changes the password (SASLprep), and Cyrus SASL compares with the bytes stored; "
        "choose one that SASLprep leaves alone, such as all of ASCII"
    )
    assert ntlm.startswith("with NTLM Cyrus SASL takes each byte stored for a character") and password not in prepared


def test_a_name_that_clients_prepare(database: str) -> None:
    """So it is with a name; one that is not ASCII and stays the same is no matter for SCRAM."""
    with sasldb.edit(database) as editor:
        editor.set_password("\ufb01@example.com", RIGHT.reveal())
        editor.set_password("\u00e4@example.com", RIGHT.reveal())
    (prepared,) = explain("\ufb01".encode(), RIGHT, ["SCRAM-SHA-1"], database, POSTFIX)
    assert prepared.startswith("with SCRAM-SHA-1 a client changes the name (SASLprep)")
    (other,) = explain("\u00e4".encode(), RIGHT, ["SCRAM-SHA-1"], database, POSTFIX)
    assert other.startswith("the password is right for SCRAM-SHA-1")


def test_what_arrives_as_it_is(database: str) -> None:
    """A mechanism that carries the password as it is stays unexplained by that."""
    with sasldb.edit(database) as editor:
        editor.set_password("alice@example.com", b"\xef\xac\x81sh")
    (sentence,) = explain(b"alice", Secret(b"\xef\xac\x81sh"), ["PLAIN"], database, POSTFIX)
    assert sentence.startswith("the password is right for PLAIN")


def test_a_login_that_libsasl_refuses(database: str) -> None:
    """A login that leads to nobody is told with libsasl's reason."""
    (sentence,) = explain(b"a" * 2000, RIGHT, ["PLAIN"], database, POSTFIX)
    assert sentence == "libsasl refuses such a login: more than 1024 bytes"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """Without a database to read, that is what is told."""
    (sentence,) = explain(b"alice", RIGHT, ["PLAIN"], str(tmp_path / "none"), POSTFIX)
    assert sentence.startswith(f"what is stored here cannot be told: {tmp_path / 'none'}: ")
