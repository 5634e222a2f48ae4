"""Databases for the cases, and what their values mean: written with the standard library and berkeleydb alone, not with the code under test.

Two runs never store the same OTP seed or SCRAM salt, so a value that holds one is compared by its meaning: what it says openly, and
whether it really was made of the password.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from berkeleydb import db

Records = dict[bytes, bytes]

OTP = b"cmusaslsecretOTP"
PLAIN = b"cmusaslsecretPLAIN"
AUTH = b"authPassword"
USER = b"userPassword"
SUPERSEDED = (b"cmusaslsecretCRAM-MD5", b"cmusaslsecretDIGEST-MD5", PLAIN)
PROPERTIES = (
    *(USER, OTP, AUTH, *SUPERSEDED),
    *(
        b"cmusaslsecretSRP",
        b"cmusaslsecretSCRAM-SHA-1",
        b"userPKCS12",
        b"custom",
        b"uidNumber",
        b"",
        b"userpassword",
        b"*userPassword",
    ),
)


def key(user: bytes, realm: bytes, name: bytes = USER) -> bytes:
    """Return a record's key."""
    return b"\0".join((user, realm, name))


def seeded(user: bytes = b"u", realm: bytes = b"R") -> Records:
    """Return a record for each of PROPERTIES of one user, and some of users that are nearly the same."""
    records = {key(user, realm, name): b"old " + name for name in PROPERTIES}
    for near in (
        key(user.upper(), realm),
        key(user, realm.lower() + b"x"),
        key(user + b"u", realm),
        key(b"other", b"there", b"custom"),
    ):
        records[near] = b"near"
    return records


def image(
    records: Mapping[bytes, bytes], page_size: int = 4096, order: int = 1234, kind: int = db.DB_HASH, flags: int = 0
) -> bytes:
    """Return the bytes of a database file with `records`; `order` 4321 is big-endian, `flags` are Berkeley DB's."""
    return _image(tuple(records.items()), page_size, order, kind, flags)


@lru_cache(maxsize=None)
def _image(records: tuple[tuple[bytes, bytes], ...], page_size: int, order: int, kind: int, flags: int) -> bytes:
    with tempfile.TemporaryDirectory() as home:
        table = db.DB()
        table.set_pagesize(page_size)
        table.set_lorder(order)
        if flags:
            table.set_flags(flags)
        table.open(f"{home}/image", dbtype=kind, flags=db.DB_CREATE)
        for name, value in records:
            table.put(name, value)
        table.close()
        return Path(home, "image").read_bytes()


def load(path: Path) -> Records | None:
    """Return the records of the database at `path`, or None where it is not a Berkeley DB hash that can be read."""
    if path.read_bytes()[12:16] not in (b"\x61\x15\x06\0", b"\0\x06\x15\x61"):
        return None
    table = db.DB()
    try:
        table.open(str(path), dbtype=db.DB_HASH, flags=db.DB_RDONLY)
        return dict(table.items())
    except db.DBError:
        return None
    finally:
        table.close()


def meaning(name: bytes, value: bytes, password: bytes) -> object:
    """Return what `value` of property `name` says, without its random part; `value` itself where it was not made of `password`."""
    if name == OTP and value.count(b"\t") == 4:
        algorithm, sequence, seed, digits, lock = value.split(b"\t")
        if algorithm in (b"md5", b"sha1") and digits == one_time(algorithm.decode(), int(sequence), seed, password):
            assert 1 <= int(seed[-4:]) <= 9999
            return "OTP", algorithm, sequence, seed[:-4], lock
    if name == AUTH and value.startswith(b"SCRAM-") and value.count(b"$") == 2:
        mechanism, parameters, keys = value.split(b"$")
        iterations, salt = parameters.split(b":")
        raw = base64.b64decode(salt, validate=True)
        if keys == scram_keys(mechanism.decode(), int(iterations), raw, password):
            return "SCRAM", mechanism, iterations, len(raw)
    if (
        name == PLAIN
        and len(value) == 33
        and value == value[:16] + b"\0" + hashlib.md5(value[:16] + b"sasldb" + password).digest()
    ):
        return "PLAIN"
    return value


def one_time(algorithm: str, sequence: int, seed: bytes, password: bytes) -> bytes:
    """Return RFC 2289's one-time password, as hexadecimal digits."""
    data = seed.lower() + password
    for _ in range(sequence + 1):
        digest = hashlib.new(algorithm, data).digest()
        words = [digest[start : start + 4] for start in range(0, len(digest), 4)]
        folded = [bytes(4), bytes(4)]
        for index, word in enumerate(words):
            folded[index % 2] = bytes(a ^ b for a, b in zip(folded[index % 2], word))
        data = b"".join(word[::-1] if algorithm == "sha1" else word for word in folded)
    return data.hex().encode()


def scram_keys(mechanism: str, iterations: int, salt: bytes, password: bytes) -> bytes:
    """Return RFC 5802's `StoredKey:ServerKey` in base64."""
    name = mechanism.replace("SCRAM-", "").replace("-", "").lower()
    salted = hashlib.pbkdf2_hmac(name, password, salt, iterations)
    stored = hashlib.new(name, hmac.digest(salted, b"Client Key", name)).digest()
    return base64.b64encode(stored) + b":" + base64.b64encode(hmac.digest(salted, b"Server Key", name))
