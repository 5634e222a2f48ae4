"""Who gets in: for each kind of storage and each mechanism real libsasl decides, in a real Postfix; what our commands say is compared.

The client is libsasl's own (`libsasl_smtp`) for all mechanisms, and gsasl and swaks for those that they speak. The same table
stands in docs/mechanisms.md. All are gathered in fixtures that follow on one another: as made, after `passwd`, after `delete`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT, Commands, CyrusTools, lacking
from tests.real import clients, libsasl_smtp
from tests.real.postfix import REALM, PostfixInstance
from tests.real.storages import OLD, PASSWORD, STORAGES, USERS, Bench
from tests.secrets.test_against_cyrus import INSTALLED

NEW = "the n\u00e9w one"
NEW_WITHOUT = {"NTLM"}  # libsasl takes each byte of UTF-8 for a character there, so that no client can get in
WRITABLE = 0o660  # by group postfix: a one-time password is used up, and smtpd itself writes that down
ACCEPTED, REFUSED, TRY_LATER = 235, 535, 454
OTHERS = [("gsasl", name) for name in clients.GSASL] + [("swaks", name) for name in ("DIGEST-MD5", "NTLM")]
STALE = "stale"  # a word in the names of those with a secret of another password
PAGE = ROOT / "docs/mechanisms.md"

Table = dict[tuple[str, str], frozenset[str]]  # storage and password -> mechanisms
each_storage = pytest.mark.parametrize("storage", STORAGES)


class Site:
    """A running Postfix that offers all mechanisms, and the commands that work on its database."""

    def __init__(self, server: PostfixInstance, bench: Bench) -> None:
        self.server = server
        self.bench = bench

    def codes(self, passwords: Sequence[str]) -> dict[tuple[str, str, str], int]:
        """Return (storage, password, mechanism) -> the reply code to libsasl's client."""
        keys = [(storage, password, name) for storage in STORAGES for password in passwords for name in INSTALLED]
        attempts = [(name, login_name(storage, name), REALM, password) for storage, password, name in keys]
        return dict(zip(keys, libsasl_smtp.logins(self.server.port, attempts)))

    def entered(self, passwords: Sequence[str]) -> Table:
        """Return by which mechanisms libsasl lets in each user with each of the passwords."""
        codes = self.codes(passwords)
        assert set(codes.values()) <= {ACCEPTED, REFUSED, TRY_LATER}
        return {
            (storage, password): frozenset(name for name in INSTALLED if codes[storage, password, name] == ACCEPTED)
            for storage in STORAGES
            for password in passwords
        }

    def verified(self, passwords: Sequence[str]) -> Table:
        """Return the same as `sasldb verify` tells it."""
        keys = [(storage, password) for storage in STORAGES for password in passwords]
        batch = self.bench.database.with_name("batch")
        batch.touch(0o600)
        batch.write_text("".join(f"{USERS[storage]}\t{password}\n" for storage, password in keys))
        argv = [self.bench.commands.sasldb, "verify", "-f", str(self.bench.database), "-u", REALM, "--json"]
        # A batch in which one is wrong ends with 1, and here some are meant to be.
        told = json.loads(self.bench.run("sh", "-c", '"$@" || [ $? = 1 ]', "sh", *argv, "--batch", str(batch)))
        for entry in told:
            assert bool(entry["mechanisms"]) == (entry["verdict"] == "ok")
        return {key: frozenset(entry["mechanisms"]) for key, entry in zip(keys, told)}

    def listed(self) -> dict[str, frozenset[str]]:
        """Return user -> mechanisms, as `sasldb list` tells them."""
        return {
            entry["user"]: frozenset(entry["mechanisms"]) for entry in json.loads(self.bench.sasldb("list", "--json"))
        }


def login_name(storage: str, mechanism: str) -> str:
    """Return the name to log in with: DIGEST-MD5 carries the realm apart."""
    return USERS[storage] if mechanism == "DIGEST-MD5" else f"{USERS[storage]}@{REALM}"


@pytest.fixture(scope="module", params=["plain", "chroot"])
def site(request: pytest.FixtureRequest, postfix_parts: None, commands: Commands, cyrus: CyrusTools) -> Iterator[Site]:
    """Yield a Postfix with a user of each storage, in a database that smtpd may write to."""
    if not cyrus.otp_installed:
        lacking("cyrus", "not installed: libsasl2-modules-otp; script/test installs it")
    server = PostfixInstance(chroot=request.param == "chroot")
    conf = server.config / "sasl/smtpd.conf"
    conf.write_text(re.sub("(?m)^mech_list:.*$", f"mech_list: {' '.join(INSTALLED)}", conf.read_text()))
    with server:
        bench = Bench(server.database, commands, cyrus)
        bench.run(commands.sasldb, "init", "-f", str(server.database), "--mode", f"{WRITABLE:o}")
        for storage, steps in STORAGES.items():
            for step in steps:
                step(bench, USERS[storage])
        yield Site(server, bench)


class Seen:
    """What was seen at one moment: `entered` with libsasl's client, `verified` and `listed` by our commands."""

    def __init__(self, site: Site, passwords: Sequence[str]) -> None:
        before = site.verified(passwords)
        self.listed = site.listed()
        self.entered = site.entered(passwords)
        self.verified = site.verified(passwords)
        assert (before, self.listed) == (self.verified, site.listed()), "logins have changed what is told"


@pytest.fixture(scope="module")
def made(site: Site) -> Seen:
    """Return what holds for the users as they were made."""
    return Seen(site, [PASSWORD, OLD])


@pytest.fixture(scope="module")
def others(site: Site, made: Seen) -> Table:
    """Return what gsasl and swaks come to with the users as they were made, and with each password that is one."""

    def accepted(key: tuple[str, str]) -> frozenset[str]:
        storage, password = key
        codes = {
            name: clients.login(site.server.port, client, name, login_name(storage, name), password)
            for client, name in OTHERS
        }
        return frozenset(name for name, code in codes.items() if code == ACCEPTED)

    keys = [key for key, mechanisms in made.entered.items() if key[1] == PASSWORD or mechanisms]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(keys, pool.map(accepted, keys)))


@pytest.fixture(scope="module")
def applied(site: Site, others: Table) -> tuple[str, bool]:
    """Return what `sasldb apply` says of a state in which all have the password that they have, and whether it left the file alone."""
    users = [
        {"name": f"{USERS[storage]}@{REALM}", "password": PASSWORD} for storage in STORAGES if STALE not in storage
    ]
    wishes = site.bench.database.with_name("state.json")
    wishes.touch(0o600)
    wishes.write_text(json.dumps({"users": users}))
    before = site.bench.database.stat()
    said = site.bench.run(site.bench.commands.sasldb, "apply", "-f", str(site.bench.database), str(wishes))
    after = site.bench.database.stat()
    untouched = (before.st_ino, before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_ino,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )
    return said.decode(), untouched


@pytest.fixture(scope="module")
def changed(site: Site, applied: tuple[str, bool]) -> Seen:
    """Return what holds after `sasldb passwd`."""
    for user in USERS.values():
        site.bench.sasldb("passwd", "--password-stdin", user, password=NEW)
    return Seen(site, [PASSWORD, OLD, NEW])


@pytest.fixture(scope="module")
def deleted(site: Site, changed: Seen) -> Seen:
    """Return what holds after `sasldb delete`."""
    site.bench.sasldb("delete", *USERS.values())
    return Seen(site, [PASSWORD, OLD, NEW])


@each_storage
def test_verify_and_list_are_right(made: Seen, storage: str) -> None:
    """A mechanism lets a user in with a password exactly where `verify` says so, and with any password exactly where `list` does."""
    by_password = {password: made.entered[storage, password] for password in (PASSWORD, OLD)}
    assert by_password == {password: made.verified[storage, password] for password in (PASSWORD, OLD)}
    assert made.listed[USERS[storage]] == frozenset().union(*by_password.values())
    assert by_password[PASSWORD]


@each_storage
def test_other_clients(made: Seen, others: Table, storage: str) -> None:
    """gsasl and swaks get in where libsasl's own client does."""
    spoken = {name for _, name in OTHERS}
    for password in (PASSWORD, OLD):
        if (storage, password) in others:
            assert others[storage, password] == made.entered[storage, password] & spoken


def test_apply(applied: tuple[str, bool]) -> None:
    """`apply` finds every password as it shall be, however it is stored and by whom, used one-time passwords included, and writes nothing."""
    said, untouched = applied
    count = sum(STALE not in storage for storage in STORAGES)
    assert said.endswith(f": 0 created, 0 updated, 0 deleted; {count} as they shall be\n") and untouched


@each_storage
def test_after_passwd(changed: Seen, made: Seen, storage: str) -> None:
    """No mechanism accepts a password of before; the new one is accepted by those that `verify` and `list` tell, and that were there before."""
    assert changed.entered[storage, PASSWORD] == changed.entered[storage, OLD] == frozenset()
    assert changed.verified[storage, PASSWORD] == changed.verified[storage, OLD] == frozenset()
    entered = changed.entered[storage, NEW] | NEW_WITHOUT & changed.listed[USERS[storage]]
    assert entered == changed.verified[storage, NEW] == changed.listed[USERS[storage]] == made.listed[USERS[storage]]


@each_storage
def test_after_delete(deleted: Seen, storage: str) -> None:
    """No mechanism accepts anything, and nothing else is told."""
    assert USERS[storage] not in deleted.listed
    for password in (PASSWORD, OLD, NEW):
        assert deleted.entered[storage, password] == deleted.verified[storage, password] == frozenset()


def rows(page: Path) -> dict[str, list[str]]:
    """Return the rows of the page's table: the first cell -> the others."""
    lines = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


def test_the_page(made: Seen) -> None:
    """docs/mechanisms.md has the table that was found: a row for each storage, one more where another password gets in too."""
    found = {"stored by": list(INSTALLED)}
    for storage, password in made.entered:
        marks = ["yes" if name in made.entered[storage, password] else "" for name in INSTALLED]
        if password == PASSWORD:
            found[storage] = marks
        elif any(marks):
            found[f"{storage}, with the stale password"] = marks
    lines = [f"| {first} | {' | '.join(cells)} |" for first, cells in found.items()]
    assert rows(PAGE) == found, "\n".join(lines)


def test_digest_md5_secrets_and_names(site: Site) -> None:
    """A DIGEST-MD5 secret serves who logs in with the bare name; a plaintext serves who gives the realm with the name as well."""
    secret, plain = "secret", "plain"
    STORAGES["`cmusaslsecretDIGEST-MD5` alone"][0](site.bench, secret)
    STORAGES["`sasldb add`"][0](site.bench, plain)
    names = [secret, f"{secret}@{REALM}", plain, f"{plain}@{REALM}"]
    codes = libsasl_smtp.logins(site.server.port, [("DIGEST-MD5", name, REALM, PASSWORD) for name in names])
    assert codes == [ACCEPTED, REFUSED, ACCEPTED, ACCEPTED]
    site.bench.sasldb("delete", secret, plain)


def test_one_time_passwords_want_a_writable_database(site: Site) -> None:
    """OTP is refused for now (454) where smtpd may not write to the file, other mechanisms are not; `sasldb` leaves 0660 as it is."""
    STORAGES["`sasldb add`"][0](site.bench, "once")
    mode = site.bench.database.stat().st_mode & 0o777
    attempts = [(name, f"once@{REALM}", REALM, PASSWORD) for name in ("OTP", "PLAIN", "OTP")]
    codes = libsasl_smtp.logins(site.server.port, attempts)
    site.bench.database.chmod(0o640)
    refused = libsasl_smtp.logins(site.server.port, attempts)
    site.bench.database.chmod(WRITABLE)
    assert (mode, codes, refused) == (WRITABLE, [ACCEPTED] * 3, [TRY_LATER, ACCEPTED, TRY_LATER])
    site.bench.sasldb("delete", "once")
