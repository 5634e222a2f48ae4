"""Every kind of storage that a user may be found with, and how it comes about: through a command, ours or Cyrus's, or as a legacy of others.

PAGE of the table that the tests hold against a real Postfix is docs/mechanisms.md; the names of the rows are Markdown.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import sasldb
from sasldb.model.identity import UserId
from sasldb.secrets import cram_md5, digest_md5, plain_hash, scram
from tests.conftest import Commands, CyrusTools
from tests.real.postfix import REALM

PASSWORD, OLD = "pass w:rd%7", "the old one"
HASHES = ("SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512")


class Step:
    """One step on the way to a storage; every subclass carries it out on a `Bench` for one user."""

    def __call__(self, bench: Bench, user: str) -> None:
        """Do it; AssertionError when it fails."""
        raise NotImplementedError


class Bench:
    """The database (Path) that the steps work on, and the commands for that."""

    def __init__(self, database: Path, commands: Commands, cyrus: CyrusTools) -> None:
        self.database = database
        self.commands = commands
        self.cyrus = cyrus

    def run(self, *argv: str, password: str = "", environment: Mapping[str, str] | None = None) -> bytes:
        """Run a command that must succeed, with a password on standard input, and return what it printed."""
        done = subprocess.run(
            argv, input=f"{password}\n".encode(), capture_output=True, timeout=60, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def sasldb(self, command: str, *arguments: str, password: str = "") -> bytes:
        """Run `sasldb` on the database, bare users being those of REALM."""
        argv = [self.commands.sasldb, command, "-f", str(self.database), "-u", REALM, *arguments]
        return self.run(*argv, password=password)


class Ours(Step):
    """A call of `sasldb`, with PASSWORD on standard input where it asks for one."""

    def __init__(self, command: str, *options: str) -> None:
        self.arguments = command, *options

    def __call__(self, bench: Bench, user: str) -> None:
        """Run it."""
        asked = ["--password-stdin"] if self.arguments[0] == "add" else []
        bench.sasldb(*self.arguments, *asked, user, password=PASSWORD)


class DropIn(Step):
    """A call of our saslpasswd2."""

    def __init__(self, *options: str) -> None:
        self.options = options

    def __call__(self, bench: Bench, user: str) -> None:
        """Run it."""
        argv = [bench.commands.saslpasswd2, "-p", "-c", *self.options, "-f", str(bench.database), "-u", REALM, user]
        bench.run(*argv, password=PASSWORD)


class Cyrus(Step):
    """A call of Cyrus's own saslpasswd2, with this saslpasswd.conf: its plug-ins make what is stored."""

    def __init__(self, *options: str, conf: str = "") -> None:
        self.options = options
        self.conf = conf

    def __call__(self, bench: Bench, user: str) -> None:
        """Run it."""
        folder = bench.database.with_name("saslpasswd")
        folder.mkdir(exist_ok=True)
        (folder / "saslpasswd.conf").write_text(self.conf)
        argv = [bench.cyrus.saslpasswd2, "-p", "-c", *self.options, "-f", str(bench.database), "-u", REALM, user]
        bench.run(*argv, password=PASSWORD, environment={**os.environ, "SASL_CONF_PATH": str(folder)})


class Legacy(Step):
    """Secrets that no command here would leave like that: property -> the password that it is made of."""

    def __init__(self, properties: Mapping[bytes, str]) -> None:
        self.properties = properties

    def __call__(self, bench: Bench, user: str) -> None:
        """Put them into the database as they are."""
        who = UserId(user.encode(), REALM.encode())
        with sasldb.edit(str(bench.database)) as editor:
            for name, password in self.properties.items():
                editor.put(who.key(name), _secret(name, who, password.encode()))


def _secret(name: bytes, who: UserId, password: bytes) -> bytes:
    made = {
        b"userPassword": lambda: password,
        b"cmusaslsecretPLAIN": lambda: plain_hash.make(password),
        b"authPassword": lambda: scram.make(password),
        b"cmusaslsecretCRAM-MD5": lambda: cram_md5.make(password),
        b"cmusaslsecretDIGEST-MD5": lambda: digest_md5.make(who.user, who.realm, password),
    }
    return made[name]()


# Markdown -> the steps. A stale secret is one of OLD.
STORAGES: dict[str, Sequence[Step]] = {
    "`sasldb add`": [Ours("add")],
    **{f"`sasldb add --no-plaintext --scram {name}`": [Ours("add", "--scram", name)] for name in HASHES},
    "`sasldb harden`": [Ours("add"), Ours("harden")],
    "`saslpasswd2`": [DropIn()],
    "`saslpasswd2 -n`": [DropIn("-n")],
    "Cyrus's `saslpasswd2`": [Cyrus()],
    "Cyrus's `saslpasswd2` without the OTP plug-in": [Cyrus(conf="mech_list: PLAIN\n")],
    "Cyrus's `saslpasswd2 -n`: `cmusaslsecretOTP` alone": [Cyrus("-n")],
    "the same with `otp_mda: sha1`": [Cyrus("-n", conf="otp_mda: sha1\n")],
    "Cyrus's `saslpasswd2 -n` with `scram_secret_generate`": [Cyrus("-n", conf="scram_secret_generate: yes\n")],
    **{
        f"`authPassword` alone, of Cyrus's plug-in for SCRAM-{name}": [
            Cyrus("-n", conf=f"scram_secret_generate: yes\nmech_list: SCRAM-{name}\n")
        ]
        for name in HASHES
    },
    "`authPassword` alone, of ours": [Legacy({b"authPassword": PASSWORD})],
    "`cmusaslsecretPLAIN` alone": [Legacy({b"cmusaslsecretPLAIN": PASSWORD})],
    "`cmusaslsecretCRAM-MD5` alone": [Legacy({b"cmusaslsecretCRAM-MD5": PASSWORD})],
    "`cmusaslsecretDIGEST-MD5` alone": [Legacy({b"cmusaslsecretDIGEST-MD5": PASSWORD})],
    "plaintext beside a stale `authPassword`": [Legacy({b"userPassword": PASSWORD, b"authPassword": OLD})],
    "plaintext beside a stale `cmusaslsecretPLAIN`": [Legacy({b"userPassword": PASSWORD, b"cmusaslsecretPLAIN": OLD})],
    "plaintext beside stale CRAM-MD5 and DIGEST-MD5 secrets": [
        Legacy({b"userPassword": PASSWORD, b"cmusaslsecretCRAM-MD5": OLD, b"cmusaslsecretDIGEST-MD5": OLD})
    ],
}
USERS = {name: f"user{number}" for number, name in enumerate(STORAGES)}
