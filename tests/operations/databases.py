"""What tests of operations share: a database with given users, every kind of stored secret, and what a file holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sasldb.libsasl.config import Config
from sasldb.libsasl.plugins import Plugins
from sasldb.model.identity import UserId
from sasldb.operations.cyrus import Site
from sasldb.secrets import cram_md5, digest_md5, otp, plain_hash, scram
from sasldb.store.editing import edit
from sasldb.store.reading import Database

Users = Mapping[str, Mapping[str, bytes]]

ALICE = UserId(b"alice", b"example.org")
BARE = Site(Config(None, {}), Plugins(sasldb=True, otp=False, scram=False))
WITH_OTP = Site(Config(None, {}), Plugins(sasldb=True, otp=True, scram=True))


def every_secret(password: bytes, user: UserId = ALICE) -> dict[str, bytes]:
    """Return a value of each kind of secret, all made of `password`, and of two mechanisms that nobody here knows."""
    return {
        "userPassword": password,
        "authPassword": scram.make(password, "SHA-1"),
        "cmusaslsecretPLAIN": plain_hash.make(password),
        "cmusaslsecretCRAM-MD5": cram_md5.make(password),
        "cmusaslsecretDIGEST-MD5": digest_md5.make(user.user, user.realm, password),
        "cmusaslsecretOTP": otp.make(password, "vm", "sha1"),
        "cmusaslsecretSRP": b"verifier",
        "cmusaslsecretNEW": b"invented",
    }


def make(path: Path, users: Users) -> str:
    """Write a database of `users`, user@realm -> property -> value, and return its path."""
    with edit(str(path)) as editor:
        for login, properties in users.items():
            for name, value in properties.items():
                editor.put(UserId.parse(login).key(name.encode()), value)
    return str(path)


def content(path: str) -> dict[str, dict[str, bytes]]:
    """Return all users of a database with their properties."""
    with Database(path) as database:
        return {str(account.id): dict(account.properties) for account in database}
