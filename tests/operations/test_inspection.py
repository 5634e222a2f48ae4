"""What is told of a user's properties: all of them, and never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.errors import NoSuchUser, NotFound
from sasldb.model.identity import UserId
from sasldb.operations.inspection import Inspection, inspect, kind
from sasldb.secrets import otp, scram
from sasldb.secrets.mechanisms import mechanisms_of
from tests.operations.databases import ALICE, every_secret, make


def test_all_properties(tmp_path: Path) -> None:
    """Each property is there with its size: those known in their usual order, then the others by name; and the mechanisms."""
    secrets = every_secret(b"hunter2")
    path = make(
        tmp_path / "db", {"alice@example.org": {"zip": b"12345", **secrets, "home": b"/a"}, "bob@x": {"a": b"b"}}
    )
    found = inspect(path, ALICE)
    assert [(item.name, item.size) for item in found.items] == [
        ("userPassword", 7),
        ("cmusaslsecretPLAIN", 33),
        ("authPassword", len(secrets["authPassword"])),
        ("cmusaslsecretCRAM-MD5", 32),
        ("cmusaslsecretDIGEST-MD5", 16),
        ("cmusaslsecretOTP", len(secrets["cmusaslsecretOTP"])),
        ("cmusaslsecretSRP", 8),
        ("cmusaslsecretNEW", 8),
        ("home", 2),
        ("zip", 5),
    ]
    assert found.mechanisms == mechanisms_of({name.encode(): value for name, value in secrets.items()})
    assert found.password == b"hunter2"


@pytest.mark.parametrize(
    "name, value, text",
    [
        (b"userPassword", b"hunter2", "the password itself"),
        (b"authPassword", scram.make(b"hunter2", "SHA-512", 5000), "a verifier for SCRAM-SHA-512, 5000 iterations"),
        (b"authPassword", b"hunter2", "a verifier for one SCRAM mechanism"),
        (b"cmusaslsecretOTP", otp.make(b"hunter2", "vm", "sha1", 77), "one-time passwords, sha1, number 77"),
        (b"cmusaslsecretOTP", b"hunter2", "the state of one-time passwords"),
        (b"cmusaslsecretHUNTER", b"hunter2", "a secret of a mechanism unknown here"),
        (b"homeDirectory", b"hunter2", "not known here"),
    ],
    ids=range(7),
)
def test_kinds(name: bytes, value: bytes, text: str) -> None:
    """A property is told with its algorithm and numbers where it can be read, and never with what is in it."""
    assert kind(name, value) == text


def test_flaws() -> None:
    """What lets nobody in is told with the reason."""
    found = Inspection(
        ALICE, {b"userPassword": b"x", b"authPassword": scram.make(b"x"), b"cmusaslsecretPLAIN": b"short"}
    )
    assert {item.name: (item.mechanisms == (), item.flaw) for item in found.items} == {
        "userPassword": (False, ""),
        "cmusaslsecretPLAIN": (True, "5 bytes, not 33"),
        "authPassword": (True, "libsasl ignores it beside userPassword"),
    }


def test_nobody(tmp_path: Path) -> None:
    """A user who does not exist is an error, as is a database that does not."""
    path = make(tmp_path / "db", {"alice@example.org": {"userPassword": b"x"}})
    with pytest.raises(NoSuchUser):
        inspect(path, UserId(b"alice", b"example.com"))
    with pytest.raises(NotFound):
        inspect(str(tmp_path / "absent"), ALICE)
