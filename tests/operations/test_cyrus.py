"""What Cyrus would store, decided from configuration and plug-ins alone; that the real tool agrees is the oracle's matter."""

from __future__ import annotations

from pathlib import Path

import pytest

import sasldb
from sasldb.errors import BadPassword, DatabaseError, MechanismError, SiteConfigError
from sasldb.libsasl.config import Config
from sasldb.libsasl.plugins import Plugins
from sasldb.model.identity import UserId
from sasldb.operations.cyrus import Site, disable, secrets_of, set_password

USER = UserId(b"alice", b"example.com")
ALL = Plugins(sasldb=True, otp=True, scram=True)
ONLY = Plugins(sasldb=True, otp=False, scram=False)
NONE = Plugins(sasldb=False, otp=False, scram=False)


def site(plugins: Plugins = ALL, **options: str) -> Site:
    """Return the site of a configuration with `options`."""
    return Site(Config(b"x.conf", {key.encode(): value.encode() for key, value in options.items()}), plugins)


def names(path: Path) -> list[str]:
    """Return the names of Alice's properties in the database."""
    with sasldb.open(str(path)) as db:
        account = db.get(USER)
    return sorted(account.properties) if account else []


@pytest.mark.parametrize(
    ("where", "stored"),
    [
        (site(ONLY), {"userPassword"}),
        (site(), {"userPassword", "cmusaslsecretOTP"}),
        (site(mech_list="PLAIN LOGIN"), {"userPassword"}),
        (site(scram_secret_generate="on"), {"userPassword", "cmusaslsecretOTP", "authPassword"}),
        (site(mech_list="otp", scram_secret_generate="on"), {"userPassword", "cmusaslsecretOTP"}),
        (site(ONLY, scram_secret_generate="on"), {"userPassword"}),
    ],
)
def test_what_is_stored(where: Site, stored: set[str], tmp_path: Path) -> None:
    """Each plug-in that takes part adds its record, in a database that is made for it."""
    assert set_password(str(tmp_path / "db"), USER, b"secret", where) == []
    assert set(names(tmp_path / "db")) == stored


def test_what_is_removed() -> None:
    """Secrets of mechanisms that Cyrus gave up are removed, and no others."""
    removed = {name for name, value in secrets_of(USER, b"secret", site()).items() if value is None}
    assert removed == {b"cmusaslsecretCRAM-MD5", b"cmusaslsecretDIGEST-MD5", b"cmusaslsecretPLAIN"}


def test_no_plaintext(tmp_path: Path) -> None:
    """Without plaintext the old one is removed and what is stored still verifies the password."""
    path = str(tmp_path / "db")
    set_password(path, USER, b"old", site())
    set_password(path, USER, b"secret", site(), keep_plaintext=False)
    assert names(tmp_path / "db") == ["authPassword", "cmusaslsecretOTP", "cmusaslsecretPLAIN"]
    with sasldb.open(path) as db:
        assert db.verify(USER, b"secret") and not db.verify(USER, b"old")


@pytest.mark.parametrize(
    ("options", "generated", "preferred"),
    [
        ({}, None, b"scram-sha-256"),
        ({"scram_secret_generate": "on"}, b"scram-sha-1", b"scram-sha-1"),
        ({"scram_secret_generate": "on", "mech_list": "SCRAM-SHA-1 SCRAM-SHA-512"}, b"scram-sha-512", b"scram-sha-512"),
        ({"mech_list": "SCRAM-SHA-1 SCRAM-SHA-384-PLUS"}, None, b"scram-sha-384"),
        ({"mech_list": "plain"}, None, b"scram-sha-256"),
    ],
)
def test_which_scram(options: dict[str, str], generated: bytes | None, preferred: bytes) -> None:
    """The last of the list is what stays of Cyrus's; without plaintext the best of the list is chosen, SHA-256 before all."""
    where = site(ALL, **options)
    assert (where.generated_scram, where.preferred_scram) == (generated, preferred)


@pytest.mark.parametrize(
    ("text", "count"), [("5000", 5000), ("+10", 10), ("010", 10), ("x", 4096), ("1e3", 4096), ("4294967297", 1)]
)
def test_iterations(text: str, count: int) -> None:
    """A number is read as strtoul reads it, into 32 bits; what is none is the default."""
    assert site(scram_iteration_counter=text).iterations == count


@pytest.mark.parametrize("text", ["0", "-1", "4294967295", "10000001"])
def test_absurd_iterations(text: str) -> None:
    """A useless or endless count is an error, which names the file that it stands in."""
    with pytest.raises(SiteConfigError, match=r"^x\.conf: scram_iteration_counter"):
        site(scram_iteration_counter=text).iterations


def test_an_unknown_hash(tmp_path: Path) -> None:
    """With an otp_mda that does not exist nothing is stored at all."""
    with pytest.raises(SiteConfigError, match="otp_mda"):
        set_password(str(tmp_path / "db"), USER, b"secret", site(otp_mda="sha256"))
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize("plugins", [NONE, Plugins(sasldb=False, otp=True, scram=True)])
def test_nothing_may_store(plugins: Plugins, tmp_path: Path) -> None:
    """Without a sasldb plug-in nothing happens; where a mechanism needed it, that is an error."""
    path = str(tmp_path / "db")
    if plugins.otp:
        with pytest.raises(MechanismError):
            set_password(path, USER, b"x", site(plugins))
        with pytest.raises(MechanismError):
            disable(path, USER, site(plugins))
    else:
        assert set_password(path, USER, b"x", site(plugins)) == disable(path, USER, site(plugins)) == []
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize("stores", ["bogus", "sql", "sasldb2", "sasldb,sql"])
def test_another_store(stores: str) -> None:
    """auxprop_plugin that does not name sasldb as a word of its own keeps it out."""
    assert not site(auxprop_plugin=stores).stores
    assert site(auxprop_plugin=f"{stores} SASLDB").stores


@pytest.mark.parametrize("password", [b"", b"a\0b", b"x" * 8193])
def test_passwords_that_cannot_be(password: bytes, tmp_path: Path) -> None:
    """What libsasl would cut or refuse is refused before the database is touched, and the message does not show it."""
    with pytest.raises(BadPassword) as caught:
        set_password(str(tmp_path / "db"), USER, password, site())
    assert password.decode() not in str(caught.value) or not password
    assert not (tmp_path / "db").exists()


def test_disable(tmp_path: Path) -> None:
    """A deleted user has no property left, an unknown one changes nothing, a missing database is made."""
    path = tmp_path / "db"
    disable(str(path), USER, site())
    with sasldb.edit(str(path)) as db:
        db.put(USER.key(b"custom"), b"x")
        db.put(USER.key(b"authPassword"), b"x")
        db.put(b"bob\0example.com\0userPassword", b"x")
    disable(str(path), USER, site())
    assert names(path) == []
    before = path.stat()
    disable(str(path), USER, site())
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    with sasldb.open(str(path)) as db:
        assert [str(account.id) for account in db] == ["bob@example.com"]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of another kind is an error and stays as it is; one of zero bytes becomes a database."""
    (tmp_path / "text").write_text("hello " * 1000)
    with pytest.raises(DatabaseError):
        set_password(str(tmp_path / "text"), USER, b"secret", site())
    assert (tmp_path / "text").read_text() == "hello " * 1000
    (tmp_path / "empty").touch()
    set_password(str(tmp_path / "empty"), USER, b"secret", site(ONLY))
    assert names(tmp_path / "empty") == ["userPassword"]
