"""sasldb postfix check -a of an application that is not Postfix: whether the user as which that service runs can read its database."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Commands
from tests.real.namespace import PrivateEtc

PATH = "/etc/memcached-sasldb2"
SETUP = f"""
set -e
rm -rf /etc/sasl2 /etc/memcached-sasldb2; mkdir -p /etc/sasl2
printf 'mech_list: plain\\npwcheck_method: auxprop\\nauxprop_plugin: sasldb\\nsasldb_path: %s\\n' {PATH} > /etc/sasl2/memcached.conf
cp /etc/sasl2/memcached.conf /etc/sasl2/unheard.conf
printf 'root:x:0:0::/:\\npostfix:x:1801:1801::/:\\nmemcache:x:1803:1803::/:\\ncyrus:x:1802:8::/:\\n' > /etc/passwd
printf 'root:x:0:\\npostfix:x:1801:\\nmemcache:x:1803:\\nmail:x:8:\\nsasl:x:1805:cyrus\\nempty:x:1806:\\n' > /etc/group
printf x | {{saslpasswd2}} -p -c -f {PATH} -u example.com alice
"""


class Result:
    """What a check came to: `findings` by name, and the lines on standard error."""

    def __init__(self, output: bytes, errors: bytes) -> None:
        self.findings = {finding["name"]: finding for finding in json.loads(output)["findings"]}
        self.errors = errors.decode().splitlines()


@pytest.fixture
def check(private_etc: PrivateEtc, cyrus: object, commands: Commands) -> Check:
    """Return the check on a host with memcached's user, and Cyrus IMAP's."""
    return Check(private_etc, commands)


class Check:
    """Runs the check for an application, after a script."""

    def __init__(self, host: PrivateEtc, commands: Commands) -> None:
        self._host = host
        self._sasldb = commands.sasldb
        done = host.run("sh", "-c", SETUP.format(saslpasswd2=commands.saslpasswd2))
        assert done.returncode == 0, done.stderr

    def __call__(self, script: str, *options: str, application: str = "memcached") -> Result:
        """Run `script`, then the check."""
        self._host.run("sh", "-ec", script)
        done = self._host.run(self._sasldb, "postfix", "check", "-a", application, "--json", *options)
        return Result(done.stdout, done.stderr)

    def told(self, application: str) -> str:
        """Return what the check prints for people."""
        return self._host.run(self._sasldb, "postfix", "check", "-a", application).stdout.decode()

    def conf(self) -> list[str]:
        """Return the lines of its configuration file."""
        return self._host.run("cat", "/etc/sasl2/memcached.conf").stdout.decode().splitlines()

    def owner(self) -> str:
        """Return owner and mode of the database."""
        return self._host.run("stat", "-c", "%U:%G %a", PATH).stdout.decode().strip()


@pytest.mark.parametrize(
    "script, remedy, after",
    [
        (f"chown root:root {PATH}", f"chown root:memcache {PATH} && chmod 0640 {PATH}", "root:memcache 640"),
        (f"chown root:empty {PATH}", f"chown root:memcache {PATH} && chmod 0640 {PATH}", "root:memcache 640"),
        (
            f"chown root:memcache {PATH}; chmod 0600 {PATH}",
            f"chown root:memcache {PATH} && chmod 0640 {PATH}",
            "root:memcache 640",
        ),
        (f"chown root:sasl {PATH}; chmod 0660 {PATH}", "usermod -a -G sasl memcache", None),
        (f"chown root:postfix {PATH}", "usermod -a -G postfix memcache", "root:postfix 640"),
        (
            f"chown cyrus:root {PATH}; chmod 0600 {PATH}",
            f"chgrp memcache {PATH} && chmod 0640 {PATH}",
            "cyrus:memcache 640",
        ),
    ],
)
def test_a_database_that_its_user_cannot_read(check: Check, script: str, remedy: str, after: str | None) -> None:
    """It is found, tried as that user, with what lets that user in and takes nothing from anybody; --fix puts nobody into a group of weight."""
    result = check(script)
    assert list(result.findings) == ["database-unreadable"]
    finding = result.findings["database-unreadable"]
    assert finding["remedy"] == remedy
    assert finding["seen"].endswith("Permission denied, tried as memcache")
    assert finding["why"].startswith("memcached reads the database as that user")
    if after is not None:
        left = check(":", "--fix", "--yes")
        assert (list(left.findings) == []) == ("usermod" not in remedy)
        assert check.owner() == after


@pytest.mark.parametrize(
    "script", [f"chown root:memcache {PATH}", f"chown memcache:memcache {PATH}; chmod 0600 {PATH}"]
)
def test_a_database_that_its_user_can_read(check: Check, script: str) -> None:
    """Nothing is found wrong with it, whoever owns it."""
    assert check(script).findings == {}


def test_a_directory_that_does_not_let_its_user_through(check: Check) -> None:
    """The directory to blame is named, and it is for people to open it."""
    script = f"mkdir -m 0700 /etc/shut; mv {PATH} /etc/shut/db; chown root:memcache /etc/shut/db; sed -i s,{PATH},/etc/shut/db, /etc/sasl2/memcached.conf"
    (finding,) = check(script, "--fix", "--yes").findings.values()
    assert (finding["name"], finding["remedy"]) == (
        "database-directory",
        "chgrp memcache /etc/shut && chmod g+x /etc/shut",
    )


def test_an_unknown_user(check: Check) -> None:
    """Where nobody knows as which user the service runs, that is said, and nothing is found wrong."""
    assert check(f"chown root:root {PATH}", application="unheard").findings == {}
    said = f"nobody knows as which user unheard runs, so whether it can read {PATH} was not tried"
    assert said in check.told("unheard").splitlines()
    assert "nobody knows" not in check.told("memcached")


def test_a_missing_database(check: Check) -> None:
    """The command that makes it makes it for that service."""
    (finding,) = check(f"rm {PATH}").findings.values()
    assert finding["remedy"] == f"sasldb init -a memcached -f {PATH}"
    check(":", "--fix", "--yes")
    assert check.owner() == "root:memcache 640"


@pytest.mark.parametrize(
    "script, found",
    [
        (f"rm {PATH}", "database-missing"),
        (f"{{saslpasswd2}} -d -f {PATH} -u example.com alice; chown root:memcache {PATH}", "database-no-users"),
    ],
)
def test_the_users_of_postfix_are_not_those_of_another_application(
    check: Check, commands: Commands, script: str, found: str
) -> None:
    """Where its own database has no user, it is not pointed to the default database: everybody there would be let in."""
    mail = "printf x | {saslpasswd2} -p -c -f /etc/sasldb2 -u example.com bob"
    result = check(f"{mail}; {script}".format(saslpasswd2=commands.saslpasswd2))
    assert list(result.findings) == [found]
    check(":", "--fix", "--yes")
    assert f"sasldb_path: {PATH}" in check.conf()


def test_a_directory_that_another_user_owns(check: Check) -> None:
    """A directory that belongs to a service is not taken from it by --fix; one that is merely open is closed."""
    move = f"mkdir /etc/own; mv {PATH} /etc/own/db; chown root:memcache /etc/own/db; sed -i s,{PATH},/etc/own/db, /etc/sasl2/memcached.conf"
    (finding,) = check(f"{move}; chown memcache /etc/own", "--fix", "--yes").findings.values()
    assert finding["name"] == "database-directory-open" and "See first whether" in finding["why"]
    assert check("chown root:root /etc/own; chmod 0757 /etc/own", "--fix", "--yes").findings == {}
